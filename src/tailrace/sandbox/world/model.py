"""`World`, plain data that depends on nothing but (seed, contacts, today)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from tailrace.sandbox.world.ads import make_ads
from tailrace.sandbox.world.crm import Crm, make_crm
from tailrace.sandbox.world.properties import GROUPS, PROPERTIES
from tailrace.sandbox.world.sessions import Property, make_property


@dataclass(frozen=True)
class World:
    """Each vendor's part is made when first asked for. It is shared: copy a record before changing it.

    Everything happened before the first second (UTC) of `today`; spend and sessions end the day before.
    """

    seed: int
    contacts: int
    today: date

    @cached_property
    def _crm(self) -> Crm:
        return make_crm(self.seed, self.contacts, self.today)

    @property
    def hubspot(self) -> dict[str, list[dict[str, Any]]]:
        """contacts, companies, deals and owners in HubSpot's shape, by ascending id; a property without value is absent."""
        return self._crm.objects

    @property
    def hubspot_associations(self) -> list[tuple[str, str, str, str, int]]:
        """(from_object, from_id, to_object, to_id, type_id), one direction of each; inverses are derived by the fake."""
        return self._crm.associations

    @property
    def hubspot_properties(self) -> dict[str, list[dict[str, Any]]]:
        """Property definitions per object, in HubSpot's shape."""
        return PROPERTIES

    @property
    def hubspot_groups(self) -> dict[str, list[dict[str, Any]]]:
        """Property groups per object, in HubSpot's shape."""
        return GROUPS

    @cached_property
    def google_ads(self) -> dict[str, list[dict[str, Any]]]:
        """customers, campaigns, ad_groups, ads and the three `*_stats`, nested rows as the REST API returns them."""
        return make_ads(self.seed, self.contacts, self.today)

    @cached_property
    def ga4(self) -> Property:
        """The web property and its sessions; paid ones follow the clicks of `google_ads`."""
        return make_property(self.seed, self.contacts, self.today, self.google_ads["campaign_stats"])


def make_world(seed: int = 7, contacts: int = 500, today: date | None = None) -> World:
    """The same three arguments give the same world, to the millisecond and in every process."""
    return World(seed, contacts, today or datetime.now(UTC).date())
