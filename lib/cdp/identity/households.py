"""The households of the lake: the people of one home, under ids that stay the same from night to night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import functions as F

from cdp.identity.kept_ids import kept_or_new_ids
from cdp.identity.linkage.homes import household_labels
from cdp.identity.linkage.parts import build_parts
from cdp.identity.linkage.resolve import as_text
from cdp.identity.linkage.schema import RecordSchema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Columns of gold.profiles that say with whom somebody lives; each is called as what it means.
TELLING = ("family_name", "email", "phone", "street_address")
_COLUMNS = (*TELLING, "city", "region", "postcode", "country")


def told_of_homes(profiles: DataFrame) -> DataFrame:
    """The people of whom something tells where or with whom they live: one row each, with no more than that."""
    return profiles.filter(F.coalesce(*TELLING).isNotNull()).select("person_id", *_COLUMNS)


def resolve_households(told: pa.Table, previous: pa.Table, secret: bytes) -> pa.Table:
    """The rows of gold.household_members of what people's profiles tell (rows as of :func:`told_of_homes`).

    The rules are those of `cdp resolve`: see :func:`cdp.identity.linkage.homes.household_labels`. What a profile holds
    is the best value of each, so people are of one home who share the address they have now. `previous`: last night's
    rows; a household keeps the id of the one with which it shares most people.
    """
    told = told.sort_by("person_id")
    frame = pd.DataFrame({name: as_text(told[name]) for name in told.column_names})
    schema = RecordSchema.model_validate({"record_id": "person_id", "columns": {name: name for name in _COLUMNS}})
    group = household_labels(build_parts(frame, schema), np.arange(len(frame)))
    groups = pd.DataFrame({"group": group, "member": frame["person_id"]})
    before = previous.select(["household_id", "person_id"]).rename_columns(["id", "member"]).to_pandas()
    ids = kept_or_new_ids(groups, before, secret=secret, prefix="h_", kind="household")
    return pa.table(
        {
            "person_id": told["person_id"],
            "household_id": pa.array(groups["group"].map(ids), pa.string()),
            "n_people": pa.array(groups.groupby("group")["member"].transform("size"), pa.int64()),
        }
    )
