"""Datasets: looked at first, so that an account that makes none needs the right to only where one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.errors import WarehouseError
from tailrace.events import Notice, emit
from tailrace.warehouse.bigquery.asking import ANSWER, retry

if TYPE_CHECKING:
    from google.cloud import bigquery

DAY_MS = 24 * 3600 * 1000
LIFE = {"tailrace_stage": DAY_MS}
"""Milliseconds that a table of these datasets lives: what a killed run leaves there goes by itself."""


def stand(client: bigquery.Client, name: str, location: str) -> None:
    """Make the dataset `project.schema` where there is none. WarehouseError where it is there, and lies elsewhere."""
    schema = name.rpartition(".")[2]
    found = _looked_up(client, name) or _made(client, name, location)
    there = str(found.location or location)
    if there.upper() != location.upper():
        raise WarehouseError(
            f"the dataset {schema} lies in {there}, the target in {location}",
            f"set `location: {there}` in profiles.yml, or give the dataset up",
        )
    if schema in LIFE and not found.default_table_expiration_ms:
        _let_expire(client, found, schema)


def _looked_up(client: bigquery.Client, name: str) -> Any:
    """None where there is none; Google says 403 of it as well to an account that may not look (IAM: `bigquery.datasets.get`)."""
    from google.api_core.exceptions import Forbidden, NotFound

    try:
        return client.get_dataset(name, retry=retry(), timeout=ANSWER)
    except (NotFound, Forbidden):
        return None


def _made(client: bigquery.Client, name: str, location: str) -> Any:
    from google.cloud import bigquery

    dataset = bigquery.Dataset(name)
    dataset.location = location
    if life := LIFE.get(dataset.dataset_id):
        dataset.default_table_expiration_ms = life
    return client.create_dataset(dataset, exists_ok=True, retry=retry(), timeout=ANSWER)


def _let_expire(client: bigquery.Client, dataset: Any, schema: str) -> None:
    """Somebody else made it, without an expiry; only an owner may set one (IAM: `bigquery.datasets.update`)."""
    from google.api_core.exceptions import Forbidden

    dataset.default_table_expiration_ms = LIFE[schema]
    try:
        client.update_dataset(dataset, ["default_table_expiration_ms"], retry=retry(), timeout=ANSWER)
    except Forbidden:
        seconds = LIFE[schema] // 1000
        fix = f"`bq update --default_table_expiration {seconds} {dataset.project}:{schema}`"
        emit(Notice("info", f"what killed runs leave in {schema} stays there: let its owner run {fix}"))
