"""Consent: what a person allows, per purpose, as of a time; and the gate that every way out passes.

Deny wins, then latest wins. The ledger is append-only; a state is computed for the time that is asked about,
over the identity graph of the run, so that a past delivery can be explained and a split gives each person
the answer of the identifiers that are left.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SOURCE_DEFAULT_BASIS = "source_default"
"""How ``basis`` begins where a source's definition declares consent instead of a person stating it."""


def consent_states(
    consents: DataFrame, person_records: DataFrame, *, as_of: datetime, known_at: datetime | None = None
) -> DataFrame:
    """One row per (person, purpose) about which anything was said: ``state``, ``basis``, ``proof``, ``valid_from``.

    ``consents`` are silver.consents; ``person_records`` says whose record is whose (``record_id``,
    ``person_id``). Rows valid from later than ``as_of`` do not count, nor do rows that arrived later than
    ``known_at`` (None: whatever is there), which answers what was known when something was exported.

    1. A subject key is one identifier that a statement carries; a statement without any speaks for its
       record. The newest statement of a key is the key's state; at equal times a denial.
    2. If any key of the person denies, the person denies, from the newest of these denials on.
    3. Otherwise the newest grant among the keys gives basis, proof and time.
    4. What a source's definition declares (basis ``source_default...``) counts only where the person said
       nothing on that purpose.

    Ties of time are broken by the greatest ``consent_id``.
    """
    counts = F.col("valid_from") <= F.lit(as_of)
    if known_at is not None:
        counts = counts & (F.col("received_at") <= F.lit(known_at))
    of_people = consents.where(counts).join(
        person_records.select("record_id", "person_id"), on="record_id", how="inner"
    )
    per_key = (
        of_people.withColumn("key", F.explode(_subject_keys()))
        .withColumn("is_stated", _is_stated())
        .groupBy("person_id", "purpose", "key", "is_stated")
        .agg(F.max(_ranked("valid_from")).alias("newest"))
    )
    per_person = (
        per_key.groupBy("person_id", "purpose")
        .agg(F.max(F.struct("is_stated", _denial_first())).alias("decided"))
        .select("person_id", "purpose", "decided.winner.*")
    )
    return per_person.select(
        "person_id",
        "purpose",
        F.when(F.col("is_denied"), "denied").otherwise("granted").alias("state"),
        "basis",
        "proof",
        "valid_from",
    )


def gate(members: DataFrame, states: DataFrame, purpose: str) -> tuple[DataFrame, DataFrame]:
    """``members`` (any columns, ``person_id`` among them) as (allowed, withheld) for ``purpose``.

    Allowed are people whose state is granted. Everybody else is withheld, also people of whom nothing is
    known: ``withheld`` has one more column, ``reason``: denied or unknown.
    """
    asked = mark_consent(members, states, F.lit(purpose), into="reason")
    is_granted = F.col("reason") == "granted"
    return asked.where(is_granted).select(*members.columns), asked.where(~is_granted)


def mark_consent(members: DataFrame, states: DataFrame, purpose: Column, *, into: str) -> DataFrame:
    """``members`` with a column ``into``: granted, denied or unknown, for the ``purpose`` of each row.

    Unknown is a person who said nothing on that purpose; it is treated as denied everywhere.
    """
    known = states.select("person_id", F.col("purpose").alias("_purpose"), F.col("state").alias("_state"))
    joined = members.withColumn("_purpose", purpose).join(known, on=["person_id", "_purpose"], how="left")
    return joined.select(*members.columns, F.coalesce(F.col("_state"), F.lit("unknown")).alias(into))


def _subject_keys() -> Column:
    """The identifiers that the statement carries, each as ``type=value``; its record where it has none."""
    keys = F.transform("identifiers", lambda i: F.concat_ws("=", i["type"], i["value"]))
    none = F.coalesce(F.size("identifiers"), F.lit(0)) <= 0
    return F.when(none, F.array(F.concat_ws("=", F.lit("record"), F.col("record_id")))).otherwise(keys)


def _is_stated() -> Column:
    return ~F.coalesce(F.col("basis").startswith(SOURCE_DEFAULT_BASIS), F.lit(False))


def _is_denied() -> Column:
    """Whatever is not plainly a grant is a denial."""
    return ~F.coalesce(F.col("state") == "granted", F.lit(False))


def _ranked(time: str) -> Column:
    """A statement as a struct whose order is: later first, then a denial, then the greater id."""
    return F.struct(time, _is_denied().alias("is_denied"), "consent_id", "basis", "proof")


def _denial_first() -> Column:
    """A key's newest statement as a struct whose order is: a denial, then later, then the greater id."""
    newest = F.col("newest")
    fields = ("is_denied", "valid_from", "consent_id", "basis", "proof")
    return F.struct(*(newest[f].alias(f) for f in fields)).alias("winner")
