"""The org's records: the people, companies and deals of the HubSpot world as Salesforce holds them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from tailrace.sandbox.salesforce.ids import PREFIXES, make_id
from tailrace.sandbox.salesforce.schema import NOT_DELETED
from tailrace.sandbox.salesforce.times import parsed, whole_second
from tailrace.sandbox.world.catalogue import ACCOUNTS

Record = dict[str, Any]
LEADS = ("subscriber", "lead", "other")
STAGES = {
    "appointmentscheduled": ("Qualification", 10.0),
    "qualifiedtobuy": ("Needs Analysis", 20.0),
    "presentationscheduled": ("Value Proposition", 50.0),
    "decisionmakerboughtin": ("Id. Decision Makers", 60.0),
    "contractsent": ("Negotiation/Review", 90.0),
    "closedwon": ("Closed Won", 100.0),
    "closedlost": ("Closed Lost", 0.0),
}
SOURCES = {"PAID_SEARCH": "Advertisement", "REFERRALS": "Partner Referral", "OFFLINE": "Purchased List"}
INTERESTS = ("Inventory", "Inventory;Shipping", "Shipping", None)
ORGANIZATION, INTEGRATION_USER = make_id(PREFIXES["Organization"], 62515), make_id(PREFIXES["User"], 1)


class HubSpotWorld(Protocol):
    """The part of the generated world that this org is made of."""

    @property
    def hubspot(self) -> dict[str, list[Record]]: ...

    @property
    def hubspot_associations(self) -> list[tuple[str, str, str, str, int]]: ...


def make_org(world: HubSpotWorld) -> dict[str, list[Record]]:
    """Records by object; the same world gives the same ids and times."""
    objects = world.hubspot
    people = list(_people(objects["contacts"]))
    links = {
        (source, source_id, target): target_id
        for source, source_id, target, target_id, _ in world.hubspot_associations
    }
    return {
        "Organization": [_organization(objects["owners"])],
        "User": [_integration_user(objects["owners"]), *map(_user, objects["owners"])],
        "Account": [_account(company) for company in objects["companies"]],
        "Contact": [_contact(source) for name, source in people if name == "Contact"],
        "Lead": [_lead(source) for name, source in people if name == "Lead"],
        "Campaign": list(_campaigns(objects["owners"])),
        "CampaignMember": list(_members(people)),
        "Opportunity": [
            _opportunity(deal, links.get(("deals", deal["id"], "companies"))) for deal in objects["deals"]
        ],
        "Task": [
            _task(name, source) for name, source in people if source["properties"].get("notes_last_contacted")
        ],
        "Event": [_event(deal) for deal in objects["deals"]],
    }


def _people(contacts: list[Record]) -> Iterator[tuple[str, Record]]:
    """Each person once: early stages are leads, who belong to no account."""
    for contact in contacts:
        stage = contact["properties"].get("lifecyclestage")
        yield ("Lead" if stage in LEADS else "Contact"), contact


def _id(obj: str, key: str | None) -> str | None:
    return make_id(PREFIXES[obj], int(key)) if key else None


def _record(obj: str, number: int, created: str, modified: str, values: Record) -> Record:
    stamp = _time(modified)
    return {
        "Id": make_id(PREFIXES[obj], number),
        **({} if obj in NOT_DELETED else {"IsDeleted": False}),
        **values,
        "CreatedDate": _time(created),
        "CreatedById": INTEGRATION_USER,
        "LastModifiedDate": stamp,
        "LastModifiedById": INTEGRATION_USER,
        "SystemModstamp": stamp,
    }


def _from(obj: str, source: Record, values: Record) -> Record:
    return _record(obj, int(source["id"]), source["createdAt"], source["updatedAt"], values)


def _time(text: str) -> str:
    return whole_second(parsed(text))


def _organization(owners: list[Record]) -> Record:
    values = {
        "Name": "Millbrook Stock",
        "IsSandbox": True,
        "OrganizationType": "Enterprise Edition",
        "InstanceName": "SB1",
    }
    return {**_record("Organization", 62515, _first(owners), _first(owners), values), "Id": ORGANIZATION}


def _first(owners: list[Record]) -> str:
    return min((str(owner["createdAt"]) for owner in owners), default="2024-01-01T00:00:00.000Z")


def _integration_user(owners: list[Record]) -> Record:
    values = {
        "Username": "integration@millbrook.example",
        "FirstName": "Integration",
        "LastName": "User",
        "Name": "Integration User",
        "Email": "integration@millbrook.example",
        "IsActive": True,
        "UserType": "Standard",
    }
    return _record("User", 1, _first(owners), _first(owners), values)


def _user(owner: Record) -> Record:
    first, last = owner["firstName"], owner["lastName"]
    values = {"Username": owner["email"], "FirstName": first, "LastName": last, "Name": f"{first} {last}"}
    return _from("User", owner, {**values, "Email": owner["email"], "IsActive": True, "UserType": "Standard"})


def _account(company: Record) -> Record:
    known = company["properties"]
    employees, revenue = known.get("numberofemployees"), known.get("annualrevenue")
    values = {
        "MasterRecordId": None,
        "Name": known["name"],
        "Website": f"https://{known['domain']}" if known.get("domain") else None,
        "Industry": known.get("industry"),
        "BillingCountry": known.get("country"),
        "BillingAddress": {"city": None, "country": known.get("country"), "postalCode": None},
        "NumberOfEmployees": int(employees) if employees else None,
        "AnnualRevenue": float(revenue) if revenue else None,
        "OwnerId": _id("User", known.get("hubspot_owner_id")),
        "Ext__c": f"acc-{company['id']}",
    }
    return _from("Account", company, values)


def _person(source: Record) -> Record:
    known = source["properties"]
    first, last = known.get("firstname"), known.get("lastname") or "[unknown]"
    return {
        "MasterRecordId": None,
        "LastName": last,
        "FirstName": first,
        "Name": " ".join(part for part in (first, last) if part),
        "Email": known.get("email"),
        "Phone": known.get("phone"),
        "Title": known.get("jobtitle"),
        "LeadSource": SOURCES.get(known.get("hs_analytics_source") or "", "Web"),
        "HasOptedOutOfEmail": known.get("hs_email_optout") == "true",
        "OwnerId": _id("User", known.get("hubspot_owner_id")) or INTEGRATION_USER,
        "Lead_Score__c": None,
        "Ext__c": f"hs-{source['id']}",
    }


def _contact(source: Record) -> Record:
    known = source["properties"]
    values = {
        **_person(source),
        "AccountId": _id("Account", known.get("associatedcompanyid")),
        "MailingCountry": known.get("country"),
        "MailingAddress": {"city": None, "country": known.get("country"), "postalCode": None},
        "Interests__c": INTERESTS[int(source["id"]) % len(INTERESTS)],
    }
    return _from("Contact", source, values)


def _lead(source: Record) -> Record:
    known = source["properties"]
    values = {
        **_person(source),
        "Company": known.get("company") or "[not provided]",
        "Country": known.get("country"),
        "Status": "Working - Contacted" if known.get("hs_lead_status") else "Open - Not Contacted",
        "Rating": None,
        "IsConverted": False,
        "ConvertedDate": None,
        "ConvertedContactId": None,
    }
    return _from("Lead", source, values)


def _campaigns(owners: list[Record]) -> Iterator[Record]:
    """One for each ad campaign, so that both tools name the same ones."""
    started = _first(owners)
    for campaign in (campaign for account in ACCOUNTS for campaign in account.campaigns):
        values = {
            "Name": campaign.name,
            "Type": "Advertisement",
            "Status": "Completed" if campaign.paused else "In Progress",
            "StartDate": started[:10],
            "IsActive": not campaign.paused,
            "BudgetedCost": round(campaign.clicks * campaign.cpc * 30, 2),
            "OwnerId": INTEGRATION_USER,
            "Ext__c": f"ad-{campaign.id}",
        }
        yield _record("Campaign", int(campaign.id), started, started, values)


def _members(people: list[tuple[str, Record]]) -> Iterator[Record]:
    """Whoever came by an ad is a member of its campaign."""
    numbers = {item.name: item.id for account in ACCOUNTS for item in account.campaigns}
    for obj, source in people:
        campaign = source["properties"].get("hs_analytics_first_touch_converting_campaign")
        if campaign not in numbers:
            continue
        values = {
            "CampaignId": _id("Campaign", numbers[campaign]),
            "LeadId": _id("Lead", source["id"]) if obj == "Lead" else None,
            "ContactId": _id("Contact", source["id"]) if obj == "Contact" else None,
            "Status": "Responded",
            "HasResponded": True,
            "FirstRespondedDate": source["createdAt"][:10],
            "Ext__c": None,
        }
        yield _record("CampaignMember", int(source["id"]), source["createdAt"], source["createdAt"], values)


def _opportunity(deal: Record, company: str | None) -> Record:
    known = deal["properties"]
    stage, probability = STAGES[known["dealstage"]]
    values = {
        "AccountId": _id("Account", company),
        "Name": known["dealname"],
        "StageName": stage,
        "Amount": float(known["amount"]) if known.get("amount") else None,
        "Probability": probability,
        "CloseDate": known["closedate"][:10],
        "IsClosed": known["hs_is_closed"] == "true",
        "IsWon": known["hs_is_closed_won"] == "true",
        "LeadSource": None,
        "CampaignId": None,
        "OwnerId": _id("User", known.get("hubspot_owner_id")) or INTEGRATION_USER,
        "Ext__c": f"deal-{deal['id']}",
    }
    return _from("Opportunity", deal, values)


def _task(obj: str, source: Record) -> Record:
    at = str(source["properties"]["notes_last_contacted"])
    values = {
        "Subject": "Call",
        "WhoId": _id(obj, source["id"]),
        "WhatId": None,
        "ActivityDate": at[:10],
        "Status": "Completed",
        "Priority": "Normal",
        "Description": 'Said "later";\nwants a quote, perhaps two',
        "OwnerId": _id("User", source["properties"].get("hubspot_owner_id")) or INTEGRATION_USER,
    }
    return _record("Task", int(source["id"]), at, at, values)


def _event(deal: Record) -> Record:
    begins: datetime = parsed(deal["createdAt"])
    values = {
        "Subject": "Demo",
        "WhoId": None,
        "WhatId": _id("Opportunity", deal["id"]),
        "StartDateTime": whole_second(begins),
        "EndDateTime": whole_second(begins + timedelta(minutes=45)),
        "DurationInMinutes": 45,
        "OwnerId": _id("User", deal["properties"].get("hubspot_owner_id")) or INTEGRATION_USER,
    }
    return _record("Event", int(deal["id"]), deal["createdAt"], deal["createdAt"], values)
