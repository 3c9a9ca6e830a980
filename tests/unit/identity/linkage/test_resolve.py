"""The whole engine on small made files: who is one person, who is not, and that order does not matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cdp.identity.linkage.resolve import Resolution, resolve_records, resolve_table
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.rules import GenericPattern, IdentityRules, Policy

_RULES = IdentityRules(
    links={"email": {"probability": 0.9, "max_people": 1}}, known_types=(),
    nicknames={"bob": "robert", "peggy": "margaret"},
    generic_patterns=(GenericPattern(types=("email",), pattern="^info@", reason="role address"),),
)  # fmt: skip
_SCHEMA = RecordSchema.model_validate({
    "record_id": "id", "columns": {"first": "given_name", "last": "family_name", "born": "birth_date", "mail": "email",
                                    "tel": "phone", "street": "street_address", "zip": "postcode",
                                    "suffix": "name_suffix"},
})  # fmt: skip
_GIVEN = [
    "james", "mary", "robert", "linda", "david", "susan", "peter", "karen", "george", "nancy", "frank", "helen",
    "edward", "laura", "henry", "alice", "arthur", "julia", "walter", "emma", "oscar", "clara", "louis", "grace",
    "hugo", "irene", "felix", "doris", "simon", "edith",
]  # fmt: skip
_NAMES = [
    "smith", "jones", "taylor", "brown", "wilson", "evans", "thomas", "walker", "white", "green", "hall", "wood",
    "harris", "clarke", "jackson", "turner", "hill", "scott", "cooper", "morris", "ward", "moore", "king", "baker",
    "harvey", "palmer", "mills", "stone", "webb", "fox",
]  # fmt: skip
_FAMILY = [name + end for name in _NAMES for end in ("", "son", "ley", "ford")]
_DRAW = np.random.default_rng(3)


def _person(number: int) -> dict[str, Any]:
    first, last = _GIVEN[_DRAW.integers(30)], _FAMILY[_DRAW.integers(120)]
    born = f"{_DRAW.integers(1940, 2005)}-{_DRAW.integers(1, 13):02d}-{_DRAW.integers(1, 29):02d}"
    return {"first": first, "last": last, "born": born, "mail": f"{first}.{last}{number}@mail.example",
            "tel": f"07{_DRAW.integers(10**8, 10**9)}", "zip": f"{_DRAW.integers(1000, 1400)}", "suffix": None,
            "street": f"{_DRAW.integers(1, 300)} {_FAMILY[_DRAW.integers(120)]} road"}  # fmt: skip


@pytest.fixture(scope="module")
def crowd() -> list[dict[str, Any]]:
    """600 people, every second one with a second, changed record, every third one with somebody of their family."""
    rows = []
    for number in range(600):
        person = _person(number)
        rows.append({**person, "id": f"c{number}-0"})
        if number % 3 == 0:
            shared = {name: person[name] for name in ("last", "tel", "street", "zip")}
            relative = {**_person(1000 + number), **shared, "id": f"c{1000 + number}-0"}
            rows.append({**relative, "first": _GIVEN[(_GIVEN.index(person["first"]) + 7) % 30]})
        if number % 2:
            again = dict(person)
            for name in ("mail", "tel", "street", "born"):
                if _DRAW.random() < 0.25:
                    again[name] = None
            if _DRAW.random() < 0.2:
                again["last"] = again["last"][:-1] + "x"
            rows.append({**again, "id": f"c{number}-1"})
    return rows


def _resolve(rows: list[dict[str, Any]]) -> Resolution:
    return resolve_table(pa.Table.from_pylist(rows), _SCHEMA, rules=_RULES, secret=b"key")


def _groups(found: Resolution, *ids: str) -> int:
    """How many people these records are."""
    people = found.people.set_index("record_id")["person_id"]
    return len({people[one] for one in ids})


_ANN = {"first": "margaret", "last": "holloway", "born": "1971-05-17", "mail": "margaret.h@mail.example",
        "tel": "07700900123", "street": "8 orchard road", "zip": "1222"}  # fmt: skip
_TRAPS: dict[str, tuple[list[dict[str, Any]], int]] = {
    "typo": ([_ANN, {**_ANN, "last": "hollowey", "mail": None}], 1),
    "nickname": ([_ANN, {**_ANN, "first": "Peggy", "tel": None}], 1),
    "day and month swapped": ([{**_ANN, "born": "1971-03-07"}, {**_ANN, "born": "1971-07-03"}], 1),
    "names swapped": ([_ANN, {**_ANN, "first": "holloway", "last": "margaret"}], 1),
    "married": ([_ANN, {**_ANN, "last": "brooks"}], 1),
    "moved": ([_ANN, {**_ANN, "street": "77 station road", "zip": "1313"}], 1),
    "new tenant": ([_ANN, {**_person(9001), "street": _ANN["street"], "zip": _ANN["zip"]}], 2),
    "twins": ([_ANN, {**_ANN, "first": "catherine", "mail": "cat.h@mail.example"}], 2),
    "father and son": ([{**_ANN, "first": "robert", "mail": None},
                        {**_ANN, "first": "robert", "born": "1996-11-02", "mail": None}], 2),
    "couple with one mailbox": ([_ANN, {**_ANN, "first": "william", "born": "1969-01-30"}], 2),
    "recycled phone": ([_ANN, {**_person(9002), "tel": _ANN["tel"]}], 2),
    "nothing but words for nothing": ([{**dict.fromkeys(_ANN, "unknown"), "born": "1900-01-01"}] * 2, 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def resolved(crowd: list[dict[str, Any]]) -> Resolution:
    rows = list(crowd)
    for at, (records, _) in enumerate(_TRAPS.values()):
        stamped = {"last": None, "mail": None, "tel": None, "street": None}
        for number, record in enumerate(records):
            own = dict(record)
            # every trap gets names and numbers of its own, so that traps do not meet
            for name, text in stamped.items():
                if text is None and own.get(name) in (_ANN[name],) and name == "tel":
                    own[name] = own[name][:-2] + f"{at:02d}"
                elif own.get(name) == _ANN[name]:
                    own[name] = {"last": f"{own[name]}", "mail": f"t{at}{own[name]}", "street": f"{at}{own[name]}"}[
                        name
                    ]
            rows.append({**own, "id": f"trap{at}-{number}"})
    rows += [{**_person(8000 + i), "tel": "0555123789", "id": f"kiosk{i}"} for i in range(60)]
    rows += [{**_person(8100 + i), "mail": "info@shop.example", "id": f"role{i}"} for i in range(12)]
    same = _person(8200)
    rows += [{**same, "id": f"same{i:02d}"} for i in range(30)]
    many = _person(8201)
    rows += [{**many, "id": f"many{i:03d}"} for i in range(300)]
    rows += [{**_person(8300 + i), "last": "smith", "id": f"smith{i}"} for i in range(60)]
    rows += [{"first": "j", "last": "smith", "id": f"bare{i}"} for i in range(6)]
    return _resolve(rows)


@pytest.mark.parametrize("trap", list(_TRAPS))
def test_traps(resolved: Resolution, trap: str) -> None:
    at = list(_TRAPS).index(trap)
    assert _groups(resolved, f"trap{at}-0", f"trap{at}-1") == _TRAPS[trap][1]


def test_generic_values_join_nobody_and_are_told(resolved: Resolution) -> None:
    assert _groups(resolved, *[f"kiosk{i}" for i in range(60)]) == 60
    assert _groups(resolved, *[f"role{i}" for i in range(12)]) == 12
    told = {(g["type"], g["value"]): g["reason"] for g in resolved.summary["generic_values"]}
    assert told["email", "info@shop.example"] == "role address"
    assert "people, limit" in told["phone", "555123789"]


def test_equal_records_are_one_and_bare_ones_are_not(resolved: Resolution) -> None:
    assert _groups(resolved, *[f"same{i:02d}" for i in range(30)]) == 1
    assert _groups(resolved, *[f"many{i:03d}" for i in range(300)]) == 1
    assert _groups(resolved, *[f"bare{i}" for i in range(6)]) == 6


def test_the_crowd_is_found_without_false_pairs(resolved: Resolution) -> None:
    people = resolved.people[resolved.people.record_id.str.startswith("c")]
    who = people.record_id.str.split("-").str[0]
    assert people.groupby("person_id").record_id.apply(lambda ids: ids.str.split("-").str[0].nunique()).max() == 1
    assert who.groupby(people.person_id).size().gt(1).sum() > 0.9 * 300


def test_outputs_are_whole(resolved: Resolution) -> None:
    people, links = resolved.people, resolved.links
    assert not people.isna().to_numpy().any() and not people.duplicated(["source", "record_id"]).any()
    assert people.groupby("person_id").household_id.nunique().max() == 1
    assert (links.weight > resolved.summary["threshold_bits"]).all() and links.probability.between(0.5, 1).all()
    told = list(resolved.explanations())
    sizes = people.groupby("person_id").size()
    assert {t["person_id"] for t in told} >= set(sizes[sizes > 1].index)
    for one in told:
        assert len(one["links"]) == len(one["records"]) - 1 or len(one["records"]) > 200
        for link in one["links"]:
            assert sum(s["bits"] for s in link["evidence"]) == pytest.approx(link["weight"], abs=0.1) or link[
                "weight"
            ] in (-20, 40)
    json.dumps(resolved.summary, allow_nan=False)


def test_twins_live_in_one_household(resolved: Resolution) -> None:
    at = list(_TRAPS).index("twins")
    homes = resolved.people.set_index("record_id").household_id
    assert homes[f"trap{at}-0"] == homes[f"trap{at}-1"]


def test_the_order_of_the_records_does_not_matter(crowd: list[dict[str, Any]]) -> None:
    first = _resolve(crowd)
    mixed = [crowd[i] for i in np.random.default_rng(5).permutation(len(crowd))]
    second = _resolve(mixed)
    assert first.people.equals(second.people) and first.links.equals(second.links)
    assert list(first.explanations()) == list(second.explanations())


@pytest.mark.parametrize("columns", [{"first": "full_name"}, {"mail": "email"}, {"born": "birth_date"},
                                     {"last": "family_name", "mail": "email", "first": "categorical"},
                                     {"street": "free_text"}, {"zip": "postcode"}, {"suffix": "sex"}])  # fmt: skip
def test_any_mix_of_columns_works(crowd: list[dict[str, Any]], columns: dict[str, str]) -> None:
    schema = RecordSchema.model_validate({"record_id": "id", "columns": columns})
    found = resolve_table(pa.Table.from_pylist(crowd), schema, rules=_RULES, secret=b"key")
    assert len(found.people) == len(crowd) and found.people.person_id.notna().all()
    if columns == {"mail": "email"}:
        assert found.people.person_id.nunique() < len(crowd) - 150


def test_records_that_chance_makes_equal_are_not_one_person(crowd: list[dict[str, Any]]) -> None:
    rows = [{"id": row["id"], "sex": "mf"[at % 2], "first": _GIVEN[at % 3]} for at, row in enumerate(crowd)]
    for columns in ({"sex": "sex"}, {"first": "given_name"}, {"sex": "sex", "first": "given_name"}):
        schema = RecordSchema.model_validate({"record_id": "id", "columns": columns})
        found = resolve_table(pa.Table.from_pylist(rows), schema, rules=_RULES, secret=b"key")
        assert found.people.person_id.nunique() == len(rows)
    same = [{**_ANN, "suffix": None, "id": str(at)} for at in range(300)]
    assert _resolve(same).people.person_id.nunique() == 1


def test_a_spark_frame_gives_what_a_table_gives(spark: SparkSession, crowd: list[dict[str, Any]]) -> None:
    schema = RecordSchema.model_validate(
        {"record_id": "id", "source": "zip", "columns": {"first": "given_name", "last": "family_name", "mail": "email"}}
    )
    table = pa.Table.from_pylist([{k: row[k] for k in ("id", "zip", "first", "last", "mail")} for row in crowd])
    plain = resolve_table(table, schema, rules=_RULES, secret=b"key")
    frame = spark.createDataFrame(table.to_pandas()).repartition(3)
    assert resolve_records(frame, schema, rules=_RULES, secret=b"key").people.equals(plain.people)
    assert set(plain.people.source) == {row["zip"] for row in crowd}


def test_columns_may_have_any_name(crowd: list[dict[str, Any]]) -> None:
    rows = [
        {"source": row["first"], "record_id": row["last"], "person_id": row["mail"], "id": row["id"]} for row in crowd
    ]
    schema = RecordSchema.model_validate(
        {"record_id": "id", "columns": {"source": "given_name", "record_id": "family_name", "person_id": "email"}}
    )
    found = resolve_table(pa.Table.from_pylist(rows), schema, rules=_RULES, secret=b"key")
    assert set(found.people.record_id) == {row["id"] for row in crowd}
    assert found.people.person_id.nunique() < len(crowd) - 150


def test_the_command_writes_its_four_files(crowd: list[dict[str, Any]], tmp_path: Path) -> None:
    import pandas as pd
    from rich.console import Console

    from cdp.cli import build_parser

    pd.DataFrame(crowd).to_csv(tmp_path / "shop.csv", index=False)
    (tmp_path / "schema.yaml").write_text(
        "record_id: id\ncolumns:\n  first: given_name\n  last: family_name\n  mail: email\n"
    )
    out = tmp_path / "out"
    options = build_parser().parse_args(["resolve", "--schema", str(tmp_path / "schema.yaml"), "--out", str(out),
                                         str(tmp_path / "shop.csv")])  # fmt: skip
    assert options.action(options, Console(quiet=True)) == 0
    people = pd.read_parquet(out / "people.parquet")
    assert list(people.columns) == ["source", "record_id", "person_id", "household_id"] and set(people.source) == {
        "shop"
    }
    assert {"record_a", "record_b", "weight", "probability", "evidence"} <= set(
        pd.read_parquet(out / "links.parquet").columns
    )
    assert json.loads((out / "summary.json").read_text())["records"] == len(crowd)
    assert all(json.loads(line)["person_id"] for line in (out / "explain.jsonl").read_text().splitlines())


def test_policy_keeps_apart_what_evidence_would_join_and_tells_it(crowd: list[dict[str, Any]]) -> None:
    house = {"first": "walter", "last": "ashdown", "tel": "07123456789", "street": "3 elm road", "zip": "1200"}
    born = {"old": "1950-09-21", "old2": "1950-09-12", "young": "1961-03-07", "vague": "1950"}
    men = [{**house, "mail": "w.ashdown@mail.example", "suffix": None, "born": born[n], "id": n} for n in born]
    mails = [
        {
            **_person(5000),
            "id": f"m{n}",
            "born": "1961-05-17",
            "zip": "1222",
            "first": "edith",
            "last": "foxley",
            "tel": "07999888777",
            "street": "9 oak road",
            "mail": f"post{n}@mail.example",
        }
        for n in range(4)
    ]
    table = pa.Table.from_pylist([*crowd, *men, *mails])
    policy = Policy.model_validate({"one_value": ["birth_date"], "at_most": {"email": {"values": 3, "days": 365}}})
    free, held = (
        resolve_table(table, _SCHEMA, rules=rules, secret=b"key")
        for rules in (_RULES, _RULES.model_copy(update={"policy": policy}))
    )
    person = held.people.set_index("record_id")["person_id"]
    assert person["old"] == person["old2"] == person["vague"] != person["young"]
    freely = free.people.set_index("record_id")["person_id"]
    assert freely["old"] == freely["young"] and free.summary["refused_by_policy"] == {}
    assert len({freely[f"m{n}"] for n in range(4)}) == 1
    assert sorted(person[[f"m{n}" for n in range(4)]].value_counts().tolist()) == [1, 3]
    told = held.summary["refused_by_policy"]
    assert [rule.split(":")[0] for rule in told] == ["policy at_most", "policy one_value"]
    cuts = next(e for e in held.explanations() if e["person_id"] == person["young"])["cut"]
    assert {cut["why"] for cut in cuts} == {list(told)[1]}
