"""What a person's records stated besides the values that were chosen: the history behind the golden record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cdp.profiles.survivorship import PROFILE_COLUMNS


def values_of(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Attribute and value of all that a row of customer records or profiles states; keys as `attributes.<key>`."""
    for column in PROFILE_COLUMNS:
        if row.get(column) not in (None, ""):
            yield column, row[column]
    for key, value in json.loads(row.get("attributes") or "{}").items():
        yield f"attributes.{key}", value


def other_statements(versions: Iterable[Mapping[str, Any]], profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What versions of customer records say that the profile does not: attribute, value, source, record_id, valid_from.

    By attribute, then newest first; a value that a record repeats from version to version is there once, with its
    newest time. Capital letters make no difference, as for the confidence.
    """
    chosen = {attribute: _plain(value) for attribute, value in values_of(profile)}
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for version in sorted(versions, key=lambda v: v["valid_from"]):
        for attribute, value in values_of(version):
            if _plain(value) != chosen.get(attribute):
                said = {"attribute": attribute, "value": value}
                said |= {name: version[name] for name in ("source", "record_id", "valid_from")}
                found[attribute, _plain(value), version["record_id"]] = said
    newest_first = sorted(found.values(), key=lambda said: (said["valid_from"], said["record_id"]), reverse=True)
    return sorted(newest_first, key=lambda said: str(said["attribute"]))


def _plain(value: object) -> str:
    return str(value).strip().lower()
