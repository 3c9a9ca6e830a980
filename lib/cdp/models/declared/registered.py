"""Declared models in MLflow: a training is logged, its version registered, the champion read back."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Mapping, Sequence

from cdp.models.declared.card import write_card
from cdp.models.declared.score import DeclaredModel, DeclaredVersion
from cdp.models.declared.spec import PropensitySpec, registered_name
from cdp.models.declared.train import FORM, TrainedDeclared
from cdp.models.registry import (
    CUTS_FILE,
    DEFINITION_TAG,
    LOSSES_FILE,
    MODEL_TAG,
    PUSHES_FILE,
    RegisteredRun,
    log_comparison,
    read_stored,
    register,
    run_of,
    training_run,
)
from cdp.models.tracking import Tracking, client_of
from cdp.models.train import DatasetVersion
from cdp.models.tries import Try, champions_of, tries_of

MODEL_FILE = "propensity.pickle.txt"  # base64: what a night scores by, without the cost of loading a served model


def log_declared(
    tracking: Tracking,
    name: str,
    spec: PropensitySpec,
    trained: TrainedDeclared,
    *,
    datasets: Sequence[DatasetVersion],
    fingerprint: str,
) -> RegisteredRun:
    """Log one training of the model `name` and register its version, the `challenger` until it is promoted."""
    import mlflow

    from cdp.models.declared.pyfunc_model import log_pyfunc

    as_of, tags = trained.as_of.isoformat(), training_tags(name, trained.declared.definition)
    with training_run(tracking, name, as_of=as_of, fingerprint=fingerprint, datasets=datasets, tags=tags) as run_id:
        mlflow.log_params({"form": FORM, "purpose": spec.purpose, **trained.describe()})
        mlflow.log_metrics(trained.metrics)
        mlflow.log_text(trained.losses.to_json(), LOSSES_FILE)
        mlflow.log_dict(trained.cuts, CUTS_FILE)
        mlflow.log_dict(trained.importance, PUSHES_FILE)
        log_comparison(tracking, trained.figures, trained.candidates, parent=run_id)
        mlflow.log_text(base64.b64encode(pickle.dumps(trained.declared)).decode(), MODEL_FILE)
        model_id = log_pyfunc(name, trained.declared)
        version = register(tracking, registered_name(name), model_id, run_id, write_card(name, spec, trained))
    return RegisteredRun(run_id, {registered_name(name): version})


def training_tags(name: str, definition: str) -> dict[str, str]:
    """What every run of the model `name` under this definition carries."""
    return {MODEL_TAG: name, DEFINITION_TAG: f"{FORM} {definition}"}


def tries_of_declared(tries: Sequence[Try], name: str, definition: str) -> list[Try]:
    """The trainings of the model `name` under this definition."""
    return tries_of(tries, name, f"{FORM} {definition}")


def load_declared(
    tracking: Tracking, tries: Sequence[Try], definitions: Mapping[str, str]
) -> dict[str, DeclaredVersion]:
    """The champions of the models named in `definitions`, but for those of another form or definition.

    `tries`: all trainings, which tell from which run a version came and under which definition.
    """
    tried = {name: tries_of_declared(tries, name, definition) for name, definition in definitions.items()}
    return {
        name: DeclaredVersion(made.name, made.version, _read_declared(made.name, made.version, made.run_id))
        for name, made in champions_of(tracking, tried).items()
    }


def load_version(tracking: Tracking, registered: str, version: str) -> DeclaredModel | None:
    """The model of a version; None for those of another form, ModelError when it cannot be read."""
    run_id = run_of(tracking, registered, version)
    if client_of(tracking).get_run(run_id).data.params.get("form") != FORM:
        return None
    return _read_declared(registered, version, run_id)


def _read_declared(registered: str, version: str, run_id: str) -> DeclaredModel:
    return read_stored(registered, version, run_id, file=MODEL_FILE, read=_unpickled)


def _unpickled(text: str) -> DeclaredModel:
    found = pickle.loads(base64.b64decode(text))
    if not isinstance(found, DeclaredModel):
        raise TypeError(type(found))
    return found
