"""What people buy next, and which channel is credited for what they bought."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from cdp.reports.facts.rows import Rows


@dataclass(frozen=True)
class RecommendationFacts:
    """One part (repeat or explore) of one list of recommendations, as it is by now; made on the night ``as_of``.

    ``first_score``: mean over the people of their first item's score, which ``score_kind`` (chance or share) names.
    ``first_item``: the one that is first for most.
    """

    list: str
    part: str
    people: int
    items: int
    first_score: float
    score_kind: str
    first_item: str
    as_of: str


@dataclass(frozen=True)
class CreditFacts:
    """Orders and their value that each model (first, last, linear, shapley, markov) credits to a channel and campaign.

    ``markov``: of the memory that foretells orders best. ``as_of``: the night that shared them out.
    """

    attribution: str
    as_of: str
    channel: str
    campaign: str
    orders: tuple[tuple[str, float], ...]
    value: float

    def credited(self, model: str) -> float:
        """Orders by one model."""
        return dict(self.orders).get(model, 0.0)


def read_recommendations(rows: Rows) -> tuple[RecommendationFacts, ...]:
    """By list, what was bought before first."""
    return tuple(sorted((RecommendationFacts(**r) for r in rows), key=lambda f: (f.list, f.part != "repeat")))


def read_credits(rows: Rows) -> tuple[CreditFacts, ...]:
    """By what the Markov chain credits, the most first; the value is what it credits too."""
    steps: dict[tuple[str, str, str, str], Rows] = defaultdict(list)
    for row in rows:
        steps[row["attribution"], row["as_of"], row["channel"], row["campaign"]].append(row)
    facts = [
        CreditFacts(
            *step,
            orders=tuple(sorted((r["model"], r["conversions"]) for r in of_models)),
            value=next((r.get("value", 0.0) for r in of_models if r["model"] == "markov"), 0.0),
        )
        for step, of_models in steps.items()
    ]
    return tuple(sorted(facts, key=lambda f: (f.attribution, -f.credited("markov"), f.channel, f.campaign)))
