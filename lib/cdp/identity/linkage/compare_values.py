"""How two identifiers, or two values in words, agree."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from cdp.identity.linkage.levels import Levels, Rows, both_known, start_levels
from cdp.identity.linkage.parts import Part, Parts
from cdp.identity.linkage.similarity import edits, on_distinct_pairs, token_overlap
from cdp.identity.linkage.text import Codes


def compare_identifier(parts: Parts, left: Rows, right: Rows, name: str, n_levels: int) -> Levels:
    """The best agreement of any value of one with any of the other."""
    part = parts[name]
    best = np.full(len(left), 99, np.int8)
    for i in range(part.codes.shape[1]):
        for j in range(part.codes.shape[1]):
            a, b = part.codes[left, i], part.codes[right, j]
            level = np.where((a < 0) | (b < 0), 99, np.where(a == b, 1, n_levels)).astype(np.int8)
            if n_levels == 3:
                at = np.flatnonzero((level == n_levels) & (best > 2))
                is_close = on_distinct_pairs(part.values, a[at], b[at], _one_slip)
                if name == "email":
                    is_close |= _same_local_part(parts, a[at], b[at])
                level[at[is_close]] = 2
            best = np.minimum(best, level)
    return np.where(best == 99, 0, best).astype(np.int8)


def _one_slip(x: npt.NDArray[np.object_], y: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    return edits(x, y) <= 1


def _same_local_part(parts: Parts, a: Codes, b: Codes) -> npt.NDArray[np.bool_]:
    """Whether two addresses differ only in a +tag, or in the domain of a local part that tells more than a name.

    Namesakes have j.smith with one provider each: that agrees because their names do.
    """
    part = parts["email"]
    local = part.groups_of("local part", _local_part)
    domain = part.groups_of("domain", lambda v: v.split("@")[1])
    names = {word for p in ("given", "family") if p in parts for value in parts[p].values for word in value.split()}
    is_own = part.of_values("own local part", lambda v: int(len(_local_part(v)) > 5 and not _is_name(v, names)))
    return (local[a] == local[b]) & ((domain[a] == domain[b]) | (is_own[a] == 1))


def _is_name(email: str, names: set[str]) -> bool:
    """Whether a local part is made of names and initials, with two digits at most."""
    local = _local_part(email)
    words = re.findall(r"[^\W\d_]+", local)
    return sum(c.isdigit() for c in local) <= 2 and all(
        any(all(len(w) < 2 or w in names for w in (word[:at], word[at:])) for at in range(len(word))) for word in words
    )


def _local_part(email: str) -> str:
    return email.split("@")[0].split("+")[0]


def compare_words(part: Part, left: Rows, right: Rows, kind: str) -> Levels:
    level = start_levels(part, left, right, 3)
    a, b, at = both_known(part, left, right)
    limit = 0.6 if kind == "free_text" else 0.85
    level[at] = np.where(on_distinct_pairs(part.values, a, b, token_overlap) >= limit, 2, 3)
    return level
