"""Normalising: words for nothing, names, dates by feed, e-mail addresses, phones, addresses."""

from __future__ import annotations

import pandas as pd
import pytest

from cdp.core.errors import ConfigError
from cdp.identity.linkage.birth_dates import (
    DAY_FIRST,
    MONTH_FIRST,
    compile_formats,
    order_patterns,
    parse_date,
    vote_order,
)
from cdp.identity.linkage.contact_values import (
    normal_email,
    normal_id,
    normal_phone,
    normal_street,
    split_address,
    split_line,
)
from cdp.identity.linkage.parts import build_parts
from cdp.identity.linkage.person_names import parse_full_name
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.linkage.text import fold, is_nothing, skeleton


@pytest.mark.parametrize(
    "raw", ["", "  ", "NULL", "n/a", "NaN", "Unknown", "-", "none", "N.A.", "...", "not available"]
)
def test_words_for_nothing_are_null(raw: str) -> None:
    assert is_nothing(fold(raw))


@pytest.mark.parametrize("raw, plain", [("  Zoë  MÜLLER ", "zoe muller"), ("Łukasz", "lukasz"), ("Юлия", "iuliia"),
                                        ("Ｊｏｈｎ", "john"), ("Straße", "strasse"),
                                        ("Γιώργος", "giorgos")])  # fmt: skip
def test_text_is_folded_into_plain_latin(raw: str, plain: str) -> None:
    assert fold(raw) == plain


def test_soundex_groups_spellings_of_one_name() -> None:
    assert skeleton("robert") == skeleton("rupert") == "r163"
    assert skeleton("smith") == skeleton("smyth") != skeleton("jones")


@pytest.mark.parametrize("raw, parts", [
    ("Dr. Anna-Maria van der Berg", ("anna-maria", None, "van der berg", None)),
    ("Smith, John A., Jr.", ("john", "a", "smith", "jr")),
    ("JOHN A SMITH III", ("john", "a", "smith", "iii")),
    ("O'Brien, Mary", ("mary", None, "obrien", None)),
    ("Jones-Miller, Sue", ("sue", None, "jones miller", None)),
    ("Madonna", (None, None, "madonna", None)),
    ("n/a", (None, None, None, None)),
])  # fmt: skip
def test_full_names_come_apart(raw: str, parts: tuple[str | None, ...]) -> None:
    assert tuple(parse_full_name(raw)) == parts


@pytest.mark.parametrize("raw, order, number", [
    ("1980-02-03", DAY_FIRST, 19800203), ("03/02/1980", DAY_FIRST, 19800203), ("02/03/1980", MONTH_FIRST, 19800203),
    ("13/02/1980", MONTH_FIRST, 19800213), ("3 Feb 1980", DAY_FIRST, 19800203), ("Feb 3rd, 1980", DAY_FIRST, 19800203),
    ("19800203", DAY_FIRST, 19800203), ("03.02.80", DAY_FIRST, 19800203), ("1980", DAY_FIRST, 19800000),
    ("1980-02", DAY_FIRST, 19800200), ("1980-02-03T00:00:00", DAY_FIRST, 19800203), ("1980.0", DAY_FIRST, 19800000),
    ("1900-01-01", DAY_FIRST, None), ("1980-02-31", DAY_FIRST, None), ("0000-00-00", DAY_FIRST, None),
    ("3. März 1980", DAY_FIRST, 19800303), ("3 février 1980", DAY_FIRST, 19800203),
    ("3 de dic. de 1980", DAY_FIRST, 19801203), ("1 ottobre 1980", MONTH_FIRST, 19801001),
    ("unknown", DAY_FIRST, None), ("9999-12-31", DAY_FIRST, None), ("1-2-" + "9" * 5_000, DAY_FIRST, None),
])  # fmt: skip
def test_dates_are_read_in_every_usual_way(raw: str, order: str, number: int | None) -> None:
    assert parse_date(raw, order) == number


def test_each_feed_votes_for_its_own_order_of_day_and_month() -> None:
    assert vote_order({"03/07/1980": 5, "25/12/1970": 1}) == DAY_FIRST
    assert vote_order({"03/07/1980": 5, "12/25/1970": 1}) == MONTH_FIRST
    schema = RecordSchema.model_validate(
        {"record_id": "id", "source": "feed",
         "columns": {"dob": {"type": "birth_date", "formats": ["dd/MM/yyyy", "MM/dd/yyyy"]}}}
    )  # fmt: skip
    frame = pd.DataFrame({"id": list("1234"), "feed": ["eu", "eu", "us", "us"],
                          "dob": ["03/07/1980", "25/12/1970", "07/03/1980", "12/25/1970"]})  # fmt: skip
    born = build_parts(frame, schema)["birth_date"]
    assert [born.values[c] for c in born.first] == ["19800703", "19701225", "19800703", "19701225"]


def test_ages_are_whole_years_and_whatever_else_stands_there_is_null() -> None:
    """A digit in a circle is no number to Python, and of thousands of digits it reads none."""
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"years": "age"}})
    told = ["41", "41.0", "٤١", "0", "120", "\u2780", "old", "9" * 5_000, None]
    age = build_parts(pd.DataFrame({"id": range(len(told)), "years": told}), schema)["age"]
    assert [age.values[c] if c >= 0 else None for c in age.first] == ["41", "41", "٤١", *[None] * 6]


def test_formats_that_are_no_dates_are_refused() -> None:
    with pytest.raises(ConfigError, match="no part"):
        compile_formats(["yyyy-QQ-dd"])
    with pytest.raises(ConfigError, match="no year"):
        compile_formats(["dd/MM"])
    first = order_patterns(compile_formats(["dd/MM/yyyy", "MM/dd/yyyy"]), {"12/25/1970": 1, "01/02/1980": 1})[0]
    assert first.fullmatch("12/25/1970").group("m") == "12"


def test_gmail_alone_ignores_dots_and_tags() -> None:
    assert normal_email("J.Doe+shop@GMAIL.com") == normal_email("jdoe@googlemail.com") == "jdoe@gmail.com"
    assert normal_email("j.doe@example.com") != normal_email("jdoe@example.com")
    assert normal_email("not an address") is None


def test_one_phone_is_one_however_written() -> None:
    ways = ["+44 7700 900123", "07700 900123", "0044 (0)7700-900-123", "07700900123 ext. 5"]
    assert {normal_phone(w) for w in ways} == {"700900123"}
    assert normal_phone("000-0000000") is None and normal_phone("123") is None


@pytest.mark.parametrize("raw", ["000-00-0000", "999999999", "123456789", "n/a", ""])
def test_filler_numbers_are_null(raw: str) -> None:
    assert normal_id(raw) is None


def test_addresses_agree_wherever_the_unit_stands() -> None:
    first, second = (split_address(normal_street(a) or "") for a in ("12 High Street, Apt 4", "Flat 4, 12 High St"))
    assert first == second == ("12", "high st", "4")


def test_a_name_of_one_word_goes_where_the_file_uses_it() -> None:
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"name": "full_name"}})
    names = ["Victor Braun", "Victor Klein", "Anna Curtis", "Paul Curtis", "Victor", "Curtis"]
    parts = build_parts(pd.DataFrame({"id": list("123456"), "name": names}), schema)
    assert parts["given"].values[parts["given"].first[4]] == "victor" and parts["family"].first[4] == -1
    assert parts["family"].values[parts["family"].first[5]] == "curtis" and parts["given"].first[5] == -1


@pytest.mark.parametrize("whole, given, family", [
    ("Victor Curtis", "victor", "curtis"), ("Curtis Victor", "victor", "curtis"), ("de la Cruz", None, "de la cruz"),
    ("Curtis Braun", None, "curtis braun"), ("Victor", "victor", None),
])  # fmt: skip
def test_a_whole_name_in_the_family_column_is_taken_apart(whole: str, given: str | None, family: str | None) -> None:
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"f": "given_name", "l": "family_name"}})
    frame = pd.DataFrame({"id": list("12345"), "f": ["Victor", "Victor", "Anna", "Paul", None],
                          "l": ["Braun", "Curtis", "Curtis", "Cruz", whole]}).astype(object)  # fmt: skip
    parts = build_parts(frame.where(frame.notna(), None), schema)
    told = {name: parts[name].first[4] for name in ("given", "family")}
    assert told["given"] == -1 if given is None else parts["given"].values[told["given"]] == given
    assert told["family"] == -1 if family is None else parts["family"].values[told["family"]] == family


@pytest.mark.parametrize("raw, parts", [
    ("12 High St, Apt 4, 10115 Berlin", ("12 High St  Apt 4", "berlin", "10115")),
    ("Apt 4, 12 High St, Town", ("Apt 4  12 High St", "town", None)),
    ("C/ Mayor, 12, 28001 Madrid", ("C/ Mayor  12", "madrid", "28001")),
    ("12 High St, Springfield, IL 62704", ("12 High St", "springfield", "62704")),
    ("221B Baker Street\nLondon NW1 6XE", ("221B Baker Street", "london", "nw16xe")),
    ("12 High St", ("12 High St", None, None)),
    ("Rose Cottage, Mill Lane", ("Rose Cottage, Mill Lane", None, None)),
])  # fmt: skip
def test_an_address_line_tells_the_place_after_the_street(raw: str, parts: tuple[str | None, ...]) -> None:
    assert split_line(raw) == parts


def test_an_address_line_agrees_with_its_short_form() -> None:
    schema = RecordSchema.model_validate(
        {"record_id": "id", "columns": {"line": "street_address", "line2": "street_address", "town": "city"}}
    )
    frame = pd.DataFrame({"id": list("123"), "line": ["12 High St, 10115 Berlin", "12 High Street", "12 High St"],
                          "line2": [None, "Berlin", None], "town": [None, None, "Bonn"]})  # fmt: skip
    parts = build_parts(frame, schema)
    assert len(parts["street"].values) == len(parts["street_number"].values) == 1
    assert [parts["city"].values[code] for code in parts["city"].first] == ["berlin", "berlin", "bonn"]
    assert parts["postcode"].first.tolist() == [0, -1, -1]
