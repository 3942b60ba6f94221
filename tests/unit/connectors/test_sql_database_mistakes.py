"""Columns and values of an SQL database that a pipeline cannot have, named by table and column."""

from __future__ import annotations

import pytest
from tests.unit.connectors.test_rest_api_mistakes import doctor
from tests.unit.connectors.test_sql_database import TABLE, Erp


@pytest.fixture
def erp(tmp_path) -> Erp:
    erp = Erp(tmp_path)
    erp.sql(TABLE)
    erp.add(1)
    return erp


COLUMNS = {
    "included_columns: [id, nme]": "yml:4:25: customers has no column nme. did you mean name?",
    "included_columns: [id, name, zzz]": "customers has no column zzz. known: active, amount, born, extra, id, name",
    "included_columns: [id], cursor: updated_at": "cursor names updated_at, which included_columns leaves out. Add it there",
    "cursor: updated": "customers has no column updated. did you mean updated_at?",
}


@pytest.mark.parametrize("options", COLUMNS)
def test_a_column_is_checked_against_the_whole_table(erp, options):
    erp.pipeline(f"customers: {{{options}}}")
    assert COLUMNS[options] in erp.error()
    ((level, subject, text),) = doctor(erp)
    assert (level, subject) == ("error", "pipeline erp customers")
    assert COLUMNS[options].rpartition(". ")[0] in text


def test_doctor_compares_the_tables(erp):
    erp.pipeline("customers: {}, custmers: {}")
    ((level, subject, text),) = doctor(erp)
    assert (level, subject) == ("error", "pipeline erp custmers")
    assert "yml:4:28: the source has no resource custmers. did you mean customers?" in text
    erp.pipeline("customers: {}")
    assert doctor(erp) == [("ok", "pipeline erp", "sql_database opens, and has customers")]


VALUES = {
    "updated_at": ("garbage", "customers.updated_at: 'garbage' is no DATETIME"),
    "born": (5, "customers.born: 5 is no DATE"),
    "amount": ("abc", "customers.amount: 'abc' is no NUMERIC(10, 2)"),
    "extra": ("{no", "customers.extra: '{no' is no JSON"),
}


@pytest.mark.parametrize("column", VALUES)
def test_a_value_of_another_type_bears_its_column(erp, column):
    value, what = VALUES[column]
    erp.pipeline("customers: {}")
    erp.sql(f"UPDATE customers SET {column} = ?", (value,))
    assert (
        erp.error() == f"{what}. mend the row in the database, or leave the column out with included_columns"
    )
