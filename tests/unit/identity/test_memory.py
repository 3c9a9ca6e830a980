"""Night after night only what is new is scored, and the people are those of a run over everything."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cdp.identity.decisions import StewardDecisions
from cdp.identity.linkage import blocking, candidates, pairs
from cdp.identity.linkage.candidates import Past, is_due
from cdp.identity.linkage.fields import fields_for
from cdp.identity.memory import model_table, model_version, read_model, read_records, record_table
from cdp.identity.profile_records import build_profiles
from cdp.identity.record_matches import Matches, match_profiles

from .test_record_matches import ANN, RULES, STORY, crowd, person_of, run, table, version

Rows = list[dict[str, Any]]
KEY = b"a key of the tests"


class Lake:
    """Nights that leave their memory to the next one, through the rows of both tables."""

    def __init__(self, model: pa.Table | None = None) -> None:
        self.model, self.records = model, None

    def past(self, record_ids: Any) -> Past | None:
        if self.model is None:
            return None
        if self.records is None:  # only the model is known, and none of the records
            return read_records(_NO_RECORDS, self.model, record_ids)
        return read_records(self.records, self.model, record_ids)

    def night(self, rows: Rows) -> Matches:
        profiles = build_profiles(table(rows), RULES)
        assert profiles is not None
        ids = profiles.frame["record_id"]
        found = match_profiles(profiles, rules=RULES, decisions=StewardDecisions(), past=self.past(ids), secret=KEY)
        self.model = model_table(found.linked.weighed.learned, "code and rules")
        self.records = record_table(found.linked.weighed, ids, model_version(self.model))
        return found


_FIRST = run([*crowd()[:40], *STORY], StewardDecisions())
_NO_RECORDS = record_table(_FIRST.linked.weighed, _FIRST.profiles.frame["record_id"], "none").slice(0, 0)


@pytest.fixture
def kept_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that many are above the cap, and a model that is never learned anew."""
    monkeypatch.setattr(candidates, "MOST_CHANGED", 1.0)
    for module in (blocking, pairs):
        monkeypatch.setattr(module, "BLOCK_CAP", 6)


def assert_same(found: Matches, whole: Matches) -> None:
    """The same people for the same reasons."""
    assert found.person.tolist() == whole.person.tolist()
    mine, theirs = found.linked.weighed, whole.linked.weighed
    for side in ("left", "right", "weight"):
        assert np.array_equal(getattr(mine.pairs, side), getattr(theirs.pairs, side)), side
    assert np.array_equal(mine.hits, theirs.hits) and found.linked.threshold == whole.linked.threshold


@pytest.mark.usefixtures("kept_model")
@pytest.mark.parametrize("seed", [1, 2])
def test_three_deliveries_with_changes_and_deletions_give_the_people_of_a_run_over_everything(seed: int) -> None:
    draw, rows, lake = np.random.default_rng(seed), [*crowd()[:150], *STORY], Lake()
    order = draw.permutation(len(rows)).tolist()
    held: Rows = []
    for night, delivery in enumerate((order[:90], order[90:130], order[130:])):
        gone = set(draw.choice(len(held), 8, replace=False).tolist()) if held else set()
        held = [row for at, row in enumerate(held) if at not in gone] + [rows[at] for at in delivery]
        for at in draw.choice(len(held), 6, replace=False).tolist() if night else ():
            other = held[at - 1]
            held[at] = {**held[at], "given_name": other["given_name"], "identifiers": other["identifiers"]}
        found = lake.night(held)
        whole = Lake(lake.model).night(held)
        assert_same(found, whole)
        assert found.linked.weighed.is_anew == (night == 0) and not whole.linked.weighed.is_anew
        if night:
            assert 0 < found.linked.weighed.n_scored < whole.linked.weighed.n_scored
    again = lake.night(held)
    assert_same(again, whole)
    assert len(again.linked.weighed.pairs.left) > 50 and any(rule.capped.any() for rule in again.linked.weighed.blocks)


@pytest.mark.usefixtures("kept_model")
def test_a_night_without_news_scores_next_to_nothing() -> None:
    lake, rows = Lake(), [*crowd()[:100], *STORY]
    first = lake.night(rows)
    again = lake.night(rows[::-1])
    assert_same(again, first)
    assert again.linked.weighed.n_scored < 0.01 * first.linked.weighed.n_scored


def test_small_news_keep_the_model_and_nearly_all_people_of_a_model_of_its_own() -> None:
    lake, rows = Lake(), [*crowd(), *STORY]
    for n_rows in (-16, -8, len(rows)):
        found = lake.night(rows[:n_rows])
    assert not found.linked.weighed.is_anew
    own = run(rows, StewardDecisions())
    together = [p.person[:, None] == p.person[None, :] for p in (found, own)]
    n = len(found.person)
    both, mine, theirs = (int((t.sum() - n) // 2) for t in (together[0] & together[1], *together))
    assert both > 80 and 2 * both / (mine + theirs) >= 0.995


@pytest.mark.usefixtures("kept_model")
def test_a_deleted_record_splits_what_it_held_together_and_nothing_else() -> None:
    lake, rows = Lake(), [*crowd()[:100], *STORY]
    bare = {**ANN, "birth_date": None}
    # two records that only a third one ties: each shares an address of its own with it, and no name to speak of
    rows += [version("crm:x", 1, "email=x@mail.example", "phone=+447700900555", **bare | {"family_name": "abernathy"}),
             version("web:x", 1, "email=x@mail.example", given_name="margaret"),
             version("tel:x", 1, "phone=+447700900555", given_name="margaret")]  # fmt: skip
    before = person_of(lake.night(rows))
    assert before["web:x"] == before["crm:x"] == before["tel:x"]
    rest = [row for row in rows if row["record_id"] != "crm:x"]
    found = lake.night(rest)
    after = person_of(found)
    assert after["web:x"] != after["tel:x"]
    assert_same(found, Lake(lake.model).night(rest))
    assert _groups(before) - _groups(after) == {frozenset({"crm:x", "web:x", "tel:x"})}


def _groups(person: dict[str, int]) -> set[frozenset[str]]:
    return {frozenset(r for r, p in person.items() if p == one) for one in set(person.values())}


@pytest.mark.usefixtures("kept_model")
def test_a_changed_record_is_scored_again() -> None:
    lake, rows = Lake(), [*crowd()[:100], *STORY]
    before = person_of(lake.night(rows))
    assert before["shop:ann"] == before["crm:ann"]
    other = {"given_name": "wilfred", "family_name": "ostrander", "birth_date": date(1931, 1, 3)}
    moved = version("shop:ann", 9, "email=wil@mail.example", **other, postcode="1999", street_address="1 far hill")
    found = lake.night([*(row for row in rows if row["record_id"] != "shop:ann"), moved])
    after = person_of(found)
    assert after["shop:ann"] != after["crm:ann"] and found.linked.weighed.n_scored > 0


def test_the_model_is_learned_anew_when_it_no_longer_fits() -> None:
    lake, rows = Lake(), [*crowd()[:100], *STORY]
    found = lake.night(rows)
    past, parts = lake.past(found.profiles.frame["record_id"]), found.linked.parts
    assert past is not None
    fields, keys = fields_for(parts, RULES.nicknames), blocking.block_keys(parts, RULES.nicknames)
    same = np.ones(len(past.marks), bool)
    assert not is_due(past, same, fields, keys)
    assert is_due(past, same, fields[1:], keys) and is_due(past, same, fields, {})
    assert not is_due(past, np.arange(len(same)) >= len(same) // 20, fields, keys)
    assert is_due(past, np.arange(len(same)) >= len(same) // 8, fields, keys)
    assert lake.night(rows[: len(rows) * 3 // 4]).linked.weighed.is_anew  # a quarter is gone


def test_what_was_learned_comes_back_from_its_rows() -> None:
    lake = Lake()
    learned = lake.night([*crowd()[:100], *STORY]).linked.weighed.learned
    assert lake.model is not None
    turned = lake.model.take(np.random.default_rng(3).permutation(lake.model.num_rows))
    back = read_model(turned)
    assert (back.rules, back.n_records, back.initial_bits) == (learned.rules, learned.n_records, learned.initial_bits)
    assert (back.model.fields, back.model.level_names, back.model.shares) == (
        learned.model.fields, learned.model.level_names, dict(learned.model.shares))  # fmt: skip
    for kind, rates in learned.model.rates.items():
        assert all(np.array_equal(a, b) for a, b in zip(back.model.rates[kind], rates, strict=True)), kind
    for name, counted in learned.frequencies.items():
        mine = back.frequencies[name]
        assert np.array_equal(mine.marks, counted.marks) and np.array_equal(mine.counts, counted.counts), name
        assert (mine.n_held, mine.n_values) == (counted.n_held, counted.n_values)
    assert model_version(turned) == model_version(lake.model)
    assert not any("smith" in str(row).lower() for row in turned.to_pylist()), "no value of a record stands there"
