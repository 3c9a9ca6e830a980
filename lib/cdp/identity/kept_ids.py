"""Ids of groups (accounts, households) that stay while most of what is in a group stays."""

from __future__ import annotations

import pandas as pd

from cdp.identity.person_ids import person_id


def kept_or_new_ids(
    groups: pd.DataFrame, before: pd.DataFrame, *, secret: bytes, prefix: str, kind: str
) -> dict[int, str]:
    """Group -> id: last night's of the group with which it shares most members, else one that nobody had before.

    groups: one row (group, member) each, members as text; the first of a group stands for it. before: rows (id, member)
    of last night. Among equals the smaller old id and the group of the smaller number win; each id is given once. A new
    id is `prefix` and an HMAC of `kind` and the group's first member, so that nobody can guess it.
    """
    shared = groups.merge(before, on="member").groupby(["group", "id"], as_index=False).size()
    shared = shared.sort_values(["size", "id", "group"], ascending=[False, True, True])
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for group, old in shared[["group", "id"]].itertuples(index=False):
        if group not in ids and old not in taken:
            ids[group] = old
            taken.add(old)
    taken |= set(before["id"])
    first = groups.drop_duplicates("group")
    for group, member in first[["group", "member"]].itertuples(index=False):
        if group not in ids:
            ids[group] = _new_id(prefix, f"{kind}\x1f{member}", taken, secret)
            taken.add(ids[group])
    return ids


def _new_id(prefix: str, what: str, taken: set[str], secret: bytes) -> str:
    salt = 0
    while (made := prefix + person_id(secret, what, salt).removeprefix("p_")) in taken:
        salt += 1
    return made
