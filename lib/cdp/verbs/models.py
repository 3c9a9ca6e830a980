"""``cdp models``: the registered versions, and which one scores."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from cdp.runtime.entry import configuration_of
from cdp.verbs.parser import Verbs, add_verb

if TYPE_CHECKING:
    from cdp.models.registry import Tracking

#: Of some fifty metrics those that one compares first: ranking, calibration and level, on the later period.
_MAIN_METRICS = ("churn_auc", "churn_ece", "purchases_bias", "spend_bias")


def add(verbs: Verbs) -> None:
    models = verbs.add_parser("models", help="list registered models, promote one, or roll back")
    acts = models.add_subparsers(title="what to do", metavar="ACT", required=True)
    add_verb(acts, "list", list_models_verb, "list every registered version: aliases, training date, main metrics")
    promote = add_verb(acts, "promote", promote_verb, "make a version the champion, once it has proved that it scores")
    promote.add_argument("model", help="cdp.churn or cdp.ltv")
    promote.add_argument("version", help="the version's number, as `cdp models list` prints it")
    promote.add_argument("--reason", required=True, metavar="TEXT", help="why; kept with the version")
    rollback = add_verb(acts, "rollback", rollback_verb, "give the alias champion back to the version before")
    rollback.add_argument("model", help="cdp.churn or cdp.ltv")


def list_models_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models list``: what is in the registry, and which version scores."""
    from cdp.models.versions import list_versions

    versions = list_versions(_open_tracking(options))
    if not versions:
        console.print("no model is registered yet: the first night with enough purchases trains one")
    for v in versions:
        metrics = "  ".join(f"{name} {v.metrics[name]:.3f}" for name in _MAIN_METRICS if name in v.metrics)
        aliases = ", ".join(v.aliases) or "-"
        line = f"{v.name:<10} {v.version:>3}  {aliases:<9} trained as of {v.as_of}  {metrics}"
        console.print(line + (f"\n    {v.reason}" if v.reason else ""), highlight=False, markup=False)
    return 0


def promote_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models promote MODEL VERSION --reason TEXT``."""
    from cdp.models.versions import promote_version

    promote_version(_open_tracking(options), options.model, options.version, reason=options.reason)
    _tell_champion(console, options.model, options.version)
    return 0


def rollback_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models rollback MODEL``."""
    from cdp.models.registry import rollback
    from cdp.models.versions import known_model

    version = rollback(_open_tracking(options), known_model(options.model))
    _tell_champion(console, options.model, version)
    return 0


def _tell_champion(console: Console, model: str, version: str) -> None:
    console.print(f"{model} version {version} is champion: the next night scores by it", highlight=False)


def _open_tracking(options: argparse.Namespace) -> Tracking:
    from cdp.models.registry import open_tracking

    settings = configuration_of(options).settings
    return open_tracking(settings.mlflow_tracking_uri, artifact_location=settings.model_artifacts)
