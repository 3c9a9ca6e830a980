"""The records as columns of codes: every comparable part of a record, normal in form, each distinct value kept once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.linkage import contact_values as contact
from cdp.identity.linkage.birth_dates import compile_formats, order_patterns, parse_date, vote_order
from cdp.identity.linkage.person_names import (
    PersonName,
    parse_family_name,
    parse_full_name,
    parse_given_name,
    parse_suffix,
)
from cdp.identity.linkage.schema import RecordSchema, SemanticType
from cdp.identity.linkage.text import Codes, fold, map_distinct, map_distinct_to_several, recode


@dataclass(frozen=True)
class Part:
    """One comparable part of all records.

    codes: (records, places), -1 for null; several places where several columns hold values of one kind (a home and
    a mobile phone). values: the texts that the codes number, in sorted order. counts: records that carry each value.
    """

    codes: Codes
    values: npt.NDArray[np.object_]
    counts: npt.NDArray[np.int64]
    _made: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict, repr=False, compare=False)

    def of_values(self, name: str, function: Callable[[str], int]) -> npt.NDArray[np.int64]:
        """A whole number for each value, made when it is first asked for under this name."""
        if name not in self._made:
            self._made[name] = np.fromiter((function(v) for v in self.values), np.int64, len(self.values))
        return self._made[name]

    def groups_of(self, name: str, function: Callable[[str], str]) -> npt.NDArray[np.int64]:
        """The number of the group of each value: values for which the function gives one text are of one group."""
        if name not in self._made:
            texts = pd.Series([function(v) for v in self.values], dtype=object)
            self._made[name] = pd.factorize(texts)[0].astype(np.int64)
        return self._made[name]

    @property
    def first(self) -> Codes:
        """The codes of the first place, which is the only one of all parts but identifiers."""
        return self.codes[:, 0]

    def without(self, generic: npt.NDArray[np.bool_]) -> Part:
        """The part with the values of this mask made null."""
        hit = (self.codes >= 0) & generic[self.codes]
        return make_part(np.where(hit, -1, self.codes).astype(np.int32), self.values)


Parts = dict[str, Part]
#: Parts of which a record may hold several values at once; all their columns go into one part.
IDENTIFIERS = ("email", "phone", "national_id", "account_id", "device_id")
_TEXT_PARTS: Mapping[SemanticType, Callable[[str], str | None]] = {
    "birth_place": contact.normal_words, "occupation": contact.normal_words, "employer": contact.normal_organisation,
    "organisation_name": contact.normal_organisation, "categorical": contact.normal_words,
    "free_text": contact.normal_words,
}  # fmt: skip
_IDENTIFIER_FORMS: Mapping[SemanticType, Callable[[str], str | None]] = {
    "email": contact.normal_email, "phone": contact.normal_phone, "national_id": contact.normal_id,
    "account_id": contact.normal_id, "device_id": contact.normal_id,
}  # fmt: skip


_LINE_FORMS = (contact.normal_street, contact.normal_words, contact.normal_postcode)


def make_part(codes: Codes, values: npt.NDArray[np.object_]) -> Part:
    """A part from its codes; a value that one record holds twice counts once."""
    table = codes if codes.ndim == 2 else codes[:, None]
    if table.shape[1] > 1:
        table = np.sort(table, axis=1)[:, ::-1]
        table[:, 1:][table[:, 1:] == table[:, :-1]] = -1
        table = np.sort(table, axis=1)[:, ::-1].copy()
    held = table[table >= 0]
    return Part(table, values, np.bincount(held, minlength=len(values)).astype(np.int64))


def part_of(*columns: pd.Series) -> Part:
    """One part from one or several columns of normal texts."""
    stacked = pd.concat(list(columns), ignore_index=True)
    codes, values = recode(stacked)
    return make_part(codes.reshape(len(columns), -1).T.copy(), values)


def build_parts(frame: pd.DataFrame, schema: RecordSchema) -> Parts:
    """Normalise all columns that the schema names; a part that no record has is left out.

    `frame` holds text (None is null) and is sorted by source and record id, so that nothing depends on the order in
    which the records came.
    """
    parts: Parts = {}
    parts |= _name_parts(frame, schema)
    parts |= _date_parts(frame, schema)
    for kind, form in _IDENTIFIER_FORMS.items():
        columns = schema.of_type(kind)
        if columns:
            parts[kind] = part_of(*[map_distinct(frame[c], form) for c in columns])
    for kind, form in _TEXT_PARTS.items():
        for column in schema.of_type(kind):
            parts[f"{kind}:{column}"] = part_of(map_distinct(frame[column], form))
    parts |= _address_parts(frame, schema)
    for name in ("sex", "age"):
        columns = schema.of_type(name)  # type: ignore[arg-type]
        if columns:
            form = contact.normal_sex if name == "sex" else _normal_age
            parts[name] = part_of(_first_known([map_distinct(frame[c], form) for c in columns]))
    return {name: part for name, part in parts.items() if len(part.values)}


def _normal_age(raw: str) -> str | None:
    digits = fold(raw).split(".")[0]
    return digits if re.fullmatch(r"\d{1,3}", digits) and 0 < int(digits) < 120 else None


def _first_known(columns: list[pd.Series]) -> pd.Series:
    result = columns[0]
    for column in columns[1:]:
        result = result.where(result.notna(), column)
    return result


def _joined(columns: list[pd.Series], between: str = " ") -> pd.Series:
    """The texts of several columns with a blank (or else) between; null where all are null."""
    result = columns[0]
    for column in columns[1:]:
        both = result.notna() & column.notna()
        result = result.where(~both, result + between + column.fillna("")).where(result.notna(), column)
    return result


def _name_parts(frame: pd.DataFrame, schema: RecordSchema) -> Parts:
    """given, middle, family and suffix, from their own columns and, where these are null, from full names."""
    found: dict[str, list[pd.Series]] = {"given": [], "middle": [], "family": [], "suffix": []}
    for kind, parse, names in (
        ("given_name", parse_given_name, ("given", "middle", "suffix")),
        ("family_name", parse_family_name, ("family", "suffix")),
        ("full_name", parse_full_name, ("given", "middle", "family", "suffix")),
    ):
        for column in schema.of_type(kind):  # type: ignore[arg-type]
            parsed = map_distinct_to_several(frame[column], parse, len(PersonName._fields))
            for name in names:
                found[name].append(parsed[PersonName._fields.index(name)])
    for column in schema.of_type("middle_name"):
        found["middle"].insert(0, map_distinct(frame[column], contact.normal_words))
    for column in schema.of_type("name_suffix"):
        found["suffix"].insert(0, map_distinct(frame[column], parse_suffix))
    whole = {name: _first_known(columns) for name, columns in found.items() if columns}
    if "given" in whole and "family" in whole:
        whole["given"], whole["family"] = _place_words(whole["given"], whole["family"])
    return {name: part_of(column) for name, column in whole.items()}


def _place_words(given: pd.Series, family: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Where only a family name is told, the first or the last of its words is a given name if the records with both
    names use it so more often than in family names: somebody's first name alone, or the whole name in one column."""
    both = given.notna() & family.notna()
    as_given, as_family = given[both].value_counts(), family[both].str.split().explode().value_counts()
    words = family[given.isna() & family.notna()].str.split()
    given, family = given.copy(), family.copy()
    for at in (0, -1):
        ends = words.str[at]
        is_given = ends.map(as_given).fillna(0) > ends.map(as_family).fillna(0)
        found = words[is_given]
        given[found.index] = ends[is_given]
        others = (found.str[1:] if at == 0 else found.str[:-1]).str.join(" ")
        family[found.index] = others.where(others != "", None)
        words = words[~is_given]
    return given, family


def _date_parts(frame: pd.DataFrame, schema: RecordSchema) -> Parts:
    """The birth date as yyyymmdd text; day or month first is decided for each feed by its own dates."""
    columns = schema.of_type("birth_date")
    if not columns:
        return {}
    feeds = frame[schema.source] if schema.source else pd.Series("", index=frame.index)
    read = []
    for column in columns:
        patterns = compile_formats(schema.columns[column].formats)
        pieces = []
        for _, texts in frame[column].groupby(feeds, dropna=False, sort=True):
            counts = texts.dropna().value_counts().to_dict()
            order, best = vote_order(counts), order_patterns(patterns, counts)
            pieces.append(map_distinct(texts, _date_reader(order, best)))
        read.append(pd.concat(pieces).reindex(frame.index) if pieces else frame[column])
    return {"birth_date": part_of(_first_known(read))}


def _date_reader(order: str, patterns: list[re.Pattern[str]]) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        number = parse_date(text, order, patterns)
        return None if number is None else f"{number:08d}"

    return read


def _address_parts(frame: pd.DataFrame, schema: RecordSchema) -> Parts:
    """number, street, unit, postcode, city, region, country, and `premises`, the whole address as one value.

    Where an address line tells city or postcode too, it fills in for columns that do not.
    """
    found: dict[str, pd.Series] = {}
    for kind, form in (("street_number", contact.normal_street), ("street", contact.normal_street),
                       ("unit", contact.normal_street), ("city", contact.normal_words),
                       ("region", contact.normal_words), ("postcode", contact.normal_postcode),
                       ("country", contact.normal_words)):  # fmt: skip
        columns = schema.of_type(kind)  # type: ignore[arg-type]
        if columns:
            found[kind] = _joined([map_distinct(frame[c], form) for c in columns])
    if lines := schema.of_type("street_address"):
        told = map_distinct_to_several(_joined([frame[c] for c in lines], ", "), contact.split_line, 3)
        for kind, column, form in zip(("street_address", "city", "postcode"), told, _LINE_FORMS, strict=True):
            known = [found[kind]] if kind in found else []
            found[kind] = _first_known([*known, map_distinct(column, form)])
    for source in ("street_address", "street"):
        if source in found:
            split = map_distinct_to_several(found[source], contact.split_address, 3)
            for name, column in zip(("street_number", "street", "unit"), split, strict=True):
                known = [found[name]] if name in found and name != source else []
                found[name] = _first_known([*known, column])
    found.pop("street_address", None)
    if "street" in found and "street_number" in found:
        is_known = found["street"].notna() & found["street_number"].notna()
        place = found.get("postcode", found.get("city", pd.Series("", index=frame.index))).fillna("")
        whole = found["street_number"] + " " + found["street"] + " " + found.get("unit", place).fillna("") + " " + place
        found["premises"] = whole.where(is_known, None)
    return {name: part_of(column) for name, column in found.items()}
