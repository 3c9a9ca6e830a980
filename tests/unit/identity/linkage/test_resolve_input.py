"""What files the resolver takes: columns of any type as text, and clear words for what it cannot take."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from cdp.core.errors import ConfigError, ContractError
from cdp.identity.linkage.resolve import as_text, resolve_table, text_frame
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.rules import IdentityRules
from cdp.verbs.resolve import read_records

_RULES = IdentityRules(links={"email": {"probability": 0.9, "max_people": 1}}, known_types=())
_SCHEMA = RecordSchema.model_validate({
    "record_id": "id", "columns": {"first": "given_name", "last": "family_name", "born": "birth_date", "mail": "email",
                                    "tel": "phone", "street": "street_address", "zip": "postcode",
                                    "suffix": "name_suffix"},
})  # fmt: skip
_ANN = {"first": "margaret", "last": "holloway", "born": "1971-05-17", "mail": "margaret.h@mail.example",
        "tel": "07700900123", "street": "8 orchard road", "zip": "1222", "suffix": None}  # fmt: skip


def _table(*ids: str | None) -> pa.Table:
    """The same record under each of these ids."""
    schema = pa.schema([(name, pa.string()) for name in ("id", *_ANN)])
    return pa.Table.from_pylist([{"id": one, **_ANN} for one in ids], schema)


@pytest.mark.parametrize("ids", ["", "a", "ab", "abc"])
def test_tiny_files(ids: str) -> None:
    found = resolve_table(_table(*ids), _SCHEMA, rules=_RULES, secret=b"key")
    assert sorted(found.people.record_id) == list(ids) and found.summary["records"] == len(ids)


def test_bad_records_are_refused_with_words() -> None:
    for table, message in ((_table("a", "b", "a"), "repeat a id"), (_table("a", "b", None), "1 of")):
        with pytest.raises(ContractError, match=message):
            resolve_table(table, _SCHEMA, rules=_RULES, secret=b"key")
    with pytest.raises(ConfigError, match="'first'"):
        resolve_table(pa.table({"id": ["1"]}), _SCHEMA, rules=_RULES, secret=b"key")


def test_files_without_rows_or_of_one_name_are_refused(tmp_path: Path) -> None:
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"first": "given_name"}})
    files = [tmp_path / name for name in ("a/people.csv", "b/people.csv", "shop.csv")]
    for at, file in enumerate(files):
        file.parent.mkdir(exist_ok=True)
        file.write_text("id,first\n" + "7,ann\n" * (at > 0))
    empty, people, shop = map(str, files)
    with pytest.raises(ContractError, match=r"a/people\.csv: a header but no row"):
        read_records([empty], schema)
    (tmp_path / "bare.csv").write_text("id,first")
    with pytest.raises(ContractError, match=r"bare\.csv: a header but no row"):
        read_records([str(tmp_path / "bare.csv")], schema)
    with pytest.raises(ConfigError, match=r"b/people\.csv: another of the files is the source 'people' already"):
        read_records([empty, people], schema)
    told, named = read_records([empty, shop], schema)
    assert told.to_pylist() == [{"id": "7", "first": "ann", named.source: "shop"}]


def test_a_column_called_file_is_one_like_any_other(tmp_path: Path) -> None:
    """Tools that load files write such a column."""
    columns = {"first": "given_name", "_file": "categorical"}
    schema = RecordSchema.model_validate({"record_id": "id", "columns": columns})
    (tmp_path / "shop.csv").write_text("id,first,_file\n7,ann,upload\n")
    told, named = read_records([str(tmp_path / "shop.csv")], schema)
    assert told.to_pylist() == [{"id": "7", "first": "ann", "_file": "upload", named.source: "shop"}]
    assert resolve_table(told, named, rules=_RULES, secret=b"key").people["source"].tolist() == ["shop"]


def test_columns_may_be_typed() -> None:
    schema = RecordSchema.model_validate(
        {
            "record_id": "n",
            "columns": {"born": "birth_date", "at": "birth_date", "number": "street_number", "yes": "categorical"},
        }
    )
    table = pa.table({"n": pa.array([1, 2]), "born": [date(1980, 2, 3), None], "number": [12.0, float("nan")],
                      "at": pa.array([None, datetime(1981, 3, 4, 5)], pa.timestamp("ns")),
                      "yes": [True, None]})  # fmt: skip
    rows = text_frame(table, schema)[["born", "at", "number", "yes"]].to_numpy().tolist()
    assert rows == [["1980-02-03", None, "12", "true"], [None, "1981-03-04", None, None]]


def test_a_time_tells_the_day_where_it_was_taken_and_large_numbers_stay() -> None:
    midnight = datetime(1980, 1, 2, tzinfo=ZoneInfo("Europe/Berlin"))
    assert as_text(pa.chunked_array([pa.array([midnight, None])])).tolist() == ["1980-01-02", None]
    assert as_text(pa.chunked_array([pa.array([2.0**70, float("inf"), float("nan")])])).tolist()[1:] == ["inf", None]


def test_a_column_that_is_no_text_is_named() -> None:
    odd = pa.table({"id": ["1"], "tags": [["a", "b"]]})
    schema = RecordSchema.model_validate({"record_id": "id", "columns": {"tags": "free_text"}})
    with pytest.raises(ConfigError, match=r"column 'tags' is of type list<.*>: give it as text"):
        text_frame(odd, schema)
