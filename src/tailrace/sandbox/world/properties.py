"""HubSpot's property definitions of the world, in HubSpot's shape (vendor-apis 1.8).

Which standard properties HubSpot locks, and their enumeration values, are from memory of the product, not from its specification.
"""

from __future__ import annotations

from typing import Any

Definition = dict[str, Any]
DEFINED_AT = "2021-03-01T09:00:00.000Z"

LIFECYCLE_STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
LEAD_STATUSES = (
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
)
SOURCES = (
    "ORGANIC_SEARCH",
    "PAID_SEARCH",
    "EMAIL_MARKETING",
    "PAID_SOCIAL",
    "REFERRALS",
    "DIRECT_TRAFFIC",
    "OFFLINE",
)
EMPLOYEE_BANDS = ("1-5", "5-25", "25-50", "50-100", "100-500", "500-1000", "1000+")
DEAL_STAGES = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
)
INDUSTRIES = (
    "MANUFACTURING",
    "RETAIL",
    "WHOLESALE",
    "LOGISTICS_AND_SUPPLY_CHAIN",
    "COMPUTER_SOFTWARE",
    "FOOD_BEVERAGES",
    "HOSPITAL_HEALTH_CARE",
    "CONSUMER_GOODS",
    "FINANCIAL_SERVICES",
    "EDUCATION_MANAGEMENT",
    "HOSPITALITY",
)


def _options(values: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "label": value.replace("_", " ").capitalize() if value.isupper() else value,
            "value": value,
            "description": "",
            "displayOrder": order,
            "hidden": False,
        }
        for order, value in enumerate(values)
    ]


def _define(
    name: str,
    label: str,
    kind: str = "string/text",
    group: str = "contactinformation",
    options: tuple[str, ...] = (),
    **flags: bool,
) -> Definition:
    """One definition. `kind` is type/fieldType; flags: locked (read-only value), calculated, unique, custom, external."""
    type_, field_type = kind.split("/")
    custom, calculated = flags.get("custom", False), flags.get("calculated", False)
    locked = flags.get("locked", False) or calculated
    definition: Definition = {
        "name": name,
        "label": label,
        "type": type_,
        "fieldType": field_type,
        "description": "",
        "groupName": group,
        "options": _options(("true", "false") if type_ == "bool" else options),
        "displayOrder": -1,
        "calculated": calculated,
        "externalOptions": flags.get("external", False),
        "hasUniqueValue": flags.get("unique", False),
        "hidden": False,
        "hubspotDefined": not custom,
        "formField": not locked,
        "dataSensitivity": "non_sensitive",
        "createdAt": DEFINED_AT,
        "updatedAt": DEFINED_AT,
        "archived": False,
        "modificationMetadata": {
            "archivable": custom,
            "readOnlyDefinition": not custom,
            "readOnlyOptions": not custom,
            "readOnlyValue": locked,
        },
    }
    if flags.get("external"):
        definition["referencedObjectType"] = "OWNER"
    return definition


NUMBER, DATETIME, ENUM, BOOL = "number/number", "datetime/date", "enumeration/select", "bool/booleancheckbox"
WEB, MAIL, SCORING = "analyticsinformation", "emailinformation", "leadscoring"

CONTACTS = [
    _define("email", "Email", unique=True),
    _define("firstname", "First Name"),
    _define("lastname", "Last Name"),
    _define("phone", "Phone Number", "string/phonenumber"),
    _define("jobtitle", "Job Title"),
    _define("company", "Company Name"),
    _define("country", "Country/Region"),
    _define("lifecyclestage", "Lifecycle Stage", "enumeration/radio", options=LIFECYCLE_STAGES),
    _define("hs_lead_status", "Lead Status", "enumeration/radio", options=LEAD_STATUSES),
    _define("createdate", "Create Date", DATETIME, locked=True),
    _define("lastmodifieddate", "Last Modified Date", DATETIME, locked=True),
    _define("hs_object_id", "Record ID", NUMBER, locked=True, unique=True),
    _define("hs_merged_object_ids", "Merged record IDs", "enumeration/checkbox", locked=True),
    _define("associatedcompanyid", "Primary Associated Company ID", NUMBER),
    _define("hubspot_owner_id", "Contact owner", ENUM, external=True),
    _define("annualrevenue", "Annual Revenue", NUMBER),
    _define("numemployees", "Number of Employees", ENUM, options=EMPLOYEE_BANDS),
    _define("notes_last_contacted", "Last Contacted", DATETIME, locked=True),
    _define("hs_analytics_source", "Original Source", ENUM, WEB, SOURCES, locked=True),
    _define("hs_analytics_source_data_1", "Original Source Drill-Down 1", group=WEB, locked=True),
    _define("hs_analytics_source_data_2", "Original Source Drill-Down 2", group=WEB, locked=True),
    _define(
        "hs_analytics_first_touch_converting_campaign",
        "First Touch Converting Campaign",
        group=WEB,
        locked=True,
    ),
    _define("hs_analytics_num_page_views", "Number of Pageviews", NUMBER, WEB, locked=True),
    _define("hs_analytics_num_visits", "Number of Sessions", NUMBER, WEB, locked=True),
    _define("hs_analytics_last_timestamp", "Time Last Seen", DATETIME, WEB, locked=True),
    _define(
        "num_conversion_events", "Number of Form Submissions", NUMBER, "conversioninformation", locked=True
    ),
    _define("hs_email_open", "Marketing emails opened", NUMBER, MAIL, locked=True),
    _define("hs_email_click", "Marketing emails clicked", NUMBER, MAIL, locked=True),
    _define("hs_email_optout", "Unsubscribed from all email", BOOL, MAIL, locked=True),
    _define("lead_score", "Lead score", NUMBER, SCORING, custom=True),
    _define("lead_grade", "Lead grade", ENUM, SCORING, ("A", "B", "C", "D"), custom=True),
    _define("lead_score_reasons", "Lead score reasons", "string/textarea", SCORING, custom=True),
]

FIRM = "companyinformation"
COMPANIES = [
    _define("name", "Company name", group=FIRM),
    _define("domain", "Company Domain Name", group=FIRM),
    _define("industry", "Industry", ENUM, FIRM, INDUSTRIES),
    _define("numberofemployees", "Number of Employees", NUMBER, FIRM),
    _define("annualrevenue", "Annual Revenue", NUMBER, FIRM),
    _define("country", "Country/Region", group=FIRM),
    _define("hubspot_owner_id", "Company owner", ENUM, FIRM, external=True),
    _define("createdate", "Create Date", DATETIME, FIRM, locked=True),
    _define("hs_lastmodifieddate", "Last Modified Date", DATETIME, FIRM, locked=True),
    _define("hs_object_id", "Record ID", NUMBER, FIRM, locked=True, unique=True),
]

DEAL = "dealinformation"
DEALS = [
    _define("dealname", "Deal Name", group=DEAL),
    _define("amount", "Amount", NUMBER, DEAL),
    _define("deal_currency_code", "Currency", ENUM, DEAL, ("USD", "EUR", "GBP")),
    _define("dealstage", "Deal Stage", "enumeration/radio", DEAL, DEAL_STAGES),
    _define("pipeline", "Pipeline", ENUM, DEAL, ("default",)),
    _define("closedate", "Close Date", DATETIME, DEAL),
    _define("hubspot_owner_id", "Deal owner", ENUM, DEAL, external=True),
    _define("hs_is_closed", "Is Deal Closed?", "bool/calculation_equation", DEAL, calculated=True),
    _define("hs_is_closed_won", "Is Closed Won", "bool/calculation_equation", DEAL, calculated=True),
    _define("createdate", "Create Date", DATETIME, DEAL),
    _define("hs_lastmodifieddate", "Last Modified Date", DATETIME, DEAL, locked=True),
    _define("hs_object_id", "Record ID", NUMBER, DEAL, locked=True, unique=True),
]

PROPERTIES: dict[str, list[Definition]] = {"contacts": CONTACTS, "companies": COMPANIES, "deals": DEALS}


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


GROUPS: dict[str, list[dict[str, Any]]] = {
    "contacts": [
        _group("contactinformation", "Contact information"),
        _group(WEB, "Web analytics history"),
        _group(MAIL, "Email information"),
        _group("conversioninformation", "Conversion information"),
        _group(SCORING, "Lead scoring"),
    ],
    "companies": [_group(FIRM, "Company information")],
    "deals": [_group(DEAL, "Deal information")],
}
