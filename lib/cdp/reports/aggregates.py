"""The aggregates behind the page, one small frame a table: lazy, so that all of them are one Spark action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.reports.facts.identity import RECORD_BANDS
from cdp.reports.facts.scores import CHURN_BINS

VALUE_BINS_PER_DECADE = 10
LEAST_VALUE = 0.01
IDENTITY_DAYS = 90


@dataclass(frozen=True)
class Tonight:
    """Which rows belong to a night: written by one of its runs, or delivered since the night before.

    ``since`` is the run date of the night before, exclusive; None for the first night.
    """

    run_date: date
    run_ids: Sequence[str] = ()
    since: date | None = None

    def holds(self) -> Column:
        """Condition on a table with ``delivered_on`` and ``run_id``; never null."""
        delivered = F.col("delivered_on") > F.lit(self.since) if self.since else F.lit(True)
        return F.coalesce(delivered | F.col("run_id").isin(*self.run_ids), F.lit(False))

    def known(self) -> Column:
        """Condition: delivered up to this night. A page made again later shows the same."""
        return F.col("delivered_on") <= F.lit(self.run_date)


def count_files(files: DataFrame, tonight: Tonight) -> DataFrame:
    """Files and records by (source, state, is_tonight); the newest state of a file counts.

    A delivery of old content is a file of its own here: its ledger row has the same file_id, but says where the
    repetition came. Newest by time, and of two states at one time the more decided. That a file is gone again by its
    licence does not change what came.
    """
    at = F.greatest(F.coalesce("accepted_at", "landed_at"), F.coalesce("landed_at", "accepted_at"))
    order = F.struct(at, F.array_position(F.array(*map(F.lit, ("landed", "quarantined", "accepted"))), F.col("state")))
    counts = ("rows_read", "rows_accepted", "rows_duplicate", "rows_refused")
    newest = (
        files.where(tonight.known() & (F.col("state") != "expired"))
        .groupBy("source", "file_id", (F.col("state") == "duplicate").alias("is_repeated"))
        .agg(
            F.max_by(F.struct("state", *counts), order).alias("row"),
            F.max(tonight.holds()).alias("is_tonight"),
        )
        .select("source", "is_tonight", "row.*")
    )
    sums = (F.sum(F.coalesce(c, F.lit(0))).alias(c) for c in counts)
    return newest.groupBy("source", "is_tonight", "state").agg(F.count("*").alias("files"), *sums)


def list_set_aside(files: DataFrame, tonight: Tonight) -> DataFrame:
    """The files that were quarantined tonight."""
    return files.where((F.col("state") == "quarantined") & tonight.known() & tonight.holds()).select(
        "source", "path", "reason"
    )


def list_schema_changes(schema_changes: DataFrame, tonight: Tonight) -> DataFrame:
    """What changed tonight in the shape of sources that were known before."""
    changed = (F.col("kind") != "first") & tonight.known() & tonight.holds()
    return schema_changes.where(changed).select(
        "source", "field", "kind", "type", "type_before", "renamed", "is_mapped"
    )


def count_refusals(refused_records: DataFrame, tonight: Tonight) -> DataFrame:
    """Refused records by (source, field, code), tonight and in all; one record with two defects counts twice."""
    defects = refused_records.where(tonight.known()).select(
        "source", tonight.holds().cast("int").alias("is_tonight"), F.explode(F.array_distinct("reasons")).alias("why")
    )
    return defects.groupBy("source", "why.field", "why.code").agg(
        F.max("why.message").alias("message"),
        F.sum("is_tonight").alias("records"),
        F.count("*").alias("all_records"),
    )


def count_people(people: DataFrame, tonight: Tonight) -> DataFrame:
    """Active people by (band of records, is_known), with those first known since the last night."""
    is_new = F.col("born_on") >= F.lit(tonight.since) if tonight.since else F.lit(True)
    band = F.lit(None).cast("int")
    for number, (low, _) in enumerate(RECORD_BANDS):
        band = F.when(F.coalesce("n_records", F.lit(1)) >= low, number).otherwise(band)
    return (
        people.where("status = 'active'")
        .groupBy(band.alias("band"), F.coalesce("is_known", F.lit(False)).alias("is_known"))
        .agg(
            F.count("*").alias("people"),
            F.sum("n_records").alias("records"),
            F.count_if(is_new).alias("new"),
        )
    )


def count_changes(identity_history: DataFrame, run_date: date) -> DataFrame:
    """Merges, splits and retirements of tonight by (kind, reason)."""
    involved = F.greatest(F.size("predecessor_ids"), F.size("successor_ids"))
    return (
        identity_history.where(F.col("run_date") == F.lit(run_date))
        .groupBy("kind", "reason")
        .agg(F.count("*").alias("changes"), F.sum(involved).alias("people"))
    )


def count_generic_values(generic_values: DataFrame) -> DataFrame:
    """Values kept out of the graph by (type, reason without its number); never a value itself."""
    reason = F.regexp_replace("reason", "together [0-9]+ people", "together too many people")
    return generic_values.groupBy("identifier_type", reason.alias("reason")).agg(
        F.count("*").alias("values"), F.sum("n_records").alias("records"), F.max("n_people").alias("most_people")
    )


def count_refused_links(identity_links: DataFrame) -> DataFrame:
    """Refused links by reason without its numbers, with the first and the last of their records."""
    why = F.get_json_object("evidence", "$.refused")
    return (
        identity_links.where(~F.col("is_active"))
        .groupBy(F.regexp_replace(why, "together [0-9]+ people", "together too many people").alias("reason"))
        .agg(F.count("*").alias("links"), F.min("record_id").alias("first"), F.max("record_id").alias("last"))
    )


def list_owners(person_identifiers: DataFrame, record_ids: Sequence[str]) -> DataFrame:
    """Whose these few records are today."""
    is_mine = (F.col("identifier_type") == "record") & F.col("known_to").isNull() & F.col("value").isin(*record_ids)
    return person_identifiers.where(is_mine).select("value", "person_id")


def list_identity_measures(identity_measures: DataFrame, run_date: date) -> DataFrame:
    """The measures of the last nights up to tonight that have any: some thirty rows a night."""
    since = run_date - timedelta(days=IDENTITY_DAYS)
    return identity_measures.where((F.col("run_date") <= F.lit(run_date)) & (F.col("run_date") > F.lit(since)))


def count_scores(predictions: DataFrame, run_date: date) -> DataFrame:
    """People as of tonight in few cells, from which the histograms, the grid and the segments come."""
    of_churn, of_value = F.col("model") == "churn", F.col("model") == "ltv"
    people = (
        predictions.where(F.col("as_of") == F.lit(run_date))
        .groupBy("person_id")
        .agg(
            F.max(F.when(of_churn, F.col("score"))).alias("churn"),
            F.max(F.when(of_value, F.col("score"))).alias("value"),
            F.max(F.when(of_churn | of_value, F.col("horizon_weeks"))).alias("horizon_weeks"),
            F.max(F.when(of_churn, F.col("model_version"))).alias("churn_version"),
            F.max(F.when(of_value, F.col("model_version"))).alias("value_version"),
            F.max(F.when(of_value, F.col("method"))).alias("method"),
            F.max("segment").alias("segment"),
            F.max("value_band").alias("value_band"),
        )
    )
    churn_bin = F.least(F.floor(F.col("churn") * CHURN_BINS), F.lit(CHURN_BINS - 1))
    value_bin = F.when(F.col("value") >= LEAST_VALUE, F.floor(F.log10("value") * VALUE_BINS_PER_DECADE))
    return people.groupBy(churn_bin.alias("churn_bin"), value_bin.alias("value_bin"), "segment", "value_band").agg(
        F.count("*").alias("people"),
        F.sum("churn").alias("churn"),
        F.sum("value").alias("value"),
        F.min("value").alias("least"),
        *(F.max(c).alias(c) for c in ("horizon_weeks", "churn_version", "value_version", "method")),
    )


def count_recommendations(recommendations: DataFrame) -> DataFrame:
    """The newest lists by (list, part): people, items, what is expected of the first items, and which is first most."""
    is_first = F.col("rank_in_part") == 1
    return recommendations.groupBy("list", "part").agg(
        F.count_if(is_first).alias("people"),
        F.size(F.collect_set("item_id")).alias("items"),
        F.avg(F.when(is_first, F.col("score"))).alias("first_score"),
        F.max("score_kind").alias("score_kind"),
        F.mode(F.when(is_first, F.col("item_id")), True).alias("first_item"),
        F.max("as_of").alias("as_of"),
    )


def list_credits(channel_credits: DataFrame) -> DataFrame:
    """The newest credits by the models that the page shows: some rows for each channel and campaign."""
    is_shown = F.col("model").isin("first", "last", "linear", "shapley") | F.col("is_best_memory")
    model = F.when(F.col("is_best_memory"), "markov").otherwise(F.col("model")).alias("model")
    return channel_credits.where(is_shown).select(
        "attribution", "as_of", model, "channel", "campaign", "conversions", "value"
    )


def count_segments(traits: DataFrame) -> DataFrame | None:
    """People by rfm_segment with their spend of a year; None where the traits have no segments."""
    if "rfm_segment" not in traits.columns:
        return None
    spend = F.col("spend_365d").cast("double") if "spend_365d" in traits.columns else F.lit(None).cast("double")
    return (
        traits.where("rfm_segment IS NOT NULL")
        .groupBy(F.col("rfm_segment").alias("segment"))
        .agg(F.count("*").alias("people"), F.sum(spend).alias("spend"))
    )


def count_audiences(audience_members: DataFrame, run_date: date) -> DataFrame:
    """Members by audience at the end of tonight; stays that ended before tonight are no news."""
    tonight = F.lit(run_date)
    is_in = F.col("left_on").isNull() | (F.col("left_on") > tonight)
    return (
        audience_members.where(F.col("entered_on") <= tonight)
        .groupBy("audience")
        .agg(
            F.count_if(is_in).alias("size"),
            F.count_if(is_in & (F.col("entered_on") == tonight)).alias("entered"),
            F.count_if(F.col("left_on") == tonight).alias("left"),
        )
    )


def list_deliveries(deliveries: DataFrame, run_date: date) -> DataFrame:
    """The deliveries of tonight."""
    return deliveries.where(F.col("run_date") == F.lit(run_date)).select(
        "destination",
        "audience",
        "state",
        "format",
        F.col("n_members").alias("members"),
        F.col("n_added").alias("added"),
        F.col("n_removed").alias("removed"),
        F.col("n_withheld").alias("withheld"),
        F.substring("sha256", 1, 12).alias("sha256"),
        "path",
    )


def list_performance(model_performance: DataFrame, run_date: date) -> DataFrame:
    """How right the scorings were whose horizon ended in the week up to tonight."""
    week = F.col("as_of").between(F.lit(run_date - timedelta(days=6)), F.lit(run_date))
    return model_performance.where(week & F.col("value").isNotNull()).select(
        "model", "scored_as_of", "horizon_weeks", "people", "measure", "value"
    )


def list_champions(model_runs: DataFrame, run_date: date) -> DataFrame:
    """Trainings that became champion up to tonight: a few a year; the newest of a model is chosen on the driver."""
    return model_runs.where(F.col("is_champion") & (F.col("as_of") <= F.lit(run_date))).select(
        "model", "model_version", "as_of", "decided", "metrics", "trained_at"
    )
