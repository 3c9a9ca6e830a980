"""Company accounts above people: who belongs to which, by account numbers, names of organisations and e-mail domains.

A person may belong to several accounts, so what holds an account together are its values and never its people: one
who changed the employer does not make one company of two. Nothing of it is fed back into people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cdp.identity.linkage import contact_values as contact
from cdp.identity.linkage.clusters import component_labels
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.schema import RecordSchema, SemanticType
from cdp.identity.linkage.text import map_distinct

#: What tells of an account, the surest first; who has a surer one is not asked for the next.
KINDS = ("account_id", "organisation_name", "email_domain")
# Who is asked for an employer and has none writes one of these.
_NO_COMPANY = frozenset((
    "self", "self employed", "selfemployed", "freelance", "freelancer", "unemployed", "retired", "student", "private",
    "privat", "homemaker", "housewife", "not employed", "individual", "personal", "other", "consumer",
))  # fmt: skip


@dataclass(frozen=True)
class Accounts:
    """values: one row (kind, value, account) per value that tells of an account. members: one row (person, account,
    kind, n) per person and account, with the surest kind that says so and the records that do. account: a number.
    """

    values: pd.DataFrame
    members: pd.DataFrame

    def main_of(self) -> pd.Series:
        """person -> the one account that most of the person's records tell of (then the one with the least number)."""
        order = self.members.sort_values(["person", "n", "account"], ascending=[True, False, True])
        return order.drop_duplicates("person").set_index("person")["account"]


def find_accounts(held: pd.DataFrame) -> Accounts:
    """Tell who belongs to which account, from rows (person, kind, value, n): n records of the person tell this value.

    An account number, and an e-mail domain, is of the organisation that more than half of its people name who name
    any; of domains that nobody's records name otherwise than by the address, two such people are needed or a likeness
    of domain and name. A domain whose people name many organisations is a provider's and joins nobody. The order of
    the rows does not matter.
    """
    held = held.groupby(["person", "kind", "value"], as_index=False)["n"].sum()
    values = held[["kind", "value"]].drop_duplicates()
    values["rank"] = values["kind"].map(KINDS.index)
    values = values.sort_values(["rank", "value"], ignore_index=True).drop(columns="rank")
    held = held.merge(values.reset_index(names="node"), on=["kind", "value"])
    named = held.loc[held["kind"] == "organisation_name", ["person", "node"]]
    ties, shared = [], np.empty(0, np.int64)
    for kind, is_sure in (("account_id", True), ("email_domain", False)):
        tied, told = _organisation_of(held.loc[held["kind"] == kind, ["person", "node"]], named, values, is_sure)
        ties.append(tied)
        if not is_sure:
            shared = np.setdiff1d(told, tied[:, 0])
    left, right = np.concatenate(ties).T
    values["account"] = component_labels(len(values), left, right)
    held["account"] = values["account"].to_numpy()[held["node"]]
    held = held[~held["node"].isin(shared)]
    is_domain = held["kind"] == "email_domain"
    held = held[~is_domain | ~held["person"].isin(held.loc[~is_domain, "person"])]
    order = held.sort_values(["person", "account", "node"])
    members = order.groupby(["person", "account"], as_index=False).agg(kind=("kind", "first"), n=("n", "max"))
    values = values[values["account"].isin(members["account"]) & ~values.index.isin(shared)]
    return Accounts(values.reset_index(drop=True), members)


def _organisation_of(
    weaker: pd.DataFrame, named: pd.DataFrame, values: pd.DataFrame, is_sure: bool
) -> tuple[Rows, Rows]:
    """((node, node of its organisation) of each that has one, nodes whose people name any organisation)."""
    both = weaker.merge(named, on="person", suffixes=("", "_name"))
    votes = both.groupby(["node", "node_name"]).size().rename("votes").reset_index()
    votes["voters"] = votes["node"].map(both.groupby("node")["person"].nunique())
    best = votes[votes["votes"] * 2 > votes["voters"]].sort_values(["node", "votes", "node_name"])
    best = best.drop_duplicates("node", keep="last")
    if not is_sure:
        text = values["value"].to_numpy(object)
        pairs = zip(text[best["node"]], text[best["node_name"]], strict=True)
        best = best[(best["votes"] > 1) | np.array([is_like(d, name) for d, name in pairs], bool)]
    return best[["node", "node_name"]].to_numpy(np.int64), both["node"].unique()


def is_like(domain: str, name: str) -> bool:
    """Whether a domain is made of an organisation's name: of its first words, or their first letters."""
    label, words = domain.split(".")[0].replace("-", ""), name.split()
    joined = "".join(words)
    initials = "".join(word[0] for word in words)
    return (len(label) > 2 and joined.startswith(label)) or label.startswith(joined) or (
        len(words) > 1 and label == initials
    )  # fmt: skip


def company_domain(email: str, public: Collection[str]) -> str | None:
    """The domain of an e-mail address; None where it is of a public mail provider.

    public: domains (web.de), and names without a dot that stand for all their domains (yahoo: yahoo.co.uk, ...).
    """
    domain = email.rpartition("@")[2]
    return None if not domain or domain in public or domain.split(".")[0] in public else domain


def organisation_key(raw: str) -> str | None:
    """A name of an organisation as it is compared; None for nothing, and for words that mean to have none."""
    made = contact.normal_organisation(raw)
    return None if made is None or made in _NO_COMPANY else made


def account_numbers(frame: pd.DataFrame, schema: RecordSchema, person: Rows, public: Collection[str]) -> Rows:
    """The account of each record of a file, as a number; -1 without one. A person's records have one account.

    Only for schemas that name an organisation_name or an account_id; employers and e-mail addresses help then.
    """
    forms: list[tuple[str, SemanticType, Callable[[str], str | None]]] = [
        ("account_id", "account_id", contact.normal_id),
        ("organisation_name", "organisation_name", organisation_key),
        ("organisation_name", "employer", organisation_key),
        ("email_domain", "email", lambda raw: company_domain(contact.normal_email(raw) or "", set(public))),
    ]
    told = [
        pd.DataFrame({"person": person, "kind": kind, "value": map_distinct(frame[column], form).to_numpy(object)})
        for kind, meaning, form in forms
        for column in schema.of_type(meaning)
    ]
    held = pd.concat(told, ignore_index=True).dropna(subset="value").assign(n=1)
    account = find_accounts(held).main_of()
    return account.reindex(person).fillna(-1).to_numpy(np.int64)
