"""What each column of a table of people is (a number, a date, a category), and which columns no model may use.

Learned on the training table alone and applied to any other: a file in which everything is text and a typed Parquet
file give the same plan. Nothing here looks at the label; what gives the label away is found in `leakage.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from cdp.core.dates import EPOCH, start_of, times_of_texts
from cdp.core.errors import ContractError

Kind = Literal["number", "date", "category"]

MISSING_WORDS = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nat", "<na>", "?", "-", "inf", "-inf", "+inf", "infinity", "-infinity"}
)
DATE_FORMATS = ("ISO8601", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d")
CLEAN_SHARE = 0.98  # a column is of a kind when this share of its values is; the rest counts as missing, with a warning
ID_SHARE = 0.9  # distinct values per filled row, from which text is an id or free text
MIN_ROWS_FOR_IDS = 30  # below, being distinct says nothing
MAX_LEVELS = 300
MIN_LEVEL_ROWS = 5  # rarer levels are scored as "another value"
FAR = 1e15  # median distances from the median: beside a double that far off the others cannot be told apart
_ID_NAME = re.compile(r"(?:^|[_\W])(id|uuid|guid|key|hash|email|e_mail|phone|msisdn|iban)$", re.IGNORECASE)
_CODE_NAME = re.compile(r"(?:^|[_\W])(id|code|zip|zipcode|postcode|plz)$", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")
_WHOLE = re.compile(r"^(-?\d+)\.0$")
_BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class FeatureColumn:
    """One usable column. `levels`: a category's values in training, most frequent first; `date_format` of text.

    `between`: numbers beyond these two count as missing.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    date_format: str = ""
    between: tuple[float, float] = (-np.inf, np.inf)


@dataclass(frozen=True)
class FeaturePlan:
    """The usable columns by name, the others with the reason why not, and what a person should look at."""

    columns: tuple[FeatureColumn, ...]
    dropped: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def learn_columns(frame: pd.DataFrame, *, exclude: frozenset[str]) -> FeaturePlan:
    """Decide for each column but `exclude`. Columns are taken by name, so their order does not matter.

    ContractError for a column whose name is no text, as frames made of arrays have.
    """
    if unnamed := [name for name in frame.columns if not isinstance(name, str)]:
        raise ContractError(
            f"{len(unnamed)} columns have a name that is no text (the first: {unnamed[0]!r}): "
            "give them names, frame.rename(columns=str) for example"
        )
    columns: list[FeatureColumn] = []
    dropped: dict[str, str] = {}
    warnings: list[str] = []
    for name in sorted(set(frame.columns) - exclude):
        found = _learn_column(name, frame[name], warnings)
        if isinstance(found, FeatureColumn):
            columns.append(found)
        else:
            dropped[name] = found
    return FeaturePlan(tuple(columns), dropped, tuple(warnings))


def _learn_column(name: str, values: pd.Series, warnings: list[str]) -> FeatureColumn | str:
    if values.map(type).isin((list, dict, set, tuple, np.ndarray)).any():
        return "not a plain value: it holds lists or structures"
    if pd.api.types.is_datetime64_any_dtype(values):
        return FeatureColumn(name, "date") if values.nunique() > 1 else _constant(values)
    if values.dtype.kind == "m":
        values = as_numbers(values)
    text = as_levels(values)
    filled = text.dropna()
    distinct = filled.nunique()
    if distinct < 2 and (distinct == 0 or len(filled) == len(text)):
        return _constant(text)
    if distinct == 1:  # filled or not is what it tells
        return FeatureColumn(name, "category", tuple(filled.unique()))
    if (with_comma := filled.map(str).str.fullmatch(_COMMA_NUMBER).mean()) > 1 - CLEAN_SHARE:
        warnings.append(f"column {name}: {with_comma:.0%} of its values are numbers with a comma: write them as 1234.5")
    numbers = as_numbers(values)
    is_number = numbers.notna().sum() >= CLEAN_SHARE * len(filled)
    if (why := _identifies(name, filled, numbers if is_number else None)) is not None:
        return why
    if is_number and not (_CODE_NAME.search(_snake(name)) and distinct <= MAX_LEVELS):
        _warn_unclean(name, "number", len(filled) - int(numbers.notna().sum()), warnings)
        if values.dtype.kind == "f":
            _warn_unclean(name, "finite number", int(np.isinf(values).sum()), warnings)
        between = _reach(name, numbers.dropna(), warnings)
        numbers = numbers.where(numbers.between(*between))
        return FeatureColumn(name, "number", between=between) if numbers.nunique() > 1 else _constant(text)
    if not is_number and (form := find_date_format(filled)):
        _warn_unclean(name, "date", int(as_days(filled, form).isna().sum()), warnings)
        return FeatureColumn(name, "date", date_format=form)
    return _category(name, filled)


def _reach(name: str, known: pd.Series, warnings: list[str]) -> tuple[float, float]:
    """Between which numbers a value lies that is none of the `FAR` ones (a filler, a slipped exponent); tells these."""
    middle = float(known.median())
    with np.errstate(over="ignore"):
        off = (known - middle).abs()
        reach = FAR * float(off.median() or off[off > 0].median())
    if not reach > 0:
        return -np.inf, np.inf
    if count := int((off > reach).sum()):
        told = f"lie so far from all others (such as {known[off.idxmax()]:.4g}) that they count as missing"
        warnings.append(f"column {name}: {count} values {told}")
    return middle - reach, middle + reach


def _constant(values: pd.Series) -> str:
    return "the same value for everybody" if values.notna().any() else "empty"


def _identifies(name: str, filled: pd.Series, numbers: pd.Series | None) -> str | None:
    distinct, rows = filled.nunique(), len(filled)
    if rows < MIN_ROWS_FOR_IDS or distinct < ID_SHARE * rows:
        return None
    if numbers is None:
        if find_date_format(filled):
            return None
        return "an id or free text: nearly every row has a value of its own"
    known = numbers.dropna()
    is_whole = bool((known == known.round()).all())
    if is_whole and _ID_NAME.search(_snake(name)):
        return "an id: whole numbers, nearly every row has its own"
    if is_whole and distinct == rows and known.max() - known.min() < 2 * rows:
        return "a running number: every row has its own"
    return None


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name)


def _warn_unclean(name: str, kind: str, count: int, warnings: list[str]) -> None:
    if count:
        warnings.append(f"column {name}: {count} values are no {kind} and count as missing")


def find_date_format(filled: pd.Series) -> str:
    """The first format that nearly all values have, else nothing. Looks at a sample first: most text is no date."""
    sample = filled.iloc[:: max(1, len(filled) // 50)]
    for form in DATE_FORMATS:
        if all(as_days(part, form).notna().mean() >= CLEAN_SHARE for part in (sample, filled)):
            return form
    return ""


def _category(name: str, filled: pd.Series) -> FeatureColumn | str:
    counts = filled.value_counts().rename_axis("level").reset_index(name="rows")
    counts = counts.sort_values(["rows", "level"], ascending=[False, True])
    kept = counts[counts["rows"] >= min(MIN_LEVEL_ROWS, max(1, len(filled) // 20))].head(MAX_LEVELS)
    if kept["rows"].sum() < 0.05 * len(filled):
        return "an id or free text: no value is shared by enough rows"
    return FeatureColumn(name, "category", tuple(kept["level"]))


def as_text(values: pd.Series) -> pd.Series:
    """Values as trimmed text, missing ones as NaN; whole numbers without a point, bytes as UTF-8, true and false."""
    if pd.api.types.is_bool_dtype(values):
        return values.map({True: "true", False: "false"}).astype(object)
    if pd.api.types.is_numeric_dtype(values):
        return _numbers_as_text(values)
    filled = values.notna()
    text = values.astype(object).where(filled, "").map(_word)
    return text.mask(text.str.lower().isin(MISSING_WORDS))


def as_levels(values: pd.Series) -> pd.Series:
    """The same as levels of a category: ``True`` and ``7.0`` of a text file are ``true`` and ``7`` of a typed one."""
    text = as_text(values)
    if text.dtype != object:
        return text
    plain = text.str.replace(_WHOLE, r"\1", regex=True)
    return plain.map(lambda word: _BOOLEANS.get(word, word), na_action="ignore").astype(object)


def _word(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()


def _numbers_as_text(values: pd.Series) -> pd.Series:
    numbers = values.astype("float64") if values.dtype.kind == "f" or values.hasnans else values
    text = numbers.map(_word, na_action="ignore").astype(object)
    return text.where(numbers.notna() & (numbers.abs() < np.inf))


def as_numbers(values: pd.Series) -> pd.Series:
    """Values as doubles, durations in days; what is no finite number is NaN."""
    if values.dtype.kind == "m":
        values = values / pd.Timedelta(days=1)
    numbers = pd.to_numeric(values if values.dtype.kind in "iuf" else as_text(values), errors="coerce")
    return numbers.astype("float64").replace([np.inf, -np.inf], np.nan)


def as_days(values: pd.Series, date_format: str = "") -> pd.Series:
    """Dates or times as days since 1970 (UTC, fractions kept); what is no date is NaN."""
    is_typed = pd.api.types.is_datetime64_any_dtype(values)
    times = pd.to_datetime(values, utc=True) if is_typed else times_of_texts(as_text(values), date_format or "ISO8601")
    return (times - start_of(EPOCH)) / timedelta(days=1)
