"""`schedule:` of pipelines and syncs: cron expressions and time zones, checked where they are written."""

from __future__ import annotations

from tailrace.project.reader import Reader, hint
from tailrace.project.spec import Schedule

PIPELINE_SCHEDULE_KEYS = ("cron", "timezone", "sla")
SYNC_SCHEDULE_KEYS = ("cron", "timezone", "after")
STEPS = ("land", "build", "validate")


def read_schedule(parent: Reader, *, sla: bool) -> Schedule | None:
    """The schedule of a pipeline (`sla` is known there) or a sync (`after` is), or None where none is written."""
    if parent.get("schedule") is None:
        return None
    reader = parent.under("schedule", "schedule")
    reader.known(*(PIPELINE_SCHEDULE_KEYS if sla else SYNC_SCHEDULE_KEYS))
    cron, timezone = reader.optional_text("cron"), reader.text("timezone", "UTC")
    after = None if sla else reader.choice("after", STEPS) or None
    if cron is not None:
        _check_cron(reader, cron)
    if "timezone" in reader.data:
        _check_timezone(reader, timezone)
    if cron is None and "cron" not in reader.data and "after" not in reader.data:
        reader.problem(
            "schedule says no time", 'Add cron: "*/15 * * * *"' + ("" if sla else " or after: build")
        )
    if cron is not None and after is not None:
        reader.key_problem("a schedule has either cron or after", "Remove one of the two", "after")
    return Schedule(cron, timezone, reader.duration("sla") if sla else None, after)


def _check_cron(reader: Reader, cron: str) -> None:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    fix = 'Write minute, hour, day, month, weekday: "*/15 * * * *"'
    try:
        # cronsim also reads a sixth field, seconds, which no crontab does
        if len(cron.split()) != 5:
            raise CronSimError(f"it needs 5 fields and has {len(cron.split())}")
        if next(CronSim(cron, datetime(2025, 1, 1, tzinfo=UTC)), None) is None:
            raise CronSimError("it never comes round")
    except CronSimError as error:
        reader.problem(f"cron: {cron!r} is no schedule: {error}", fix, "cron")


def _check_timezone(reader: Reader, name: str) -> None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        fix = hint(name, sorted(zoneinfo.available_timezones()))
        reader.problem(
            f"timezone {name} is not known",
            fix if fix.startswith("Did") else "Write one such as Europe/Berlin",
            "timezone",
        )
