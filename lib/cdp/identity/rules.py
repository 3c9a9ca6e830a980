"""The definition file of identity: which identifiers join records, and when a value is too common to join any."""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

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


class IdentityRules(_Frozen):
    """All of conf/identity/rules.yaml.

    links: rule per identifier type; a type that is not named joins nothing. known_types: who has one is a known
    person. nicknames: short name -> full name, lower case, where the first letters differ. generic_words and
    generic_patterns: values that say nobody.
    """

    links: dict[str, LinkRule] = Field(min_length=1)
    known_types: tuple[str, ...]
    nicknames: dict[str, str] = Field(default_factory=dict)
    generic_words: tuple[str, ...] = ()
    generic_patterns: tuple[GenericPattern, ...] = ()
