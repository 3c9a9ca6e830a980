"""The definition file of identity: which identifiers join records, and when a value is too common to join any."""

from __future__ import annotations

import math
import re
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cdp.core.errors import nearest_name
from cdp.identity.linkage.parts import IDENTIFIERS

OneValue = Literal["birth_date", "national_id"]
ONE_VALUE: tuple[OneValue, ...] = get_args(OneValue)
PeopleCount = Literal["name_and_birth_date", "user_id", "customer_id", "loyalty_id", "email"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LinkRule(_Frozen):
    """How far an equal value of one identifier type speaks for one person.

    probability: that two records with the same value, if it is not generic, are one person. max_people: a value
    that ties together more than so many distinct people is generic and joins nobody. people_by: how people are told
    apart: by (first letter of the given name, birth date) in customer records, or by the distinct values of another
    identifier type that stand in the same records.
    """

    probability: float = Field(gt=0, lt=1)
    max_people: int = Field(ge=1)
    people_by: tuple[PeopleCount, ...] = ("name_and_birth_date",)

    @property
    def weight(self) -> float:
        """Evidence in bits: log2 of the odds of `probability`."""
        return math.log2(self.probability / (1 - self.probability))


class GenericPattern(_Frozen):
    """A value that says nobody in particular by its form alone: a test address, a role address, a filler number."""

    types: tuple[str, ...] = Field(min_length=1)
    pattern: str
    reason: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern


class ValueLimit(_Frozen):
    """At most so many different values of one identifier type within any so many days."""

    values: int = Field(ge=1)
    days: int = Field(ge=1)


class Policy(_Frozen):
    """What never is one person, whatever else speaks for it; what a steward merged is.

    one_value: of these a person has one. Two people most of whose records that tell it differ clearly are two, unless
    they agree in the birth date or the national id otherwise: then one of the values is wrong. at_most: limits by
    identifier type; the strongest links come first, and what would exceed a limit is refused.
    """

    one_value: tuple[OneValue, ...] = ()
    at_most: dict[str, ValueLimit] = Field(default_factory=dict)


class AccountRules(_Frozen):
    """Which company accounts there are above people.

    names: the columns of silver.customer_records that name the company whose people customers are. public_mail_domains:
    providers where anybody can have an address; a name without a dot stands for all its domains (yahoo: yahoo.co.uk).
    """

    names: tuple[Literal["organisation_name", "employer"], ...] = ("organisation_name",)
    public_mail_domains: tuple[str, ...] = ()


class IdentityRules(_Frozen):
    """All of conf/identity/rules.yaml.

    links: rule per identifier type; a type that is not named joins nothing. known_types: who has one is a known
    person. nicknames: short name -> full name, lower case, where the first letters differ. generic_words and
    generic_patterns: values that say nobody. policy: what never is one person. accounts: what a company account is.
    """

    links: dict[str, LinkRule] = Field(min_length=1)
    known_types: tuple[str, ...]
    nicknames: dict[str, str] = Field(default_factory=dict)
    generic_words: tuple[str, ...] = ()
    generic_patterns: tuple[GenericPattern, ...] = ()
    policy: Policy = Policy()
    accounts: AccountRules = AccountRules()

    @model_validator(mode="after")
    def _limits_known_types(self) -> IdentityRules:
        known = sorted({*self.links, *IDENTIFIERS})
        for name in self.policy.at_most:
            if name not in known:
                raise ValueError(f"policy.at_most: no identifier type {name!r}: {nearest_name(name, known)}")
        return self
