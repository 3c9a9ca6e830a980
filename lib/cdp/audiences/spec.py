"""What an audience file says: a condition on a person, what it is for, whose it is and until when."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class AudienceSpec(BaseModel):
    """One file of conf/audiences; the file's name is the audience's name.

    ``predicate`` is SQL over the columns of :func:`cdp.audiences.facts.people_facts`; a person for whom it
    is null (a trait that the person does not have) is not in. ``purpose`` is the consent purpose that a
    member must have granted before the audience leaves for one of ``destinations``. ``expires_on`` is the
    first date on which nobody is in any more: an audience has an end, or somebody who renews it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    predicate: str
    purpose: str
    owner: str
    expires_on: date
    destinations: list[str] = Field(default_factory=list)
