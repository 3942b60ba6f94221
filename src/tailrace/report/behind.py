"""Models that are older than they look: in the last runs what they are made of could not be read, or they could not be built."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tailrace.report.published import Published
from tailrace.report.sentences import moment, several


@dataclass(frozen=True)
class Last:
    """The last time that a run tried to read a resource or build a model."""

    run_id: str
    status: str
    good_at: datetime | None


def read_behind(published: Published) -> dict[str, tuple[str, ...]]:
    """Model -> why what is published of it is of an earlier run's data; models that are not behind are left out.

    Judged by how each model was built last: its own build, those of the models under it, and the resources at the bottom.
    """
    last = _last_steps(published)
    if not any(one.status == "failed" for one in last.values()):
        return {}
    models, data = _lineage(published)
    found = {name: tuple(_why(name, _under(name, models), data, last)) for name in models}
    return {name: why for name, why in found.items() if why}


def _last_steps(published: Published) -> dict[tuple[str, str], Last]:
    """By (`land` or `build`, name)."""
    if not published.columns("steps") or not published.columns("runs"):
        return {}
    steps = published.relation("steps", ("run_id", "step", "name", "status"))
    rows = published.warehouse.query(
        "SELECT s.step, s.name, arg_max(s.run_id, r.started_at), arg_max(s.status, r.started_at),"
        " max(r.started_at) FILTER (WHERE s.status IN ('ok', 'skipped'))"
        f" FROM {steps} AS s JOIN {published.relation('runs', ('run_id', 'started_at'))} AS r ON r.run_id = s.run_id"
        " WHERE s.step IN ('land', 'build') AND r.started_at IS NOT NULL GROUP BY s.step, s.name"
    )
    return {(step, name): Last(run_id, status or "", good) for step, name, run_id, status, good in rows}


def _lineage(published: Published) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Model -> the models that it reads, and model -> the resources that it reads, as it was built last."""
    models: dict[str, tuple[str, ...]] = {}
    data: dict[str, tuple[str, ...]] = {}
    for row in published.rows("models", ("model", "parts"), "ORDER BY model"):
        parts = json.loads(row["parts"] or "{}")
        models[row["model"]] = tuple(parts.get("upstream") or ())
        data[row["model"]] = tuple(parts.get("data") or ())
    return models, data


def _under(model: str, models: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The model and all that it is made of."""
    found, waiting = [model], [model]
    while waiting:
        for name in models.get(waiting.pop(), ()):
            if name not in found:
                found.append(name)
                waiting.append(name)
    return found


def _why(
    model: str,
    under: list[str],
    data: Mapping[str, tuple[str, ...]],
    last: Mapping[tuple[str, str], Last],
) -> Iterator[str]:
    resources = sorted({resource for name in under for resource in data.get(name, ())})
    unread: dict[str, list[str]] = defaultdict(list)
    for resource in resources:
        step = last.get(("land", resource))
        if step and step.status == "failed":
            unread[step.run_id].append(resource)
    for run_id, names in unread.items():
        read = [good for name in names if (good := last["land", name].good_at)]
        since = f", last read on {moment(min(read))}" if read else ""
        yield f"run {run_id} could not read {several(names)}{since}"
    for name in under:
        step = last.get(("build", name))
        if step and step.status == "failed":
            yield f"run {step.run_id} could not build {'it' if name == model else name}"
