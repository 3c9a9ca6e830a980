"""What a careful user does to the files before handing them to another tool: same names for same things, tidy values.

Runs in the peers' own environment, on pandas alone: nothing of `cdp` may help them or hinder them.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

_NULL_WORDS = {"", "null", "none", "nan", "n/a", "na", "unknown", "-", ".", "xxx"}
_DATES = {"yyyy": "%Y", "MMM": "%b", "MM": "%m", "dd": "%d", "d": "%d"}


def read_command() -> tuple[pd.DataFrame, Path]:
    """Read the command line (as of `cdp resolve`): the tidied records and the folder to write to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--schema", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    schema = yaml.safe_load(options.schema.read_text())
    read = [pd.read_csv(f, dtype=str, keep_default_na=False) for f in options.files]
    return tidy(pd.concat(read, ignore_index=True).fillna(""), schema), options.out


def write_people(records: pd.DataFrame, person_ids: pd.Series, out: Path) -> None:
    """people.parquet with the columns of `cdp resolve`."""
    out.mkdir(parents=True, exist_ok=True)
    people = records[["source", "record_id"]].assign(person_id=person_ids.astype(str).to_numpy())
    people.to_parquet(out / "people.parquet", index=False)


def tidy(raw: pd.DataFrame, schema: dict[str, Any]) -> pd.DataFrame:
    """Records with unique_id, source, record_id and one column a semantic type (a second of a type gets a number)."""
    source = raw[schema["source"]] if "source" in schema else pd.Series("", index=raw.index)
    done = pd.DataFrame({"unique_id": range(len(raw)), "source": source, "record_id": raw[schema["record_id"]]})
    for column, kind in schema["columns"].items():
        kind, formats = (kind["type"], kind.get("formats")) if isinstance(kind, dict) else (kind, None)
        values = raw[column].map(_clean)
        if kind == "birth_date":
            values = _dates(values, source, formats or ["yyyy-MM-dd"])
        elif kind == "phone":
            values = values.map(lambda v: re.sub(r"\D", "", v)[-9:] or None, na_action="ignore")
        name = kind
        while name in done:
            name += "_2"
        done[name] = values
    return _with_parts(done)


def _clean(value: str) -> str | None:
    text = " ".join(unicodedata.normalize("NFKC", value).lower().split())
    return None if text in _NULL_WORDS else text


def _dates(values: pd.Series, source: pd.Series, formats: list[str]) -> pd.Series:
    """ISO dates; each feed by the format that reads most of it first. What no format reads is null, and 1900-01-01."""
    done = pd.Series(None, index=values.index, dtype=object)
    patterns = [re.sub("yyyy|MMM|MM|dd|d", lambda m: _DATES[m.group()], f) for f in formats]
    for rows in source.groupby(source).groups.values():
        read = [values[rows].map(lambda text, p=p: _iso(text, p), na_action="ignore") for p in patterns]
        read.sort(key=lambda r: -r.notna().sum())
        for other in read:
            done[rows] = done[rows].where(done[rows].notna(), other)
    return done.where(done != "1900-01-01", None)


def _iso(text: str, pattern: str) -> str | None:
    """Not by pandas, whose times begin in 1677: parish registers are older."""
    try:
        return datetime.strptime(text, pattern).date().isoformat()
    except ValueError:
        return None


def _with_parts(records: pd.DataFrame) -> pd.DataFrame:
    """One form of name and address for all feeds: a full name split, a street and its number put together."""
    if "full_name" in records:
        names = records["full_name"].map(_split_name, na_action="ignore")
        for place, part in enumerate(("given_name", "family_name")):
            found = names.map(lambda n, p=place: n[p], na_action="ignore")
            records[part] = records[part].fillna(found) if part in records else found
        records = records.drop(columns="full_name")
    if "street_address" in records and "street" in records:
        whole = records["street_number"].fillna("") + " " + records["street"]
        records["street_address"] = records["street_address"].fillna(whole.str.strip())
        records = records.drop(columns=["street", "street_number"])
    return records.astype(object).where(records.notna(), None)


def _split_name(name: str) -> tuple[str | None, str | None]:
    if "," in name:
        family, _, given = name.partition(",")
        return given.strip() or None, family.strip() or None
    parts = [p for p in name.split() if p not in ("sir", "lord", "hon.", "mr", "mrs", "dr")]
    return (parts[0], parts[-1] if len(parts) > 1 else None) if parts else (None, None)
