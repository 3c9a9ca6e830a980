"""The company accounts of the lake and their members, under ids that stay the same from night to night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
from pyspark.sql import functions as F

from cdp.identity.kept_ids import kept_or_new_ids
from cdp.identity.linkage.companies import Accounts, find_accounts, organisation_key
from cdp.identity.linkage.text import map_distinct
from cdp.identity.rules import AccountRules
from cdp.rules.person_records import person_records

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TOLD_BY = pa.list_(pa.struct([("kind", pa.string()), ("value", pa.string())]))


@dataclass(frozen=True)
class AccountTables:
    """The rows of gold.accounts and gold.account_members."""

    accounts: pa.Table
    members: pa.Table


def told_of_accounts(customer_records: DataFrame, person_identifiers: DataFrame, rules: AccountRules) -> DataFrame:
    """What the people of a night tell of companies.

    Grain: one row (person_id, kind, value, n, known_from) per person and value; n counts the records or addresses that
    tell it. Of each record that its source has not deleted the newest version counts.
    """
    newest = F.max_by(
        F.struct(*rules.names, "identifiers", "is_deleted"), F.struct("valid_from", "change_no", "landed_id")
    )
    current = (
        customer_records.groupBy("record_id")
        .agg(newest.alias("version"), F.min("received_at").alias("known_from"))
        .select("record_id", "known_from", "version.*")
        .filter(~F.coalesce("is_deleted", F.lit(False)))
    )
    numbers = F.transform(
        F.filter(F.coalesce("identifiers", F.array()), lambda held: held["type"] == "account_id"),
        lambda held: F.struct(held["type"].alias("kind"), held["value"].alias("value")),
    )
    names = F.array(*[F.struct(F.lit("organisation_name").alias("kind"), F.col(n).alias("value")) for n in rules.names])
    stated = current.join(person_records(person_identifiers), on="record_id", how="inner").select(
        "person_id", "known_from", F.inline(F.concat(names, numbers)).alias("kind", "value")
    )
    domain = F.substring_index("value", "@", -1)
    is_public = domain.isin(*rules.public_mail_domains) | F.substring_index(domain, ".", 1).isin(
        *rules.public_mail_domains
    )
    addresses = person_identifiers.filter((F.col("identifier_type") == "email") & ~is_public).select(
        "person_id", "known_from", F.lit("email_domain").alias("kind"), domain.alias("value")
    )
    told = stated.unionByName(addresses).filter("trim(value) <> ''").groupBy("person_id", "kind", "value")
    return told.agg(F.count(F.lit(1)).alias("n"), F.min("known_from").alias("known_from"))


def resolve_accounts(told: pa.Table, previous: pa.Table, secret: bytes) -> AccountTables:
    """Make accounts of what people tell (rows as of :func:`told_of_accounts`), under the ids of last night's.

    An account is last night's with which it shares the most values (ties: smaller id); else its id is made of its
    surest value, keyed so that nobody can guess it. `previous` has the columns account_id and told_by.
    """
    frame = told.to_pandas().rename(columns={"person_id": "person"})
    is_name = frame["kind"] == "organisation_name"
    frame["stated"] = frame["value"]
    frame["value"] = frame["value"].where(~is_name, map_distinct(frame["value"].where(is_name, None), organisation_key))
    frame = frame[frame["value"].notna()]
    found = find_accounts(frame[["person", "kind", "value", "n"]])
    ids = _account_ids(found, previous, secret)
    known = frame.merge(found.values, on=["kind", "value"])
    members = found.members.merge(
        known.groupby(["person", "account"], as_index=False)["known_from"].min(), on=["person", "account"], how="left"
    )
    members["account_id"] = members["account"].map(ids)
    return AccountTables(_account_table(found, known, members, ids), _member_table(members))


def _account_ids(found: Accounts, previous: pa.Table, secret: bytes) -> Mapping[int, str]:
    before = [(row["account_id"], _member(**value)) for row in previous.to_pylist() for value in row["told_by"]]
    values = found.values[["account", "kind", "value"]].itertuples(index=False)
    groups = pd.DataFrame([(a, _member(kind, value)) for a, kind, value in values], columns=["group", "member"])
    last = pd.DataFrame(before, columns=["id", "member"])
    return kept_or_new_ids(groups, last, secret=secret, prefix="a_", kind="account")


def _member(kind: str, value: str) -> str:
    return f"{kind}\x1f{value}"


def _account_table(found: Accounts, known: pd.DataFrame, members: pd.DataFrame, ids: Mapping[int, str]) -> pa.Table:
    order = {"organisation_name": 0, "email_domain": 1, "account_id": 2}
    names = known.groupby(["account", "kind", "stated"], as_index=False)["person"].nunique()
    names["place"] = names["kind"].map(order)
    names = names.sort_values(["account", "place", "person", "stated"], ascending=[True, True, False, True])
    name = names.drop_duplicates("account").set_index("account")["stated"]
    told_by = {account: of[["kind", "value"]].to_dict("records") for account, of in found.values.groupby("account")}
    accounts = sorted(ids, key=ids.__getitem__)
    born = members.groupby("account")["known_from"].min().reindex(accounts)
    return pa.table(
        {
            "account_id": pa.array([ids[account] for account in accounts], pa.string()),
            "name": pa.array(name.reindex(accounts).tolist(), pa.string()),
            "born_on": pa.array([None if pd.isna(day) else day.date() for day in born], pa.date32()),
            "n_people": pa.array(members.groupby("account").size().reindex(accounts).tolist(), pa.int64()),
            "told_by": pa.array([told_by[account] for account in accounts], _TOLD_BY),
        }
    )


def _member_table(members: pd.DataFrame) -> pa.Table:
    rows = members.sort_values(["account_id", "person"])
    return pa.table(
        {
            "account_id": pa.array(rows["account_id"].tolist(), pa.string()),
            "person_id": pa.array(rows["person"].tolist(), pa.string()),
            "told_by": pa.array(rows["kind"].tolist(), pa.string()),
            "n_records": pa.array(rows["n"].tolist(), pa.int64()),
            "known_from": pa.array(rows["known_from"], pa.timestamp("us", tz="UTC")),
        }
    )
