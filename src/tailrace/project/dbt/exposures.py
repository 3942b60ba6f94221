"""`exposures:`: who reads models outside of the project."""

from __future__ import annotations

from tailrace.project.dbt.described import Context
from tailrace.project.model_config import Config, Layer, along, read_layer
from tailrace.project.reader import Reader
from tailrace.project.spec import Exposure

EXPOSURE_KEYS = (
    "name", "type", "owner", "depends_on", "description", "url", "maturity", "label", "tags", "meta", "config",
)  # fmt: skip
TYPES = ("dashboard", "notebook", "analysis", "ml", "application")
MATURITIES = ("low", "medium", "high")


def read_exposure(reader: Reader, folders: tuple[str, ...], context: Context) -> Exposure | None:
    """An entry of `exposures:`; None where it is switched off."""
    reader.known(*EXPOSURE_KEYS)
    origin = context.origin
    name = reader.text("name", required=True)
    fqn = origin.fqn(*folders, name)
    config = Config()
    for layer in along(origin.trees.get("exposures", {}), fqn):
        config.add(layer)
    if reader.mapping("config"):
        config.add(read_layer(reader.under("config", "config")))
    for layer in (Layer(tags=reader.texts("tags")), *along(origin.over.get("exposures", {}), fqn)):
        config.add(layer)
    if config.values.get("enabled") is False:
        return None
    return Exposure(
        name=name,
        type=reader.choice("type", TYPES, required=True),
        depends_on=reader.texts("depends_on"),
        path=reader.marks.file,
        location=reader.marks.at("name"),
        description=context.description(reader),
        owner=reader.mapping("owner", required=True),
        url=reader.text("url"),
        maturity=reader.choice("maturity", MATURITIES),
        label=reader.text("label"),
        package=origin.package,
        tags=config.tags,
        meta={**reader.mapping("meta"), **config.values.get("meta", {})},
    )
