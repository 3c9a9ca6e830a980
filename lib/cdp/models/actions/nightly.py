"""Next best actions in the night: what a plan asks of people comes from their facts and consents."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.gold.next_actions import NEXT_ACTIONS
from cdp.models.actions.contacts import read_contacts
from cdp.models.actions.next_action import choose_actions
from cdp.models.actions.offers import collect_offers
from cdp.models.actions.plans import NightlyPlan, named_columns
from cdp.models.actions.rules import NO_CONSENT_NEEDED


def people_of(facts: DataFrame, states: DataFrame, plan: NightlyPlan) -> DataFrame:
    """One row per person whom any action of the plan can score: `id`, the numbers it names, its purposes as yes/no.

    `facts`: one row per person (audiences/facts.py); `states`: consent states. Without a statement a purpose is null.
    """
    numbers = sorted({column for _, column in named_columns(plan)})
    purposes = sorted({a.consent for a in plan.actions.values()} - {NO_CONSENT_NEEDED})
    scores = sorted({a.score for a in plan.actions.values()})
    people = facts.where(F.coalesce(*scores).isNotNull()).select(
        "person_id", *(F.col(n).cast("double") for n in numbers)
    )
    granted = states.where(F.col("state") == "granted").groupBy("person_id").agg(
        F.lit(True).alias("_any"), *(F.max(F.col("purpose") == purpose).alias(purpose) for purpose in purposes)
    )  # fmt: skip
    return people.join(granted.drop("_any"), on="person_id", how="left").withColumnRenamed("person_id", "id")


def contacts_of(before: DataFrame, name: str, plan: NightlyPlan, *, as_of: date) -> DataFrame:
    """What the plan chose on the nights before `as_of` to which its caps look back: `id`, `action`, `at`."""
    caps = [plan.at_most, *(action.at_most for action in plan.actions.values())]
    since = as_of - timedelta(days=max((cap.days for cap in caps if cap), default=0))
    inside = (F.col("plan") == name) & (F.col("as_of") > F.lit(since)) & (F.col("as_of") < F.lit(as_of))
    chosen = before.where(inside & F.col("action").isNotNull())
    return chosen.select(F.col("person_id").alias("id"), "action", F.col("as_of").alias("at"))


def plan_night(
    name: str, plan: NightlyPlan, people: pd.DataFrame, contacts: pd.DataFrame, *, as_of: date
) -> pd.DataFrame:
    """Rows of gold.next_actions: for each of `people` (`people_of`) one action or none, as `cdp next-action` chooses.

    No people, no rows.
    """
    if not len(people):
        return pd.DataFrame(columns=NEXT_ACTIONS.column_names)
    scores = {
        action: people[["id"]].assign(probability=people[of.score]) for action, of in sorted(plan.actions.items())
    }
    offers = collect_offers(scores, plan, people=people, contacts=read_contacts(contacts), as_of=as_of)
    chosen = choose_actions(offers, plan, as_of=as_of).people.rename(columns={"id": "person_id"})
    return chosen.assign(plan=name, as_of=as_of)[NEXT_ACTIONS.column_names]
