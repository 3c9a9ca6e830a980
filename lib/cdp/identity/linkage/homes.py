"""Households: people who live at one address or share what only a household shares; never fed back into people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdp.identity.linkage.clusters import component_labels
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.parts import Part, Parts

#: More people than this behind one address and it is a home for the aged, a dormitory or a tower without unit numbers.
LARGEST_HOUSEHOLD = 8


def household_labels(parts: Parts, person: Rows) -> Rows:
    """The household of each record, as the smallest record number in it; people without such ties are alone.

    People are of one household who share a full address (street, number and place) and, where more than two family
    names meet there, the family name too; or a phone and the family name.
    """
    ties = []
    if "premises" in parts:
        ties.append(_ties(parts["premises"], None, person))
    if "family" in parts:
        ties += [
            _ties(parts[name], parts["family"], person) for name in ("phone", "email", "premises") if name in parts
        ]
    if not ties:
        return person.copy()
    left, right = (np.concatenate(side) for side in zip(*ties, strict=True))
    return component_labels(len(person), person[left], person[right])[person]


def _ties(part: Part, also: Part | None, person: Rows) -> tuple[Rows, Rows]:
    """Neighbouring people of each value (and second value), where no more than a household's worth have it."""
    rows, places = np.nonzero(part.codes >= 0)
    frame = pd.DataFrame({"value": part.codes[rows, places].astype(np.int64), "person": person[rows]})
    if also is not None:
        frame["value"] = np.where(also.first[rows] >= 0, frame["value"] * (len(also.values) + 1) + also.first[rows], -1)
        frame = frame[frame["value"] >= 0]
    frame = frame.drop_duplicates().sort_values(["value", "person"])
    n = frame.groupby("value")["person"].transform("size")
    limit = LARGEST_HOUSEHOLD if also is not None else LARGEST_HOUSEHOLD - 2
    frame = frame[(n > 1) & (n <= limit)]
    values, people = frame["value"].to_numpy(), frame["person"].to_numpy()
    same = np.flatnonzero(values[1:] == values[:-1]) if len(values) else np.empty(0, np.int64)
    return people[same], people[same + 1]
