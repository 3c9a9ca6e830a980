"""Plans of conf/actions: people and consents of the lake in, one action or none out, earlier nights counted."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from pyspark.sql import types as T

from cdp.contracts.gold.next_actions import NEXT_ACTIONS
from cdp.core.errors import ConfigError
from cdp.models.actions.nightly import contacts_of, people_of, plan_night
from cdp.models.actions.plans import NightlyPlan, check_plans

AS_OF = date(2026, 1, 5)
PLAN = NightlyPlan.model_validate(
    {
        "description": "Who gets the letter and who the mail.",
        "owner": "crm",
        "exploration": 0.0,
        "actions": {
            "letter": {"score": "order_score", "value": "worth", "cost": 2, "consent": "post", "capacity": 1},
            "mail": {
                "score": "click_score",
                "value": 10,
                "cost": 0.1,
                "consent": "email_marketing",
                "at_most": {"times": 1, "days": 7},
            },
        },
    }
)
NO_CONTACTS = pd.DataFrame({"id": pd.Series(dtype=object), "action": pd.Series(dtype=object), "at": []})


def people():
    ids = ["ann", "bob", "cat"]
    plain = {"click_score": [0.5, 0.4, 0.3], "order_score": [0.5, 0.9, None], "worth": [100.0, 100.0, 100.0]}
    return pd.DataFrame({"id": ids, **plain, "post": [True, True, None], "email_marketing": [True, False, True]})


def test_everybody_gets_what_gains_most_within_consents_capacities_and_earlier_nights():
    found = plan_night("january", PLAN, people(), NO_CONTACTS, as_of=AS_OF)
    assert list(found.columns) == NEXT_ACTIONS.column_names and set(found["plan"]) == {"january"}
    rows = found.set_index("person_id")
    assert rows["action"].to_dict() == {"ann": "mail", "bob": "letter", "cat": "mail"}
    assert rows["expected_gain"].to_dict() == pytest.approx({"ann": 4.9, "bob": 88.0, "cat": 2.9})
    shown = pd.DataFrame({"id": ["cat"], "action": ["mail"], "at": [date(2026, 1, 2)]})
    again = plan_night("january", PLAN, people(), shown, as_of=AS_OF).set_index("person_id")
    assert again["action"].to_dict() == {"ann": "mail", "bob": "letter", "cat": None}
    assert len(plan_night("january", PLAN, people().iloc[:0], NO_CONTACTS, as_of=AS_OF)) == 0


def test_people_bring_scores_numbers_and_granted_purposes_and_their_earlier_actions(spark):
    facts = spark.createDataFrame(
        [("ann", 0.5, None, 9, "x"), ("bob", None, 0.2, 8, "y"), ("cat", None, None, 7, "z")],
        "person_id string, click_score double, order_score double, worth int, city string",
    )
    states = spark.createDataFrame(
        [("ann", "post", "denied"), ("ann", "email_marketing", "granted"), ("bob", "post", "granted")],
        "person_id string, purpose string, state string",
    )
    rows = {r.id: r.asDict() for r in people_of(facts, states, PLAN).collect()}
    assert set(rows) == {"ann", "bob"}, "whom no action can score is not there"
    assert rows["ann"]["email_marketing"] and not rows["ann"]["post"] and rows["ann"]["worth"] == 9.0
    assert rows["bob"]["post"] and not rows["bob"]["email_marketing"]
    nights = [
        ("january", "ann", date(2026, 1, 4), "mail"),
        ("january", "ann", AS_OF, "mail"),
        ("january", "bob", date(2025, 12, 29), "mail"),
        ("january", "cat", date(2026, 1, 4), None),
        ("other", "cat", date(2026, 1, 4), "mail"),
    ]
    before = spark.createDataFrame(nights, "plan string, person_id string, as_of date, action string")
    found = contacts_of(before, "january", PLAN, as_of=AS_OF).collect()
    assert [tuple(row) for row in found] == [("ann", "mail", date(2026, 1, 4))]


def test_a_plan_that_names_no_number_says_what_there_is():
    facts = T.StructType().add("click_score", "double").add("order_score", "double").add("worth", "string")
    with pytest.raises(ConfigError, match=r"conf/actions/january.yaml: actions.letter: 'worth' is no number among"):
        check_plans({"january": PLAN}, facts)
    check_plans({"january": PLAN}, T.StructType([*facts.fields[:2], T.StructField("worth", T.LongType())]))
