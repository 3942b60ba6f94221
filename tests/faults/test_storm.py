"""Half a minute of the storm that `benchmarks/storm.py` blows for an hour: the CRM is the model, but for what is listed."""

from __future__ import annotations

from benchmarks.storm import measure


def test_after_a_storm_with_kills_the_crm_is_the_model_to_the_row() -> None:
    found = measure(minutes=0.5, seed=5)
    assert found["wrong"] == []
    assert found["runs"] > 2
    assert set(found["statuses"]) <= {"acked", "dead", "suppressed", "filtered", "quarantined", "conflict"}
    assert found["statuses"]["acked"] > 100
