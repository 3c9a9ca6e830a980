"""Company accounts above people."""

from __future__ import annotations

import random

import pandas as pd
import pyarrow as pa
import pytest

from cdp.identity.linkage.companies import Accounts, company_domain, find_accounts, is_like, organisation_key
from cdp.identity.linkage.resolve import Resolution, resolve_table
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.rules import IdentityRules

NUMBER, NAME, DOMAIN = "account_id", "organisation_name", "email_domain"
HELD = [
    ("ann", NAME, "acme"), ("ann", DOMAIN, "acme.com"),
    ("bob", DOMAIN, "acme.com"), ("bob", NUMBER, "17"),
    ("cy", NUMBER, "17"), ("cy", NAME, "acme"),
    ("dee", DOMAIN, "acme.com"),
    ("eve", NAME, "acme"), ("eve", NAME, "zenith optics"),  # changed from one to the other
    ("fay", NAME, "zenith optics"), ("fay", DOMAIN, "zo.example"),
    ("gus", DOMAIN, "zo.example"),
    ("ida", NAME, "baker bros"), ("ida", DOMAIN, "wanadoo.example"),  # a provider: one name, which it is not like
    ("jo", DOMAIN, "wanadoo.example"),
    ("kim", DOMAIN, "alone.example"),
]  # fmt: skip


def accounts(rows: list[tuple[str, str, str]]) -> Accounts:
    return find_accounts(pd.DataFrame(rows, columns=["person", "kind", "value"]).assign(n=1))


def people_of(found: Accounts) -> dict[str, set[str]]:
    """The least value of each account -> its people."""
    least = found.values.drop_duplicates("account").set_index("account")["value"]
    return {least[account]: set(of["person"]) for account, of in found.members.groupby("account")}


def test_numbers_names_and_domains_come_together_and_providers_join_nobody() -> None:
    found = accounts(HELD)
    assert people_of(found) == {
        "17": {"ann", "bob", "cy", "dee", "eve"},
        "zenith optics": {"eve", "fay", "gus"},
        "baker bros": {"ida"},
        "alone.example": {"kim"},
    }
    kinds = {(m.person, m.account): m.kind for m in found.members.itertuples()}
    assert {kind for (person, _), kind in kinds.items() if person == "dee"} == {DOMAIN}
    assert {kind for (person, _), kind in kinds.items() if person in ("bob", "cy")} == {NUMBER}
    assert "wanadoo.example" not in set(found.values["value"])


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = list(HELD)
    random.Random(3).shuffle(shuffled)
    one, other = accounts(HELD), accounts(shuffled)
    pd.testing.assert_frame_equal(one.values, other.values)
    pd.testing.assert_frame_equal(one.members, other.members)
    assert accounts([]).members.empty


def test_a_person_is_mainly_of_the_account_that_most_records_tell() -> None:
    held = pd.DataFrame(
        [("p", NAME, "acme", 1), ("p", NAME, "beta", 3), ("q", NAME, "acme", 2)],
        columns=["person", "kind", "value", "n"],
    )
    found = find_accounts(held)
    number = found.values.set_index("value")["account"]
    assert found.main_of().to_dict() == {"p": number["beta"], "q": number["acme"]}


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("The Acme Trading Co., Ltd.", "acme trading"),
        ("ACME Trading Company Limited", "acme trading"),
        ("Müller & Söhne G.m.b.H.", "muller sohne"),
        ("Mueller S.A.R.L.", "mueller"),
        ("AS Roma", "as roma"),
        ("A.B. Smith plc", "ab smith"),
        ("Self-employed", None),
        ("n/a", None),
        ("Limited", "limited"),
    ],
)
def test_names_of_organisations_are_compared_without_legal_forms(raw: str, key: str | None) -> None:
    assert organisation_key(raw) == key


def test_domains() -> None:
    public = {"web.de", "yahoo"}
    assert company_domain("ann@acme.com", public) == "acme.com"
    assert [company_domain(a, public) for a in ("a@web.de", "a@yahoo.co.uk", "a")] == [None, None, "a"]
    assert is_like("acme-trading.com", "acme trading") and is_like("acme.com", "acme trading")
    assert is_like("ibm.com", "international business machines") and is_like("acmeuk.com", "acme")
    assert not is_like("wanadoo.example", "baker bros") and not is_like("ac.uk", "acme")


def test_files_with_companies_get_an_account_column() -> None:
    given, family = ["ann", "bob", "cyril", "dora", "emil", "fred"], ["holt", "marsh", "quist", "ruiz", "stone", "tull"]
    rows = [
        {
            "id": f"{n}",
            "first": given[n % 6],
            "last": family[(n * 5 + n // 6) % 6],
            "mail": f"m{n}@gmail.com",
            "org": None,
        }
        for n in range(18)
    ]
    rows[0] |= {"org": "Acme Trading Ltd", "mail": "ann@acmetrading.com"}
    rows[7] |= {"org": "The ACME Trading Company"}
    rows[14] |= {"mail": "x@acmetrading.com"}
    columns = {"first": "given_name", "last": "family_name", "mail": "email", "org": "organisation_name"}
    link = {"probability": 0.9, "max_people": 1}
    rules = IdentityRules(links={"email": link}, known_types=(), accounts={"public_mail_domains": ["gmail"]})

    def resolve(columns: dict[str, str]) -> Resolution:
        schema = RecordSchema.model_validate({"record_id": "id", "columns": columns})
        return resolve_table(pa.Table.from_pylist(rows), schema, rules=rules, secret=b"key")

    found = resolve(columns)
    account = found.people.set_index("record_id")["account_id"].dropna()
    assert set(account.index) == {"0", "7", "14"} and account.nunique() == found.summary["accounts"] == 1
    assert account["0"].startswith("a_")
    without = resolve({name: kind for name, kind in columns.items() if name != "org"})
    assert list(without.people.columns) == ["source", "record_id", "person_id", "household_id"]
