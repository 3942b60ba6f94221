"""What objects consist of: the fields of the standard objects and the custom ones, as `describe` tells them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
SOAP = {
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "reference": "tns:ID",
    "address": "urn:address",
}
NUMBERS = ("int", "double", "currency", "percent")
SYSTEM = (
    "Id id read",
    "IsDeleted boolean read",
    "CreatedDate datetime read",
    "CreatedById reference read >User",
    "LastModifiedDate datetime read",
    "LastModifiedById reference read >User",
    "SystemModstamp datetime read",
)
OBJECTS: dict[str, tuple[str, ...]] = {
    "Account": (
        "MasterRecordId reference read >Account",
        "Name string 255 required",
        "Website url 255",
        "Industry picklist 255",
        "BillingCountry string 80",
        "BillingAddress address read",
        "NumberOfEmployees int",
        "AnnualRevenue currency",
        "OwnerId reference >User",
        "Ext__c string 64 external",
    ),
    "Contact": (
        "MasterRecordId reference read >Contact",
        "AccountId reference >Account",
        "LastName string 80 required",
        "FirstName string 40",
        "Name string 121 read",
        "Email email 80 lookup",
        "Phone phone 40",
        "Title string 128",
        "MailingCountry string 80",
        "MailingAddress address read",
        "LeadSource picklist 255",
        "HasOptedOutOfEmail boolean",
        "OwnerId reference >User",
        "Interests__c multipicklist 4099",
        "Lead_Score__c double",
        "Ext__c string 64 external",
        "ReportsToId reference >Contact",
        "Birthdate date",
        "Description textarea 32000",
        "Lead_Grade__c picklist 255 restricted =A,B,C,D",
        "Last_Seen__c datetime",
        "Lifetime_Value__c currency",
        "Customer_No__c double external",
    ),
    "Lead": (
        "MasterRecordId reference read >Lead",
        "LastName string 80 required",
        "FirstName string 40",
        "Name string 121 read",
        "Company string 255 required",
        "Email email 80 lookup",
        "Phone phone 40",
        "Title string 128",
        "Country string 80",
        "LeadSource picklist 255",
        "Status picklist 255 defaulted",
        "Rating picklist 255",
        "IsConverted boolean read",
        "ConvertedDate date read",
        "ConvertedContactId reference read >Contact",
        "HasOptedOutOfEmail boolean",
        "OwnerId reference >User",
        "Lead_Score__c double",
        "Ext__c string 64 external",
    ),
    "Opportunity": (
        "AccountId reference >Account",
        "Name string 120 required",
        "StageName picklist 255 required",
        "Amount currency",
        "Probability percent",
        "CloseDate date required",
        "IsClosed boolean read",
        "IsWon boolean read",
        "LeadSource picklist 255",
        "CampaignId reference >Campaign",
        "OwnerId reference >User",
        "Ext__c string 64 external",
    ),
    "Campaign": (
        "Name string 80 required",
        "Type picklist 255",
        "Status picklist 255",
        "StartDate date",
        "IsActive boolean",
        "BudgetedCost currency",
        "OwnerId reference >User",
        "Ext__c string 64 external",
    ),
    "CampaignMember": (
        "CampaignId reference required >Campaign",
        "LeadId reference >Lead",
        "ContactId reference >Contact",
        "Status picklist 255 defaulted",
        "HasResponded boolean read",
        "FirstRespondedDate date read",
        "Ext__c string 64 external",
    ),
    "Task": (
        "Subject combobox 255",
        "WhoId reference >Contact,Lead",
        "WhatId reference >Account,Opportunity",
        "ActivityDate date",
        "Status picklist 255 defaulted",
        "Priority picklist 255 defaulted",
        "Description textarea 32000",
        "OwnerId reference >User",
    ),
    "Event": (
        "Subject combobox 255",
        "WhoId reference >Contact,Lead",
        "WhatId reference >Account,Opportunity",
        "StartDateTime datetime",
        "EndDateTime datetime",
        "DurationInMinutes int",
        "OwnerId reference >User",
    ),
    "User": (
        "Username string 80 required",
        "LastName string 80 required",
        "FirstName string 40",
        "Name string 121 read",
        "Email email 128 lookup required",
        "IsActive boolean",
        "UserType picklist 40 read",
    ),
    "Organization": (
        "Name string 80 read",
        "IsSandbox boolean read",
        "OrganizationType picklist 40 read",
        "InstanceName string 5 read",
    ),
}
NOT_DELETED = ("User", "Organization")
"""Objects without IsDeleted: users are deactivated, the organization stays."""
DEFAULTS: dict[str, dict[str, Any]] = {
    "Lead": {"Status": "Open - Not Contacted", "IsConverted": False, "HasOptedOutOfEmail": False},
    "Contact": {"HasOptedOutOfEmail": False},
    "Opportunity": {"IsClosed": False, "IsWon": False},
    "Campaign": {"IsActive": False},
    "CampaignMember": {"Status": "Sent", "HasResponded": False},
    "Task": {"Status": "Not Started", "Priority": "Normal"},
    "User": {"IsActive": True},
}


@dataclass(frozen=True)
class Field:
    """One field. `read`: nobody can write it; `lookup`: records can be found by it; `external`: an external id.

    `restricted`: a picklist that takes its `options` alone.
    """

    name: str
    type: str = "string"
    length: int = 0
    read: bool = False
    required: bool = False
    defaulted: bool = False
    lookup: bool = False
    external: bool = False
    refers: tuple[str, ...] = ()
    restricted: bool = False
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, line: str) -> Field:
        """From a line of the tables above."""
        name, kind, *rest = line.split()
        length = next((int(word) for word in rest if word.isdigit()), 0)
        refers = next((tuple(word[1:].split(",")) for word in rest if word[0] == ">"), ())
        options = next((tuple(word[1:].split(",")) for word in rest if word[0] == "="), ())
        flags = {word: True for word in rest if word.isalpha() and word.islower()}
        return cls(name, kind, length, refers=refers, options=options, **flags)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Field:
        """From what `describe` says of it; ValueError without a name."""
        name, kind = document.get("name"), str(document.get("type") or "string")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name):
            raise ValueError(f"a field needs a name, not {name!r}")
        return cls(
            name,
            kind,
            int(document.get("length") or 0),
            read=not document.get("updateable", True),
            lookup=bool(document.get("idLookup")),
            external=bool(document.get("externalId")),
            refers=tuple(document.get("referenceTo") or ()),
            restricted=bool(document.get("restrictedPicklist")),
            options=tuple(str(one["value"]) for one in document.get("picklistValues") or ()),
        )

    @property
    def relationship(self) -> str | None:
        """What leads to the record that the field names: Account of AccountId, Sponsor__r of Sponsor__c."""
        if not self.refers:
            return None
        return self.name[:-1] + "r" if self.name.endswith("__c") else self.name.removesuffix("Id")

    def document(self) -> dict[str, Any]:
        """As `describe` tells it."""
        number = self.type in NUMBERS
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "soapType": SOAP.get(self.type, "xsd:string"),
            "length": 18 if self.type in ("id", "reference") else self.length,
            "precision": 18 if number and self.type != "int" else 0,
            "scale": 2 if number and self.type != "int" else 0,
            "digits": 8 if self.type == "int" else 0,
            "nillable": not (
                self.required or self.type == "boolean" or self.name in ("Id", "SystemModstamp")
            ),
            "createable": not self.read,
            "updateable": not self.read,
            "defaultedOnCreate": self.defaulted or self.type == "boolean",
            "filterable": self.type not in ("address", "textarea"),
            "sortable": self.type not in ("address", "textarea", "multipicklist"),
            "custom": self.name.endswith("__c"),
            "externalId": self.external,
            "idLookup": self.lookup or self.external or self.type == "id",
            "unique": self.external,
            "calculated": False,
            "nameField": self.name == "Name",
            "referenceTo": list(self.refers),
            "relationshipName": self.relationship,
            "restrictedPicklist": self.restricted,
            "picklistValues": [
                {"value": value, "label": value, "active": True, "defaultValue": False}
                for value in self.options
            ],
        }


@dataclass
class ObjectSchema:
    """One sObject type: its fields by name in lower case, for SOQL does not mind case."""

    name: str
    prefix: str
    fields: dict[str, Field] = field(default_factory=dict)

    def add(self, found: Field) -> None:
        """One more field, or another in the place of the one of that name."""
        self.fields[found.name.lower()] = found

    def find(self, name: str) -> Field | None:
        """The field of that name."""
        return self.fields.get(name.lower())

    def related(self, relationship: str) -> Field | None:
        """The lookup field that a relationship's name stands for."""
        wanted = relationship.lower()
        return next((one for one in self.fields.values() if (one.relationship or "").lower() == wanted), None)

    @property
    def deletes(self) -> bool:
        """Whether its records pass through the recycle bin."""
        return "isdeleted" in self.fields

    def learn(self, records: Iterable[Mapping[str, Any]]) -> None:
        """A field for every value that has none: files of --data come from orgs with their own fields."""
        for record in records:
            for name, value in record.items():
                if name != "attributes" and name.lower() not in self.fields and value is not None:
                    self.add(Field(name, kind_of(value), 255))

    def listing(self, version: str) -> dict[str, Any]:
        """What the list of all objects says of it."""
        base = f"/services/data/{version}/sobjects/{self.name}"
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c"),
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            "createable": self.deletes,
            "updateable": self.name != "Organization",
            "deletable": self.deletes,
            "undeletable": self.deletes,
            "queryable": True,
            "retrieveable": True,
            "replicateable": self.name != "Organization",
            "mergeable": "masterrecordid" in self.fields,
            "urls": {
                "sobject": base,
                "describe": f"{base}/describe",
                "rowTemplate": f"{base}/{{ID}}",
            },
        }

    def describe(self, version: str) -> dict[str, Any]:
        """GET sobjects/X/describe."""
        return {
            **self.listing(version),
            "fields": [found.document() for found in self.fields.values()],
            "childRelationships": [],
            "recordTypeInfos": [],
        }


def kind_of(value: Any) -> str:
    """The type of a field that is only known by a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "double"
    if isinstance(value, dict):
        return "address"
    if isinstance(value, str) and DATETIME.fullmatch(value):
        return "datetime"
    if isinstance(value, str) and DATE.fullmatch(value):
        return "date"
    return "string"


def standard(name: str, prefix: str) -> ObjectSchema:
    """A standard object as every org has it, or an empty custom one."""
    schema = ObjectSchema(name, prefix)
    for line in SYSTEM:
        if not (name in NOT_DELETED and line.startswith("IsDeleted")):
            schema.add(Field.of(line))
    for line in OBJECTS.get(name, ("Name string 80",)):
        schema.add(Field.of(line))
    return schema
