"""Rows as the tables of a night give them: plain data, nulls left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
Rows = list[Row]


def by_fields(facts: Iterable[Any]) -> tuple[Any, ...]:
    """Facts in the order of their fields, as the rows come in any."""
    return tuple(sorted(facts, key=lambda fact: list(vars(fact).values())))
