"""The households of the lake: who lives together by what profiles say, under ids that stay."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa

from cdp.contracts.gold.household_members import HOUSEHOLD_MEMBERS
from cdp.identity.households import resolve_households

_TOLD = ("person_id", "family_name", "email", "phone", "street_address", "city", "region", "postcode", "country")
_HOME = {"street_address": "12 Mill Lane", "city": "Leeds", "postcode": "LS1 4AB"}
_AWAY = {"street_address": "3 High Street", "city": "York", "postcode": "YO1 7HH"}


def told(**people: dict[str, str]) -> pa.Table:
    """A row for each person, in the order given."""
    return pa.Table.from_pylist(
        [{"person_id": person, **says} for person, says in people.items()], pa.schema([(n, pa.string()) for n in _TOLD])
    )


NOTHING = pa.table({"household_id": pa.array([], pa.string()), "person_id": pa.array([], pa.string())})
FIRST = {
    "ann": {"family_name": "Hall", **_HOME},
    "bob": {"family_name": "Hall", **_HOME},
    "cy": {"family_name": "Hall", "phone": "+441132000001"},
    "dee": {"family_name": "Ng", **_AWAY},
    "eve": {"family_name": "Hall", "city": "Leeds"},
    "fay": {"family_name": "Reid", "phone": "+441132000001"},
    "gil": {"family_name": "Reid", **_HOME},
}


def homes(members: pa.Table) -> dict[str, set[str]]:
    """Household id -> its people."""
    found = defaultdict(set)
    for row in members.to_pylist():
        found[row["household_id"]].add(row["person_id"])
    return dict(found)


def test_people_of_one_address_are_one_household_and_everybody_is_of_one() -> None:
    members = resolve_households(told(**FIRST), NOTHING, b"key")
    assert sorted(map(sorted, homes(members).values())) == [["ann", "bob", "gil"], ["cy"], ["dee"], ["eve"], ["fay"]]
    n_people = dict.fromkeys(FIRST, 1) | dict.fromkeys(("ann", "bob", "gil"), 3)
    assert {r["person_id"]: r["n_people"] for r in members.to_pylist()} == n_people
    assert members.column_names == list(HOUSEHOLD_MEMBERS.column_names)
    assert all(home.startswith("h_") for home in homes(members))
    backwards = told(**dict(reversed(FIRST.items())))
    assert resolve_households(backwards, NOTHING, b"key").equals(members)


def test_a_household_keeps_its_id_while_most_of_its_people_stay() -> None:
    first = resolve_households(told(**FIRST), NOTHING, b"key")
    [home] = [h for h, people in homes(first).items() if "ann" in people]
    [of_dee] = [h for h, people in homes(first).items() if "dee" in people]
    moved = FIRST | {"cy": {"family_name": "Hall", **_HOME}, "ann": {"family_name": "Hall", **_AWAY}}
    later = homes(resolve_households(told(**moved), first, b"key"))
    assert (later[home], later[of_dee]) == ({"bob", "cy", "gil"}, {"ann", "dee"})
    assert len(later) == 4
    again = resolve_households(told(**moved), resolve_households(told(**moved), first, b"key"), b"key")
    assert homes(again) == later


def test_nobody_tells_of_a_home() -> None:
    assert resolve_households(told(), NOTHING, b"key").num_rows == 0
