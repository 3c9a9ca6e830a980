"""Truth covers everybody and names records as silver does."""

from __future__ import annotations

import hashlib
import json

import pandas as pd

from cdp.sample.contacts import normal_email

from .conftest import CUSTOMERS, Company


def test_truth_covers_every_person_and_household(company: Company) -> None:
    persons, households = company.truth("persons"), company.truth("households")
    assert persons["person"].is_unique
    assert len(persons) == CUSTOMERS
    assert households["n"].sum() == CUSTOMERS
    sizes = persons.groupby("household").size()
    assert sizes.to_dict() == households.set_index("household")["n"].to_dict()
    assert set(company.truth("identifiers")["person"]) <= set(persons["person"])
    assert set(company.truth("records")["person"].dropna()) == set(persons["person"])


def test_every_crm_row_has_its_person(company: Company) -> None:
    records = company.truth("records").query("source == 'crm'")
    assert records["source_record_id"].is_unique
    written = company.csv("crm")
    numbers = set(written["customer_no"][written["updated_at"].str.startswith("20")])
    known = set(records["source_record_id"])
    strange = {n for n in numbers if n not in known}
    assert all(n == "" or n.endswith("x") or n.startswith("C") is False for n in strange)
    assert (records["record_id"] == "crm:" + records["source_record_id"]).all()


def test_record_ids_of_web_events_are_made_as_silver_makes_them(company: Company) -> None:
    known = set(company.truth("records").query("source == 'web'")["record_id"])
    seen = 0
    for line in company.lines("web", "2026-01-06"):
        try:
            message = json.loads(line)
        except json.JSONDecodeError:
            continue
        if message["type"] in ("identify", "teleport") or "anonymousId" not in message:
            continue
        ids = [("anonymous_id", message["anonymousId"])]
        ids += [("user_id", message["userId"])] if message["userId"] else []
        text = "|".join(f"{kind}={value}" for kind, value in sorted(ids))
        assert f"web:{hashlib.sha256(text.encode()).hexdigest()[:24]}" in known
        seen += 1
    assert seen > 20


def test_identifiers_are_normalised(company: Company) -> None:
    identifiers = company.truth("identifiers")
    kinds = set(identifiers["identifier_type"])
    assert kinds == {"email", "phone", "user_id", "loyalty_id", "customer_id", "anonymous_id"}
    emails = identifiers.query("identifier_type == 'email'")["value"]
    assert (emails == emails.map(normal_email)).all()
    assert identifiers.query("identifier_type == 'phone'")["value"].str.fullmatch(r"\+44\d{10}").all()


def test_gmail_is_normalised_and_other_domains_are_not() -> None:
    assert normal_email(" J.Do.e+Shop@GoogleMail.com ") == "jdoe@gmail.com"
    assert normal_email("J.Doe+shop@Outlook.com") == "j.doe+shop@outlook.com"


def test_hidden_parameters_explain_the_orders(company: Company) -> None:
    persons = company.truth("persons")
    end = pd.Timestamp("2026-01-07", tz="UTC")
    alive = (persons["died_at"].clip(upper=end) - persons["entered_at"]).dt.total_seconds() / 604_800
    buyers = persons["orders"] > 0
    expected = (1 + persons["purchase_rate"] * alive)[buyers].sum()
    assert abs(persons["orders"].sum() / expected - 1) < 0.05
    assert 0.03 < 1 - buyers.mean() < 0.1
