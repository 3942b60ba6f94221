"""Expectations in words: what should be, and what is wrong where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.entry import column_text
from tailrace.validate.own.registry import CHECKS

Kwargs = Mapping[str, Any]
_LISTED, _LONGEST = 8, 80
_NOT_SHOWN = "***"
"""Stands for a value that a parameter took from data."""
_DIGITS = 12
"""Characters of a number from which on it is rounded."""


def expected(expectation: Expectation) -> str:
    """What should be, as a sentence without its full stop: `every score is between 0 and 100`."""
    text = _phrased(_expected, expectation, "holds")
    if expectation.type == "unexpected_rows_expectation" and expectation.description:
        text = f"no row is found of this kind: {expectation.description.rstrip('.')}"
    return f"{text} (where {expectation.where})" if expectation.where else text


def _phrased(phrase: Callable[[str, Kwargs], str], expectation: Expectation, otherwise: str) -> str:
    """What a phrase makes of an expectation; of one with values that it cannot tell, its name. No judgement ends for want of words."""
    name, kwargs = expectation.type, expectation.kwargs
    try:
        return phrase(name, kwargs)
    except Exception:  # noqa: BLE001  # values of parameters are of any kind, or not there yet
        return f"{name}({column_text(kwargs) or ''}) {otherwise}"


def _expected(name: str, kwargs: Kwargs) -> str:
    if name in CHECKS and _NOT_SHOWN in kwargs.values():
        return f"{name}({column_text(kwargs) or ''}) holds"
    if name in CHECKS:
        return CHECKS[name].expected(kwargs) + _mostly(kwargs, "", " in at least {share} of rows")
    if name in _OF_VALUES:
        column, says = kwargs.get("column"), _OF_VALUES[name][0](kwargs)
        return _mostly(kwargs, f"every {column} {says}", f"in at least {{share}} of rows, {column} {says}")
    if name in _OF_ROWS:
        says = _OF_ROWS[name][0](kwargs)
        return says + _mostly(kwargs, " in every row", " in at least {share} of rows")
    return _OF_TABLES[name][0](kwargs) if name in _OF_TABLES else f"{name}({column_text(kwargs) or ''}) holds"


def _mostly(kwargs: Kwargs, every: str, some: str) -> str:
    share = kwargs.get("mostly")
    if not isinstance(share, int | float) or share >= 1:
        return every
    return some.replace("{share}", f"{share * 100:.4g}%", 1)


def failure(expectation: Expectation) -> str:
    """What is wrong with a row or table that fails: the suite's own words where it has any."""
    if expectation.description:
        return expectation.description.rstrip(".")
    text = _phrased(_failure, expectation, "fails")
    return f"{text} (where {expectation.where})" if expectation.where else text


def _failure(name: str, kwargs: Kwargs) -> str:
    if name in CHECKS and _NOT_SHOWN in kwargs.values():
        return f"{name}({column_text(kwargs) or ''}) fails"
    if name in CHECKS:
        return CHECKS[name].failure(kwargs)
    if name in _OF_VALUES:
        return f"{kwargs.get('column')} {_OF_VALUES[name][1](kwargs)}"
    table = _OF_ROWS.get(name) or _OF_TABLES.get(name)
    return table[1](kwargs) if table else f"{name}({column_text(kwargs) or ''}) fails"


def _range(kwargs: Kwargs) -> str:
    """`between 0 and 100`, `at least 0`, `above 0 and at most 100`."""
    low, high = _short(kwargs.get("min_value")), _short(kwargs.get("max_value"))
    strict_low, strict_high = kwargs.get("strict_min"), kwargs.get("strict_max")
    least = f"{'above' if strict_low else 'at least'} {low}" if kwargs.get("min_value") is not None else ""
    most = f"{'below' if strict_high else 'at most'} {high}" if kwargs.get("max_value") is not None else ""
    if least and most and not strict_low and not strict_high:
        return f"exactly {low}" if low == high else f"between {low} and {high}"
    return " and ".join(part for part in (least, most) if part) or "anything"


def _outside(kwargs: Kwargs) -> str:
    """What _range is not: `is not between 0 and 100`, `is below 0`."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is None and not kwargs.get("strict_min"):
        return f"is below {_short(low)}"
    if high is not None and low is None and not kwargs.get("strict_max"):
        return f"is above {_short(high)}"
    return f"is not {_range(kwargs)}"


def figure(observed: str, kwargs: Kwargs) -> str:
    """A number as a reason says it: two decimals of a long one, or as many as keep it on its side of what `kwargs` allow."""
    if len(observed) < _DIGITS or "." not in observed:
        return observed
    number = float(observed)
    bounds = [kwargs.get(name) for name in ("min_value", "max_value", "threshold")]
    limits = [float(bound) for bound in bounds if isinstance(bound, int | float)]
    for decimals in range(2, 17):
        text = f"{number:.{decimals}f}"
        if float(text) and all(_side(float(text), limit) == _side(number, limit) for limit in limits):
            return text
    return observed


def _side(number: float, limit: float) -> int:
    return (number > limit) - (number < limit)


def _short(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _listed(values: Any) -> str:
    if isinstance(values, str):  # one that is not shown
        return values
    shown: Sequence[Any] = list(values or ())
    texts = ", ".join(_short(value) for value in shown[:_LISTED])
    return f"{texts}, ..." if len(shown) > _LISTED else texts


def _counted(count: Any, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}" if isinstance(count, int) else f"{count} {noun}s"


def _of(kwarg: str) -> Callable[[Kwargs], str]:
    return lambda kwargs: _listed(kwargs.get(kwarg))


def _two(says: str, fails: str, value: Callable[[Kwargs], str] = lambda _: "") -> tuple[Any, Any]:
    """A pair of phrases with one value in both."""
    return (lambda kwargs: says.format(value(kwargs)), lambda kwargs: fails.format(value(kwargs)))


def _kwarg(name: str) -> Callable[[Kwargs], str]:
    return lambda kwargs: _short(kwargs.get(name))


def _patterns(kwarg: str) -> Callable[[Kwargs], str]:
    return lambda kwargs: (
        f"{'all' if kwargs.get('match_on') == 'all' else 'any'} of {_listed(kwargs.get(kwarg))}"
    )


def _in_set(kwargs: Kwargs) -> str:
    listed = _listed(kwargs.get("value_set"))
    return f"is one of {listed}" if _is_several(kwargs) else f"is {listed}"


def _not_in_set(kwargs: Kwargs) -> str:
    listed = _listed(kwargs.get("value_set"))
    return f"is none of {listed}" if _is_several(kwargs) else f"is not {listed}"


def _is_several(kwargs: Kwargs) -> bool:
    return len(list(kwargs.get("value_set") or ())) != 1


def _a_is_above_b(kwargs: Kwargs, verb: str) -> str:
    word = "at least" if kwargs.get("or_equal") else "above"
    return f"{kwargs.get('column_A')} {verb} {word} {kwargs.get('column_B')}"


def _z_limit(kwargs: Kwargs) -> str:
    sides = "" if kwargs.get("double_sided") else " above"
    return f"{_short(kwargs.get('threshold'))} standard deviations{sides}"


_OF_VALUES: Mapping[str, tuple[Callable[[Kwargs], str], Callable[[Kwargs], str]]] = {
    "expect_column_values_to_be_between": (lambda kwargs: f"is {_range(kwargs)}", _outside),
    "expect_column_value_lengths_to_be_between": (
        lambda kwargs: f"has a length {_range(kwargs)}",
        lambda kwargs: f"has a length that {_outside(kwargs)}",
    ),
    "expect_column_value_lengths_to_equal": _two(
        "is {} long", "is not {} long", lambda kwargs: _counted(kwargs.get("value"), "character")
    ),
    "expect_column_value_z_scores_to_be_less_than": _two(
        "is within {} the mean", "is further than {} the mean",
        lambda kwargs: f"{_z_limit(kwargs)}{' of' if kwargs.get('double_sided') else ''}",
    ),
    "expect_column_values_to_be_in_set": (_in_set, _not_in_set),
    "expect_column_values_to_not_be_in_set": (_not_in_set, _in_set),
    "expect_column_values_to_be_in_type_list": _two("has one of the types {}", "has none of the types {}", _of("type_list")),
    "expect_column_values_to_be_of_type": _two("has the type {}", "has not the type {}", _kwarg("type_")),
    "expect_column_values_to_be_null": _two("is empty", "is not empty"),
    "expect_column_values_to_not_be_null": _two("is filled in", "is missing"),
    "expect_column_values_to_be_unique": _two("occurs once", "repeats"),
    "expect_column_values_to_match_regex": _two("matches {}", "does not match {}", _kwarg("regex")),
    "expect_column_values_to_not_match_regex": _two("does not match {}", "matches {}", _kwarg("regex")),
    "expect_column_values_to_match_regex_list": _two("matches {}", "does not match {}", _patterns("regex_list")),
    "expect_column_values_to_not_match_regex_list": _two("matches none of {}", "matches one of {}", _of("regex_list")),
    "expect_column_values_to_match_like_pattern": _two("is like {}", "is not like {}", _kwarg("like_pattern")),
    "expect_column_values_to_not_match_like_pattern": _two("is not like {}", "is like {}", _kwarg("like_pattern")),
    "expect_column_values_to_match_like_pattern_list": _two("is like {}", "is not like {}", _patterns("like_pattern_list")),
    "expect_column_values_to_not_match_like_pattern_list": _two(
        "is like none of {}", "is like one of {}", _of("like_pattern_list")
    ),
    "expect_column_values_to_be_dateutil_parseable": _two("can be read as a date", "cannot be read as a date"),
    "expect_column_values_to_match_strftime_format": _two("has the format {}", "has not the format {}", _kwarg("strftime_format")),
    "expect_column_values_to_be_increasing": _two("is above the one before", "is not above the one before"),
    "expect_column_values_to_be_decreasing": _two("is below the one before", "is not below the one before"),
    "expect_column_values_to_be_json_parseable": _two("is JSON", "is no JSON"),
    "expect_column_values_to_match_json_schema": _two("fits its JSON schema", "does not fit its JSON schema"),
    "expect_column_values_to_not_be_outliers": _two("is no outlier", "is an outlier"),
}  # fmt: skip
"""About each value of a column: what it is (`is one of A, B`), what it is where it fails."""

_OF_ROWS: Mapping[str, tuple[Callable[[Kwargs], str], Callable[[Kwargs], str]]] = {
    "expect_column_pair_values_a_to_be_greater_than_b": (
        lambda kwargs: _a_is_above_b(kwargs, "is"),
        lambda kwargs: _a_is_above_b(kwargs, "is not"),
    ),
    "expect_column_pair_values_to_be_equal": (
        lambda kwargs: f"{kwargs.get('column_A')} equals {kwargs.get('column_B')}",
        lambda kwargs: f"{kwargs.get('column_A')} differs from {kwargs.get('column_B')}",
    ),
    "expect_column_pair_values_to_be_in_set": (
        lambda kwargs: f"{kwargs.get('column_A')} and {kwargs.get('column_B')} are one of {_listed(kwargs.get('value_pairs_set'))}",
        lambda kwargs: f"{kwargs.get('column_A')} and {kwargs.get('column_B')} are none of {_listed(kwargs.get('value_pairs_set'))}",
    ),
    "expect_multicolumn_sum_to_equal": (
        lambda kwargs: f"{' + '.join(kwargs['column_list'])} is {_short(kwargs.get('sum_total'))}",
        lambda kwargs: f"{' + '.join(kwargs['column_list'])} is not {_short(kwargs.get('sum_total'))}",
    ),
    "expect_multicolumn_values_to_be_equal": _two("{} are equal", "{} differ", _of("column_list")),
    "expect_select_column_values_to_be_unique_within_record": _two(
        "{} all differ", "{} hold the same value twice", _of("column_list")
    ),
    "expect_compound_columns_to_be_unique": _two("{} together occur once", "{} together repeat", _of("column_list")),
}  # fmt: skip
"""About several columns of a row: what holds, what does not."""


def _number_of(what: str) -> tuple[Callable[[Kwargs], str], Callable[[Kwargs], str]]:
    """A number that should be in a range."""
    return (
        lambda kwargs: f"{what.format(kwargs.get('column'))} is {_range(kwargs)}",
        lambda kwargs: f"{what.format(kwargs.get('column'))} {_outside(kwargs)}",
    )


def _values_of(says: str, fails: str) -> tuple[Any, Any]:
    return tuple(
        lambda kwargs, text=text: text.format(kwargs.get("column"), _listed(kwargs.get("value_set")))
        for text in (says, fails)
    )  # type: ignore[return-value]


def _quantiles(kwargs: Kwargs) -> str:
    ranges = kwargs.get("quantile_ranges") or {}
    if _NOT_SHOWN in json.dumps(ranges, default=str):
        return _NOT_SHOWN
    pairs = zip(ranges.get("quantiles") or (), ranges.get("value_ranges") or (), strict=False)
    told = [
        f"{float(share) * 100:g}%: {_range({'min_value': low, 'max_value': high})}"
        for share, (low, high) in pairs
    ]
    return ", ".join(told)


_OF_TABLES: Mapping[str, tuple[Callable[[Kwargs], str], Callable[[Kwargs], str]]] = {
    "expect_column_max_to_be_between": _number_of("the highest {}"),
    "expect_column_min_to_be_between": _number_of("the lowest {}"),
    "expect_column_mean_to_be_between": _number_of("the mean of {}"),
    "expect_column_median_to_be_between": _number_of("the median of {}"),
    "expect_column_sum_to_be_between": _number_of("the sum of {}"),
    "expect_column_stdev_to_be_between": _number_of("the standard deviation of {}"),
    "expect_column_unique_value_count_to_be_between": _number_of("the number of distinct {}"),
    "expect_column_proportion_of_unique_values_to_be_between": _number_of("the share of distinct {}"),
    "expect_column_proportion_of_non_null_values_to_be_between": _number_of("the share of {} that is filled in"),
    "expect_column_kl_divergence_to_be_less_than": (
        lambda kwargs: f"{kwargs.get('column')} diverges from its partition by less than {_short(kwargs.get('threshold'))} (KL)",
        lambda kwargs: f"{kwargs.get('column')} diverges from its partition by {_short(kwargs.get('threshold'))} or more (KL)",
    ),
    "expect_column_quantile_values_to_be_between": (
        lambda kwargs: f"the quantiles of {kwargs.get('column')} are {_quantiles(kwargs)}",
        lambda kwargs: f"the quantiles of {kwargs.get('column')} are not {_quantiles(kwargs)}",
    ),
    "expect_column_distinct_values_to_be_in_set": _values_of("{} has no values but {}", "{} has values other than {}"),
    "expect_column_distinct_values_to_contain_set": _values_of("{} has all the values {}", "{} has not all the values {}"),
    "expect_column_distinct_values_to_equal_set": _values_of("{} has exactly the values {}", "{} has not exactly the values {}"),
    "expect_column_most_common_value_to_be_in_set": _values_of(
        "the most frequent {} is one of {}", "the most frequent {} is none of {}"
    ),
    "expect_column_to_exist": _two("there is a column {}", "there is no such column: {}", _kwarg("column")),
    "expect_column_type_to_be": (
        lambda kwargs: f"{kwargs.get('column')} has the type {kwargs.get('type_')}",
        lambda kwargs: f"{kwargs.get('column')} has not the type {kwargs.get('type_')}",
    ),
    "expect_table_column_count_to_be_between": _number_of("the number of columns"),
    "expect_table_column_count_to_equal": _two(
        "there are {}", "there are not {}", lambda kwargs: _counted(kwargs.get("value"), "column")
    ),
    "expect_table_columns_to_match_ordered_list": _two(
        "the columns are {}, in this order", "the columns are not {}, in this order", _of("column_list")
    ),
    "expect_table_columns_to_match_set": (
        lambda kwargs: f"the columns {'are' if kwargs.get('exact_match', True) else 'include'} {_listed(kwargs.get('column_set'))}",
        lambda kwargs: f"the columns {'are not' if kwargs.get('exact_match', True) else 'do not include'} {_listed(kwargs.get('column_set'))}",
    ),
    "expect_table_row_count_to_be_between": _number_of("the number of rows"),
    "expect_table_row_count_to_equal": _two("there are {}", "there are not {}", lambda kwargs: _counted(kwargs.get("value"), "row")),
    "expect_table_row_count_to_equal_other_table": _two(
        "there are as many rows as in {}", "there are not as many rows as in {}", _kwarg("other_table_name")
    ),
    "expect_query_results_to_match_comparison": _two("two queries give the same", "two queries give different results"),
    "unexpected_rows_expectation": _two("no row is found by the suite's query", "rows are found by the suite's query"),
}  # fmt: skip
"""About a column or table as a whole."""
