"""The ad accounts and their campaigns. Fixed, not drawn: projects and models may name them."""

from __future__ import annotations

from dataclasses import dataclass

MANAGER_ID = "4100000000"
STATS_DAYS = 120
PAUSED_AFTER_DAYS = STATS_DAYS // 2


@dataclass(frozen=True)
class Campaign:
    """`clicks` is a weekday's mean at 500 contacts, `cpc` the mean price of a click in the account's currency."""

    id: str
    name: str
    channel: str
    clicks: float
    cpc: float
    conversion_rate: float
    paused: bool = False


@dataclass(frozen=True)
class Account:
    """One Google Ads customer; `market` is the key of Country.account."""

    id: str
    market: str
    name: str
    currency: str
    time_zone: str
    countries: tuple[str, ...]
    campaigns: tuple[Campaign, ...]


ACCOUNTS = (
    Account(
        "4100000001",
        "US",
        "Millbrook Stock North America",
        "USD",
        "America/New_York",
        ("United States", "United States", "United States", "Canada"),
        (
            Campaign("21000000101", "US | Search | Brand", "SEARCH", 7.0, 1.9, 0.11),
            Campaign("21000000102", "US | Search | Inventory software", "SEARCH", 9.0, 8.4, 0.035),
            Campaign("21000000103", "US | Search | Competitors", "SEARCH", 4.0, 11.2, 0.018),
            Campaign("21000000104", "US | PMax | Demo", "PERFORMANCE_MAX", 8.0, 4.1, 0.022),
            Campaign("21000000105", "US | Display | Retargeting", "DISPLAY", 5.0, 1.2, 0.008, paused=True),
        ),
    ),
    Account(
        "4100000002",
        "DE",
        "Millbrook Stock DACH & Benelux",
        "EUR",
        "Europe/Berlin",
        ("Germany", "Germany", "Germany", "Austria", "France", "Netherlands"),
        (
            Campaign("21000000201", "DE | Search | Marke", "SEARCH", 4.0, 1.4, 0.10),
            Campaign(
                "21000000202", "DE | Search | Lagerverwaltung für Großhandel", "SEARCH", 6.0, 6.2, 0.032
            ),
            Campaign("21000000203", "DE | Search | Warenwirtschaft", "SEARCH", 5.0, 5.4, 0.027),
            Campaign("21000000204", "DE | PMax | Demo", "PERFORMANCE_MAX", 4.0, 3.3, 0.020),
        ),
    ),
    Account(
        "4100000003",
        "GB",
        "Millbrook Stock UK",
        "GBP",
        "Europe/London",
        ("United Kingdom", "United Kingdom", "United Kingdom", "United Kingdom", "Ireland"),
        (
            Campaign("21000000301", "UK | Search | Brand", "SEARCH", 4.0, 1.3, 0.10),
            Campaign("21000000302", "UK | Search | Stock control", "SEARCH", 5.0, 5.1, 0.034),
            Campaign("21000000303", 'UK | Search | "Warehouse, 3PL"', "SEARCH", 4.0, 6.0, 0.025),
            Campaign("21000000304", "UK | PMax | Demo", "PERFORMANCE_MAX", 4.0, 2.9, 0.021),
        ),
    ),
)

CHANNEL_GROUPS = {"SEARCH": "Paid Search", "PERFORMANCE_MAX": "Cross-network", "DISPLAY": "Display"}
