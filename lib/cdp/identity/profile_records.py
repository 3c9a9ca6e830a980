"""The records that tell who somebody is, in the form in which the linkage engine compares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
from pyspark.sql import functions as F

from cdp.identity.graph import RECORD, node_number
from cdp.identity.linkage.resolve import as_text
from cdp.identity.linkage.schema import ColumnMeaning, RecordSchema, SemanticType
from cdp.identity.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: What the columns of silver.customer_records mean; the rest of them tell nobody from another.
MEANING: Mapping[str, SemanticType] = {
    "given_name": "given_name", "middle_name": "middle_name", "family_name": "family_name",
    "name_suffix": "name_suffix", "birth_date": "birth_date", "gender": "sex", "street_address": "street_address",
    "city": "city", "region": "region", "postcode": "postcode", "country": "country", "job_title": "occupation",
    "employer": "employer", "organisation_name": "organisation_name",
}  # fmt: skip
#: Identifier types that are not a person's accounts; a household's or a company's key says nothing of one person.
_IDENTIFIER_MEANING: Mapping[str, SemanticType | None] = {
    "email": "email", "phone": "phone", "national_id": "national_id", "anonymous_id": "device_id",
    "household_key": None, "account_id": None,
}  # fmt: skip
_ORDER = ("valid_from", "change_no")  # of two versions of a record the greater is the newer one
_MOST_VALUES = 6  # of one identifier type in one record, the latest ones


@dataclass(frozen=True)
class Profiles:
    """Profile records, sorted by source and record id.

    frame: one row per record, all columns as text but `node`, its number in the identity graph, and `known_from`, when
    the company first knew of it; changed_on is the day of its newest version. schema: what its other columns mean.
    """

    frame: pd.DataFrame
    schema: RecordSchema


def select_profiles(customer_records: DataFrame) -> DataFrame:
    """All versions of the customer records that name somebody, with no more than matching looks at."""
    return customer_records.filter("given_name IS NOT NULL OR family_name IS NOT NULL").select(
        "record_id",
        "source",
        *_ORDER,
        "received_at",
        node_number(F.lit(RECORD), F.col("record_id")).alias("node"),
        *MEANING,
        "identifiers",
    )


def build_profiles(versions: pa.Table, rules: IdentityRules) -> Profiles | None:
    """One row per record from all its versions; None where there are fewer than two records.

    What describes a person is of the newest version; of each identifier type that joins records the latest values of
    all versions count, each in a column of its own.
    """
    frame = versions.select(["record_id", "source", *_ORDER, "received_at", "node"]).to_pandas()
    for name in MEANING:
        frame[name] = as_text(versions[name])
    order = frame.sort_values(["source", "record_id", *_ORDER])
    newest = order.drop_duplicates("record_id", keep="last").drop(columns=[*_ORDER, "received_at"])
    if len(newest) < 2:
        return None
    newest = newest.set_index("record_id", drop=False)
    newest["changed_on"] = frame.groupby("record_id")["valid_from"].max().dt.strftime("%Y-%m-%d")
    newest["known_from"] = frame.groupby("record_id")["received_at"].min()
    columns: dict[str, SemanticType] = {n: m for n, m in MEANING.items() if newest[n].notna().any()}
    for (name, meaning), values in _identifier_columns(versions, frame, rules):
        newest[name] = values.reindex(newest.index).astype(object)
        newest[name] = newest[name].where(newest[name].notna(), None)
        columns[name] = meaning
    schema = RecordSchema(
        record_id="record_id",
        source="source",
        updated_at="changed_on",
        columns={n: ColumnMeaning(type=m) for n, m in columns.items()},
    )
    return Profiles(newest.reset_index(drop=True).sort_values(["source", "record_id"], ignore_index=True), schema)


def _identifier_columns(
    versions: pa.Table, frame: pd.DataFrame, rules: IdentityRules
) -> list[tuple[tuple[str, SemanticType], pd.Series]]:
    """((name, meaning), record_id -> value) of each column of identifier values."""
    lists = versions["identifiers"].combine_chunks()
    parent = pa.compute.list_parent_indices(lists).to_numpy()
    held = pd.DataFrame(
        {
            "record_id": frame["record_id"].to_numpy()[parent],
            "valid_from": frame["valid_from"].to_numpy()[parent],
            "type": lists.flatten().field("type").to_pandas().to_numpy(object),
            "value": lists.flatten().field("value").to_pandas().to_numpy(object),
        }
    )
    held = held[held["type"].isin(sorted(rules.links)) & held["value"].notna()]
    order = held.sort_values(["type", "record_id", "valid_from", "value"], ascending=[True, True, False, True])
    order = order.drop_duplicates(["type", "record_id", "value"])
    order["place"] = order.groupby(["type", "record_id"]).cumcount()
    found: list[tuple[tuple[str, SemanticType], pd.Series]] = []
    for (kind, place), rows in order[order["place"] < _MOST_VALUES].groupby(["type", "place"]):
        meaning = _IDENTIFIER_MEANING.get(kind, "account_id")
        if meaning is not None:
            values = rows.set_index("record_id")["value"]
            # accounts of different kinds are numbered from 1 each
            found.append(((f"{kind} {place}", meaning), kind + ":" + values if meaning == "account_id" else values))
    return found
