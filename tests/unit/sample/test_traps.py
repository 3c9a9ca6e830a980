"""The traps of identity resolution are there, and the broken share is the declared one."""

from __future__ import annotations

import json
from collections import defaultdict

import pandas as pd
import pytest

from cdp.sample.faults import FAULT_SHARE, KINDS
from cdp.sample.names import KIOSKS, NULL_WORDS, ROLE_ADDRESSES, TEST_ADDRESSES

from .conftest import Company


@pytest.fixture(scope="module")
def crm(company: Company) -> pd.DataFrame:
    """CRM rows with the person behind each."""
    records = company.truth("records").query("source == 'crm'")[["source_record_id", "person"]]
    return company.csv("crm").merge(records, left_on="customer_no", right_on="source_record_id")


@pytest.fixture(scope="module")
def people_of(company: Company) -> dict[tuple[str, str], int]:
    """How many people a value ties together."""
    identifiers = company.truth("identifiers")
    return identifiers.groupby(["identifier_type", "value"])["person"].nunique().to_dict()


def test_values_that_tie_many_people_together(people_of: dict[tuple[str, str], int]) -> None:
    assert all(people_of[("anonymous_id", kiosk)] > 20 for kiosk in KIOSKS)
    assert sum(people_of.get(("email", a), 0) for a in TEST_ADDRESSES) >= 4
    assert sum(people_of.get(("email", a), 0) for a in ROLE_ADDRESSES) >= 6
    family = [n for (kind, value), n in people_of.items() if kind == "phone" and value.startswith("+44207")]
    assert max(family) >= 3
    tablets = [n for (kind, value), n in people_of.items() if kind == "anonymous_id" and value not in KIOSKS]
    assert sum(n > 1 for n in tablets) > 20
    assert max(tablets) <= 5, "a household at most"


def test_recycled_numbers_and_look_alikes(company: Company, people_of: dict[tuple[str, str], int]) -> None:
    households = company.truth("persons").set_index("person")["household"].to_dict()
    identifiers = company.truth("identifiers")
    mobiles = identifiers[identifiers["value"].str.startswith("+4478")]
    homes = mobiles.assign(home=mobiles["person"].map(households)).groupby("value")["home"].nunique()
    assert (homes == 2).sum() >= 2, "one number, two people of two households"
    emails = [value for kind, value in people_of if kind == "email" and value.endswith("@outlook.com")]
    bare: dict[str, set[str]] = defaultdict(set)
    for email in emails:
        bare[email.split("@")[0].replace(".", "")].add(email)
    assert any(len(same) > 1 for same in bare.values())


def test_duplicates_copies_and_versions(crm: pd.DataFrame) -> None:
    numbers = crm.groupby("person")["customer_no"].nunique()
    assert 0.05 < (numbers > 1).mean() < 0.2
    assert numbers.max() >= 12, "equal rows of one person"
    versions = crm.groupby("customer_no")["updated_at"].nunique()
    assert (versions > 1).mean() > 0.05
    smiths = crm[(crm["first_name"] == "J") & (crm["last_name"] == "Smith") & (crm["email"] == "")]
    assert smiths["person"].nunique() == smiths["customer_no"].nunique() >= 2


def test_people_who_look_like_one_and_one_who_looks_like_two(company: Company, crm: pd.DataFrame) -> None:
    persons = company.truth("persons")
    assert persons["is_twin"].sum() >= 2
    assert persons["is_junior"].sum() >= 2
    assert crm["suffix"].isin(["Jr", "Sr"]).any()
    main = crm[crm["first_name"].str.istitle() & crm["last_name"].str.istitle()]
    renamed = main.groupby("customer_no")["last_name"].nunique()
    moved = crm.groupby("customer_no")["postcode"].nunique()
    assert (renamed > 1).sum() >= 3
    assert (moved > 1).sum() >= 10


def test_ways_of_writing(crm: pd.DataFrame) -> None:
    erp, legacy = crm[crm["system"] == "ERP"], crm[crm["system"] == "LEGACY"]
    assert erp["birth_date"].str.fullmatch(r"(\d{4}-\d\d-\d\d)?").all()
    assert legacy["birth_date"].str.fullmatch(r"(\d\d/\d\d/\d{4})?").all()
    assert crm["birth_date"].str.contains("1900").any()
    gmail = crm["email"][crm["email"].str.lower().str.endswith("@gmail.com")]
    assert gmail.str.contains(r"\+shop@").any()
    assert gmail.str.contains(r"^[a-z]\.").any()
    assert crm["email"].str.contains(r"\+shop@outlook", regex=True).any()
    assert crm["street"].str.contains("\n").any()
    fields = crm[["phone", "email", "gender", "job_title", "employer", "pet", "region"]].to_numpy().ravel()
    assert set(NULL_WORDS) <= set(fields)


def _messages(company: Company) -> list[dict]:
    out = []
    for line in company.lines("web"):
        try:
            out.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [m for m in out if isinstance(m.get("receivedAt"), str) and "-13-" not in m["receivedAt"]]


def test_web_traps(company: Company) -> None:
    messages = [m for m in _messages(company) if m["type"] != "teleport"]
    frame = pd.DataFrame(
        {
            "id": [m["messageId"] for m in messages],
            "device": [m["anonymousId"] for m in messages],
            "user": [m["userId"] for m in messages],
            "agent": [m["context"]["userAgent"] for m in messages],
            **{k: pd.to_datetime([m[k] for m in messages], utc=True) for k in ("timestamp", "originalTimestamp")},
            **{k: pd.to_datetime([m[k] for m in messages], utc=True) for k in ("sentAt", "receivedAt")},
        }
    )
    repeated = frame["id"].duplicated().mean()
    assert repeated == pytest.approx(0.012, abs=0.004)
    bots = frame["agent"].str.contains("bot|crawler", case=False)
    assert frame[bots]["user"].isna().all()
    assert 0.004 < bots.mean() < 0.06
    named = set(frame["device"][frame["user"].notna()])
    anonymous = frame[frame["user"].isna() & frame["device"].isin(named)]
    assert len(anonymous) > 1_000, "anonymous ids that identify themselves later"
    skew = (frame["sentAt"] - frame["receivedAt"]).abs() > pd.Timedelta(minutes=2)
    assert 0.005 < skew.mean() < 0.06
    true_time = frame["receivedAt"] - (frame["sentAt"] - frame["originalTimestamp"])
    wrong = (frame["timestamp"] - true_time).abs() > pd.Timedelta(seconds=1)
    assert (wrong & ~skew).sum() == 0
    assert 0.2 < wrong.sum() / skew.sum() < 0.8
    late = frame["receivedAt"] - true_time
    assert 0.01 < (late > pd.Timedelta(hours=2)).mean() < 0.05
    assert late.max() < pd.Timedelta(days=7)
    assert not frame["receivedAt"].is_monotonic_increasing, "out of order"


def test_consents_are_mostly_granted_and_sometimes_withdrawn(company: Company) -> None:
    rows = [json.loads(line) for line in company.lines("consents") if line.endswith("}")]
    mail = [r for r in rows if r["purpose"] == "email_marketing" and not r["id"].endswith("-x")]
    first = [r for r in mail if r["id"].startswith("k-")]
    granted = sum(r["state"] == "granted" for r in first)
    assert 0.68 < granted / len(first) < 0.86
    assert any(r["id"].startswith("u-") and r["state"] == "denied" for r in mail)
    assert {r["source"] for r in rows} == {"web_form", "store", "call_centre"}
    assert company.csv("email")["event"].isin(["unsubscribed"]).any()


def test_the_broken_share_is_the_declared_one(company: Company) -> None:
    summary = company.summary
    for source in ("web", "email", "pos", "consents"):
        broken = sum(summary.faults[source].values())
        assert broken / summary.total(source) == pytest.approx(FAULT_SHARE, rel=0.35)
        assert set(summary.faults[source]) == set(KINDS[source])
    by_night = {s: sum(n.values()) for s, n in summary.faults_by_night.items()}
    assert by_night == {s: sum(n.values()) for s, n in summary.faults.items()}


def test_broken_json_is_as_many_as_planted(company: Company) -> None:
    lines = company.lines("web")
    cut = sum(not line.endswith("}}") for line in lines)
    assert cut == company.summary.faults["web"]["cut"]
    assert sum('"type":"teleport"' in line for line in lines) == company.summary.faults["web"]["unknown_type"]
    pos = company.table("pos")
    planted = company.summary.faults["pos"]
    assert (pos["unit_price"] < 0).sum() == planted["negative_price"]
    assert pos["sold_at"].isna().sum() == planted["no_time"]
