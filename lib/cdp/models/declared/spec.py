"""What a file of conf/models says: what is to be foretold of customers, how far ahead, and from which features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cdp.core.errors import ConfigError, nearest_name
from cdp.rules.measures import Measure

_MEASURE = set(Measure.model_fields)
TAKEN_NAMES = ("churn", "ltv")  # models that are always there


class Label(BaseModel):
    """What happens or does not: a condition on the rows of one table, in the grammar of traits.

    ``aggregate`` is true or false of a person's rows that meet the ``filter``; without one such row it is false.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Literal["silver.events", "silver.order_lines", "silver.feedback"]
    filter: str
    aggregate: str = "count(*) > 0"


class PropensitySpec(BaseModel):
    """One file of conf/models; its name is the model's name in gold.predictions, registered as ``cdp.<name>``.

    Foretold is whether the ``label`` happens in the ``horizon_weeks`` after a day, from the ``features`` of that day
    (traits that say ``is_feature``; none named: all). ``sources`` names those without which there is nothing to learn:
    where the settings do not choose one of them, the model is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Label
    horizon_weeks: int = Field(ge=1, le=52)
    features: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    purpose: str
    owner: str
    description: str

    @property
    def outcome(self) -> Measure:
        """The label as a measure: as of a day, whether it happened in the horizon before."""
        return Measure(
            table=self.label.table,
            filter=self.label.filter,
            aggregate=self.label.aggregate,
            window_days=7 * self.horizon_weeks,
            default=False,
            type="boolean",
        )

    def missing_sources(self, chosen: Collection[str]) -> list[str]:
        """Those of its sources that the settings do not choose."""
        return [source for source in self.sources if source not in chosen]


def registered_name(name: str) -> str:
    """The model's name in the registry."""
    return f"cdp.{name}"


def chosen_features(spec: PropensitySpec, features: Mapping[str, Measure]) -> dict[str, Measure]:
    """Those of the features that it learns from, by name."""
    return {name: features[name] for name in sorted(spec.features or features)}


def definition_mark(spec: PropensitySpec, features: Mapping[str, Measure]) -> str:
    """Hash of what a score means and is made of: versions of another definition neither score nor count as trained."""
    measures = {"": spec.outcome, **features}
    said = {name: measure.model_dump(mode="json", include=_MEASURE) for name, measure in measures.items()}
    return hashlib.sha256(json.dumps([spec.horizon_weeks, said], sort_keys=True).encode()).hexdigest()[:16]


def check_specs(specs: Mapping[str, PropensitySpec], *, features: Collection[str], sources: Collection[str]) -> None:
    """:class:`ConfigError` for the first file whose name is taken, or whose features or sources do not exist."""
    for name, spec in sorted(specs.items()):
        file = f"conf/models/{name}.yaml"
        if name in TAKEN_NAMES or not name.isidentifier():
            raise ConfigError(f"{file}: {name!r} cannot be a model's name: take a word that is none of {TAKEN_NAMES}")
        for kind, names, known in (("features", spec.features, features), ("sources", spec.sources, sources)):
            for one in names:
                if one not in known:
                    hint = nearest_name(one, sorted(known))
                    what = "trait with `is_feature: true`" if kind == "features" else "source"
                    raise ConfigError(f"{file}: {kind}: {one!r} is no {what}; {hint}")
