"""Attribution in the night: the journeys of people out of events and order lines, and rows of gold.channel_credits."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.contracts.gold.channel_credits import CHANNEL_CREDITS
from cdp.core.dates import start_of
from cdp.models.attribution.attribution import attribute_paths
from cdp.models.attribution.markov import MAX_CHANNELS
from cdp.models.attribution.paths import collect_paths
from cdp.models.attribution.spec import AttributionSpec
from cdp.rules.known import is_known

HOLD_DAYS = 7  # without new data only the window moves on
_OF = "\x1e"  # between the channel and the campaign of a step
_NO_NAME = f"[\\s\\x{{a0}}>\u2192\\x1f{_OF}]+"  # parts steps, or channel and campaign: in no name
_DAY_SECONDS = 86_400


def journeys(
    events: DataFrame, order_lines: DataFrame, person_records: DataFrame, *, spec: AttributionSpec, as_of: date
) -> DataFrame:
    """Distinct paths of people as `cdp attribute` takes them: (path, conversions, value, nulls).

    `person_records` is (record_id, person_id). A touch is the first event of a step (channel and campaign) on a UTC day
    of a person; robots have none. An order is one of which more was kept than went back; cancelled lines never count.
    Time is cut into journeys of `lookback_days`, back from each order and from the as-of day: the one that ends with an
    order converted, the others did not (the latest may still). Known is what happened before the as-of day 00:00 UTC
    and had arrived by its end.
    """
    since, until = (start_of(as_of - timedelta(days=n)) for n in (spec.window_days, 0))

    def known(rows: DataFrame, at: str) -> DataFrame:
        return rows.where(is_known(at, as_of) & (F.col(at) >= F.lit(since)) & F.col("record_id").isNotNull())

    touches = _touches(known(events, "event_at"), spec)
    lines = _lines(known(order_lines, "ordered_at"))
    theirs = touches.unionByName(lines, allowMissingColumns=True).join(person_records, on="record_id")
    moments = _moments(theirs.repartition("person_id"))  # one shuffle serves all that is made of one person
    is_order = F.col("step").isNull()
    ahead = Window.partitionBy("person_id").orderBy("at", is_order, "value").rowsBetween(0, Window.unboundedFollowing)
    order = F.first(F.when(is_order, F.struct("at", "value")), ignorenulls=True).over(ahead)
    seconds = F.unix_seconds(F.coalesce("order.at", F.lit(until))) - F.unix_seconds("at")
    steps = F.array_sort(F.collect_list(F.struct("at", "step")))
    went = (
        moments.withColumn("order", order)
        .where(~is_order)
        .groupBy("person_id", "order", F.floor(seconds / (_DAY_SECONDS * spec.lookback_days)).alias("back"))
        .agg(F.array_join(F.transform(steps, lambda one: one["step"]), " > ").alias("path"))
    )
    is_won = F.col("order").isNotNull() & (F.col("back") == 0)
    return went.groupBy("path").agg(
        F.count_if(is_won).alias("conversions"),
        F.sum(F.when(is_won, F.col("order.value"))).cast("double").alias("value"),
        F.count_if(~is_won).alias("nulls"),
    )


def credit_night(name: str, paths: pa.Table, *, as_of: date) -> pd.DataFrame:
    """Rows of gold.channel_credits as `cdp attribute` shares conversions out; no journey, no rows.

    `paths`: rows of `journeys`. Where there are more steps than attribution takes, campaigns are left out.
    """
    if not paths.num_rows:
        return pd.DataFrame(columns=CHANNEL_CREDITS.column_names)
    found = collect_paths(paths)
    if len(found.channels) > MAX_CHANNELS:
        bare = pc.replace_substring_regex(paths["path"], f"{_OF}[^>]*", " ")
        found = collect_paths(paths.set_column(0, "path", bare))
    shared = attribute_paths(found)
    named = shared.credit["channel"].str.partition(_OF)
    is_best = shared.credit["model"] == f"markov_{shared.markov.chosen}"
    credit = shared.credit.assign(channel=named[0], campaign=named[2], is_best_memory=is_best)
    return credit.assign(attribution=name, as_of=as_of)[CHANNEL_CREDITS.column_names]


def tell_journeys(name: str, paths: pa.Table) -> str:
    """One line for who reads the night."""
    won, lost = (pc.sum(paths[column]).as_py() or 0 for column in ("conversions", "nulls"))
    return f"{name}: {won:,} orders behind a touch, {lost:,} journeys without one"


def _touches(events: DataFrame, spec: AttributionSpec) -> DataFrame:
    """(record_id, at, step) of every event that has a channel."""
    channel, campaign = (_name(F.expr(sql)) for sql in (spec.channel, spec.campaign))
    people = events.where(~F.coalesce("is_bot", F.lit(False)))
    named = people.select(
        "record_id", F.col("event_at").alias("at"), channel.alias("channel"), campaign.alias("campaign")
    )
    step = F.concat_ws(_OF, "channel", "campaign").alias("step")
    return named.where("channel IS NOT NULL").select("record_id", "at", step)


def _name(text: Column) -> Column:
    """The text without what parts names; null where nothing is left."""
    return F.nullif(F.trim(F.regexp_replace(text, _NO_NAME, " ")), F.lit(""))


def _lines(order_lines: DataFrame) -> DataFrame:
    """(record_id, at, of_order, amount) of the lines that were not cancelled."""
    return order_lines.where(~F.coalesce("is_cancelled", F.lit(False))).select(
        "record_id", F.col("ordered_at").alias("at"), F.struct("source", "order_id").alias("of_order"), "amount"
    )


def _moments(rows: DataFrame) -> DataFrame:
    """(person_id, step, at, value): the first touch of each step on a day, and (without a step) each order."""
    is_touch = F.col("step").isNotNull()
    day = F.when(is_touch, F.to_date("at")).alias("day")
    begun = F.min(F.when(is_touch | (F.col("amount") > 0), F.col("at"))).alias("at")
    found = rows.groupBy("person_id", "step", "of_order", day).agg(begun, F.sum("amount").alias("value"))
    return found.where("step IS NOT NULL OR value > 0").select("person_id", "step", "at", "value")
