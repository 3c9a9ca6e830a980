"""The registered versions: list them, compare two, explain one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cdp.core.errors import ModelError, nearest_name
from cdp.models.declared.spec import registered_name
from cdp.models.gain import Gain, Losses, gains_over
from cdp.models.registry import (
    AS_OF_TAG,
    IMPORTANCE_FILE,
    LOSSES_FILE,
    MODEL_NAMES,
    NOT_PROMOTED_TAG,
    PROMOTED_TAG,
    load_text,
)
from cdp.models.tracking import Tracking, client_of


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: where it stands, what it was trained on and how it did on later periods.

    as_of: the day (ISO) at whose start its data were known. metrics: as logged, name -> number. reason: why it was
    promoted, or left challenger. card: Markdown.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    as_of: str
    metrics: dict[str, float]
    reason: str
    card: str
    run_id: str


def list_versions(tracking: Tracking, names: Sequence[str] | None = None) -> list[ModelVersion]:
    """All versions of our models, by name, the newest first; nothing before the first training."""
    client = client_of(tracking)
    found = []
    for name in model_names(tracking) if names is None else names:
        for version in client.search_model_versions(f"name = '{name}'"):
            run = client.get_run(str(version.run_id))
            found.append(
                ModelVersion(
                    name,
                    str(version.version),
                    tuple(sorted(client.get_model_version(name, version.version).aliases)),
                    run.data.tags.get(AS_OF_TAG, ""),
                    dict(run.data.metrics),
                    version.tags.get(PROMOTED_TAG, version.tags.get(NOT_PROMOTED_TAG, "")),
                    str(version.description or ""),
                    str(version.run_id),
                )
            )
    return sorted(found, key=lambda v: (v.name, -int(v.version)))


def find_version(tracking: Tracking, name: str, asked: str) -> ModelVersion:
    """A version by its number or by one of its aliases; ModelError with what there is."""
    versions = list_versions(tracking, (known_model(tracking, name),))
    for version in versions:
        if asked == version.version or asked in version.aliases:
            return version
    there = ", ".join("/".join((v.version, *v.aliases)) for v in versions) or "none"
    raise ModelError(f"{name} has no version {asked}; there is {there}")


def compare_versions(ours: ModelVersion, theirs: ModelVersion) -> dict[str, Gain]:
    """Measure -> the gain of `ours` over `theirs` with its interval, on the later periods that both were tested on.

    Empty where they share none with the same people, or a version was trained by an earlier release.
    """
    losses = []
    for version in (ours, theirs):
        try:
            losses.append(Losses.from_json(load_text(version.run_id, LOSSES_FILE)))
        except Exception:  # MLflow raises many kinds for a file that is not there
            return {}
    return gains_over(losses[0], losses[1])


def load_importance(version: ModelVersion) -> dict[str, dict[str, float]]:
    """See `importance_of`; empty for a version of an earlier release too."""
    try:
        found: dict[str, dict[str, float]] = json.loads(load_text(version.run_id, IMPORTANCE_FILE))
    except Exception:  # as above
        return {}
    return found


def model_names(tracking: Tracking) -> list[str]:
    """Churn, lifetime value, and what was registered of conf/models."""
    found = client_of(tracking).search_registered_models(f"name LIKE '{registered_name('%')}'")
    return sorted({*MODEL_NAMES.values(), *(model.name for model in found)})


def known_model(tracking: Tracking, name: str) -> str:
    """The name, if it is a model of ours; ModelError with the nearest name if it is not."""
    if name not in (names := model_names(tracking)):
        raise ModelError(f"no model {name!r}: {nearest_name(name, names)}")
    return name
