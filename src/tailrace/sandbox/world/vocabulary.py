"""The words the world is made of. Nobody here exists, and every domain ends in the reserved `.example`."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.sandbox.world.draw import weighted


@dataclass(frozen=True)
class Country:
    """A market: its name in the CRM, deal currency, dialling code and the ad account that covers it."""

    name: str
    currency: str
    dial: str
    account: str


US = Country("United States", "USD", "+1", "US")
CA = Country("Canada", "USD", "+1", "US")
DE = Country("Germany", "EUR", "+49", "DE")
AT = Country("Austria", "EUR", "+43", "DE")
FR = Country("France", "EUR", "+33", "DE")
NL = Country("Netherlands", "EUR", "+31", "DE")
GB = Country("United Kingdom", "GBP", "+44", "GB")
IE = Country("Ireland", "EUR", "+353", "GB")
COUNTRIES = weighted([(US, 42), (CA, 6), (DE, 20), (AT, 3), (FR, 5), (NL, 4), (GB, 17), (IE, 3)])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Ada Alan Amara Anders Anja Anna Beatriz Ben Björn Carla Cem Chiara Claire Daniel David Deniz Elena Élise Emil Emma "
    "Erik Fatima Felix Florian Frida Gareth Grace Greta Hannah Hugo Ines Isla Ivan Jack James Jana Jonas José Julia Kai "
    "Karim Katrin Lars Laura Leila Lena Liam Linh Louise Lucas Łukasz Maja Marc María Marie Markus Matteo Max Mei Mia "
    "Mohamed Nadia Nils Noor Oliver Olivia Omar Oscar Paul Petra Priya Rahul Renée Robert Rosa Ruth Sami Sara Sean Sigrid "
    "Simon Sofia Søren Stefan Susan Tara Theo Thomas Tom Uwe Vera Victor Wei Yara Yusuf Zoë"
)
LAST_NAMES = _words(
    "Adams Ahmed Albrecht Andersen Bakker Barnes Bauer Becker Bennett Bernard Berg Brandt Brown Campbell Carter Chen Clarke "
    "Cohen Cooper Costa Davies Demir Dubois Eriksen Evans Ferrari Fischer Foster Fournier García Gill Graham Gray Green "
    "Haas Hansen Harris Hoffmann Hughes Ibrahim Ivanova Jansen Johansson Jones Kaplan Kaur Keller Kelly Khan Klein Koch "
    "Kowalski Krüger Lambert Lang Larsen Lee Lehmann Lewis Lindberg Lopez Martin Mayer Meier Moreau Morgan Müller Murphy "
    "Nguyen Nowak Okafor Olsen Owens Park Patel Petit Pham Price Quinn Reid Richter Rossi Roux Sanders Schäfer Schmidt "
    "Schulz Shah Silva Singh Smit Stone Sullivan Svensson Tanaka Taylor Thompson Turner Vogel Wagner Walker Ward Weber "
    "White Wolf Wright Yilmaz Young Zhang Zimmermann"
)
FREE_MAIL = ("freemail.example", "postbox.example", "webmail.example")

COMPANY_FIRST = _words(
    "Alder Amber Anchor Apex Arbor Atlas Beacon Birch Blue Bright Cedar Clear Cobalt Copper Coral Crest Delta Dune Eastern "
    "Elm Ember Falcon Fern First Flint Forge Fox Glacier Granite Green Harbor Haven Hazel Heron High Iron Ivy Jade Juniper "
    "Keystone Kite Lake Lark Laurel Linden Lunar Maple Meridian Mill Mint North Nova Oak Ocean Onyx Orchard Otter Pine Polar "
    "Prairie Quarry Quartz Rapid Raven Red Ridge River Rowan Sable Sage Silver Slate Solar Spruce Stone Summit Swift Tidal "
    "Timber Upland Vale Vega Vista Walnut West Willow Wren Zephyr"
)
COMPANY_SECOND = _words(
    "Analytics Apparel Automation Biotech Brewing Capital Chemicals Clinics Components Consulting Dairy Dynamics Electric "
    "Energy Engineering Farms Foods Freight Furniture Glass Hardware Health Hotels Industries Instruments Insurance Labs "
    "Logistics Machines Marine Materials Media Metals Mobility Motors Networks Optics Outfitters Packaging Paper Partners "
    "Pharma Plastics Printing Retail Robotics Schools Security Shipping Software Steel Studios Supply Systems Textiles Tools "
    "Toys Trading Travel Wholesale Works"
)
COMPANY_LEGAL = {
    "US": ("Inc.", "LLC", "Corp.", ""),
    "DE": ("GmbH", "AG", "GmbH & Co. KG", ""),
    "GB": ("Ltd", "plc", "Group", ""),
}
INDUSTRIES = weighted(
    [
        ("MANUFACTURING", 18),
        ("RETAIL", 16),
        ("WHOLESALE", 14),
        ("LOGISTICS_AND_SUPPLY_CHAIN", 12),
        ("COMPUTER_SOFTWARE", 10),
        ("FOOD_BEVERAGES", 8),
        ("HOSPITAL_HEALTH_CARE", 6),
        ("CONSUMER_GOODS", 6),
        ("FINANCIAL_SERVICES", 5),
        ("EDUCATION_MANAGEMENT", 3),
        ("HOSPITALITY", 2),
    ]
)

# job title -> seniority 0..3, which the buying behaviour follows
JOB_TITLES = weighted(
    [
        (("Chief Operating Officer", 3), 3),
        (("CEO", 3), 4),
        (("Chief Marketing Officer", 3), 2),
        (("VP Operations", 3), 4),
        (("VP Supply Chain", 3), 3),
        (("Head of Procurement", 2), 6),
        (("Director of Logistics", 2), 7),
        (("IT Director", 2), 5),
        (("Operations Manager", 1), 14),
        (("Warehouse Manager", 1), 11),
        (("Marketing Manager", 1), 6),
        (("Procurement Specialist", 0), 9),
        (("Supply Chain Analyst", 0), 9),
        (("Software Engineer", 0), 6),
        (("Student", 0), 4),
        (("Intern", 0), 3),
        (("Consultant", 1), 4),
    ]
)
SIZE_BANDS = ((5, "1-5"), (25, "5-25"), (50, "25-50"), (100, "50-100"), (500, "100-500"), (1000, "500-1000"))
KEYWORDS = (
    "inventory software",
    "warehouse management system",
    "stock control",
    "wms pricing",
    "barcode inventory",
    "erp alternative",
    "supply chain visibility",
)
EMAIL_CAMPAIGNS = ("Spring newsletter", "Product update", "Webinar follow-up", "Case study: wholesale")
REFERRERS = ("reviews.example", "tradepress.example", "partners.example", "directory.example")
SOCIALS = ("LinkedIn", "Facebook")
