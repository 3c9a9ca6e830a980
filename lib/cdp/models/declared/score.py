"""A declared model that is ready to score: probability and reasons, as rows of gold.predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import special

from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.models.propensity.propensity_model import PropensityModel
from cdp.models.propensity.pushes import push_reasons
from cdp.models.stability import Reference


@dataclass(frozen=True)
class DeclaredModel:
    """What scores, and how the numbers of its people and their scores ("") were spread in training (drift.py).

    `definition`: see `spec.definition_mark`.
    """

    model: PropensityModel
    features: tuple[str, ...]
    horizon_weeks: int
    method: str
    references: Mapping[str, Reference]
    definition: str


@dataclass(frozen=True)
class DeclaredVersion:
    """One registered version of a declared model, resolved once for a whole run."""

    name: str
    version: str
    declared: DeclaredModel


def score_people(declared: DeclaredModel, frame: pd.DataFrame) -> pd.DataFrame:
    """`probability` and `reasons` (pushes.py) of each row; a feature that the frame lacks is missing for everybody."""
    matrix = declared.model.encode(frame)
    pushes = declared.model.pushes(matrix)
    reasons = pd.Series(push_reasons(matrix, pushes[:, :-1]), dtype=object)
    return pd.DataFrame({"probability": special.expit(pushes.sum(axis=1)), "reasons": reasons})


def prediction_rows(model: str, version: DeclaredVersion, frame: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rows of gold.predictions for the people of `frame` (person_id and features), in its order."""
    scored = score_people(version.declared, frame)
    rows = pd.DataFrame(
        {
            "person_id": frame["person_id"].to_numpy(),
            "model": model,
            "as_of": as_of,
            "score": scored["probability"],
            "horizon_weeks": version.declared.horizon_weeks,
            "method": version.declared.method,
            "reasons": scored["reasons"],
            "model_name": version.name,
            "model_version": version.version,
        }
    )
    numbers = {c.name: np.nan for c in PREDICTIONS.columns if c.type in ("DOUBLE", "INT") and c.name not in rows}
    return rows.assign(**numbers, segment=None, loyalty_state=None)[PREDICTIONS.column_names]
