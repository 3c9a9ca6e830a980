"""The value model as one set of numbers: a purchase model, what past cuts taught to correct, levels and intervals.

It answers both questions about a customer without a contract: churn = P(no purchase in the horizon), and lifetime value
= expected spend in it. Never 1 - P(alive): that is 0 for every one-time buyer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cdp.models.btyd.bgnbd import BgNbd, MbgNbd
from cdp.models.btyd.gamma_gamma import GammaGamma
from cdp.models.btyd.pareto import ParetoNbd
from cdp.models.forecast.conformal import SpendBands
from cdp.models.forecast.factors import Factors
from cdp.models.forecast.gate import Weights
from cdp.models.loyalty import Rhythm
from cdp.models.segments import Segments
from cdp.models.stability import Reference

FORM = "layers/4"  # change it with the formulas or the fit, so that old runs are neither reused nor misread
FREQUENCY_MODELS: Mapping[str, type[BgNbd] | type[ParetoNbd]] = {
    "bgnbd": BgNbd,
    "nbd": BgNbd,
    "mbgnbd": MbgNbd,
    "pareto": ParetoNbd,
}


@dataclass(frozen=True, eq=False)
class ValueParameters:
    """All that scoring needs, and what it was fitted on.

    `frequency` names the purchase model (`FREQUENCY_MODELS`; nbd: nobody leaves), `model` are its parameters and
    `bgnbd` those of BG/NBD, whose intervals of churn are used; `monetary` is gamma_gamma or shrunk_mean. `boosters`:
    name -> LightGBM's text of the correction, empty where none is taken, and `weights` how much of each is added.
    `window_weeks` and `look_backs` define its features. `levels`: weeks -> factors. `amount_limit`: what no
    purchase day counts above, in training and scoring (far_amounts.py); `days_limit`: a purchase more days ago than
    this is of an unknown time (far_days.py). `horizon_weeks` is the horizon that was tested and is scored by default.
    `early_share` is the share of people whose first purchase lies in the first weeks of the history: old customers that
    look new. `references`: how the measures of drift.py were spread in training; `segments`: where people are put by
    their scores; `rhythm`: what loyalty is measured by. Both are None in versions from before there were any. Times in
    weeks; `as_of` is an ISO date at whose start the data were known.
    """

    frequency: str
    model: BgNbd | ParetoNbd
    bgnbd: BgNbd
    monetary: str
    gamma_gamma: GammaGamma
    weights: Weights
    boosters: Mapping[str, str]
    look_backs: tuple[int, ...]
    window_weeks: float
    levels: Mapping[int, Factors]
    amount_limit: float
    days_limit: int
    bands: SpendBands
    as_of: str
    horizon_weeks: int
    n_people: int
    log_likelihood: float
    early_share: float
    references: Mapping[str, Reference] = field(default_factory=dict)
    segments: Segments | None = None
    rhythm: Rhythm | None = None
    warnings: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValueParameters) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    @property
    def churn_method(self) -> str:
        """Name of the form behind a churn score."""
        return f"{self.frequency}+correction" if self.boosters else self.frequency

    @property
    def ltv_method(self) -> str:
        """Name of the whole form, as gold.predictions shows it."""
        return f"{self.churn_method}+{self.monetary}"

    def level_at(self, weeks: float) -> Factors:
        """The factors of a horizon, or of the nearest one (the shorter of two) that was settled."""
        return self.levels[min(sorted(self.levels), key=lambda settled: abs(settled - weeks))]

    def to_json(self) -> str:
        """Canonical JSON: keys sorted, floats in full precision."""
        raw = asdict(self) | {"form": FORM}
        raw["bands"] = {name: getattr(self.bands, name).tolist() for name in ("edges", "low", "high")}
        return json.dumps(raw, sort_keys=True)

    def describe(self) -> dict[str, Any]:
        """All but the boosters' text: what a ledger keeps; the whole is an artifact of the training's run."""
        return {**json.loads(self.to_json()), "boosters": sorted(self.boosters)}

    @staticmethod
    def from_json(text: str) -> ValueParameters | None:
        """The inverse of `to_json`; None for the parameters of another form, as an earlier release stored them."""
        raw: dict[str, Any] = json.loads(text)
        if raw.pop("form", None) != FORM:
            return None
        raw["model"] = FREQUENCY_MODELS[raw["frequency"]](**raw["model"])
        raw["bgnbd"] = BgNbd(**raw["bgnbd"])
        raw["gamma_gamma"] = GammaGamma(**raw["gamma_gamma"])
        raw["weights"] = Weights(**(raw["weights"] | {"spend": tuple(raw["weights"]["spend"])}))
        raw["levels"] = {int(weeks): Factors(**factors) for weeks, factors in raw["levels"].items()}
        raw["bands"] = SpendBands(**{name: np.array(values) for name, values in raw["bands"].items()})
        raw["references"] = {
            name: Reference(tuple(r["edges"]), tuple(r["shares"])) for name, r in raw["references"].items()
        }
        raw["segments"] = Segments.from_dict(raw["segments"]) if raw["segments"] else None
        raw["rhythm"] = Rhythm.from_dict(raw["rhythm"]) if raw.get("rhythm") else None
        raw["look_backs"], raw["warnings"] = tuple(raw["look_backs"]), tuple(raw["warnings"])
        return ValueParameters(**raw)
