"""The models of lists in MLflow: a training is logged, its version registered, the champion read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdp.models.declared.spec import registered_name
from cdp.models.recommendation.card import write_card
from cdp.models.recommendation.recommend import Recommender
from cdp.models.recommendation.spec import ListSpec, model_of
from cdp.models.recommendation.train import FORM, LISTS, TrainedList
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

RECOMMENDER_FILE = "recommender.json"


@dataclass(frozen=True)
class ListVersion:
    """One registered version of a list's model, resolved once for a whole run."""

    name: str
    version: str
    recommender: Recommender


def log_list(
    tracking: Tracking,
    name: str,
    spec: ListSpec,
    trained: TrainedList,
    *,
    datasets: Sequence[DatasetVersion],
    fingerprint: str,
) -> RegisteredRun:
    """Log one training of the list `name` and register its version, the `challenger` until it is promoted."""
    import mlflow

    from cdp.models.recommendation.pyfunc_model import log_pyfunc

    model, as_of, tags = model_of(name), trained.as_of.isoformat(), list_tags(name, spec)
    with training_run(tracking, model, as_of=as_of, fingerprint=fingerprint, datasets=datasets, tags=tags) as run_id:
        mlflow.log_params({"form": FORM, "purpose": spec.purpose, **trained.describe()})
        mlflow.log_metrics(trained.metrics)
        mlflow.log_text(trained.losses.to_json(), LOSSES_FILE)
        mlflow.log_dict(trained.candidates[LISTS], CUTS_FILE)
        mlflow.log_dict(trained.importance, PUSHES_FILE)
        log_comparison(tracking, trained.figures, trained.candidates, parent=run_id)
        mlflow.log_text(trained.recommender.to_json(), RECOMMENDER_FILE)
        model_id = log_pyfunc(model, trained.recommender)
        version = register(tracking, registered_name(model), model_id, run_id, write_card(spec, trained))
    return RegisteredRun(run_id, {registered_name(model): version})


def list_tags(name: str, spec: ListSpec) -> dict[str, str]:
    """What every run of the list's model carries: what else than form and kind of item changes it is the data."""
    return {MODEL_TAG: model_of(name), DEFINITION_TAG: f"{FORM} {spec.item}"}


def tries_of_list(tries: Sequence[Try], name: str, spec: ListSpec) -> list[Try]:
    """The trainings of the list's model in the form and for the items of now."""
    tags = list_tags(name, spec)
    return tries_of(tries, tags[MODEL_TAG], tags[DEFINITION_TAG])


def load_lists(tracking: Tracking, tries: Sequence[Try], specs: Mapping[str, ListSpec]) -> dict[str, ListVersion]:
    """List -> the champion of its model, but for those of another form or other items."""
    tried = {model_of(name): tries_of_list(tries, name, spec) for name, spec in specs.items()}
    champions = champions_of(tracking, tried)
    return {
        name: ListVersion(made.name, made.version, _read(made.name, made.version, made.run_id))
        for name in specs
        if (made := champions.get(model_of(name)))
    }


def load_version(tracking: Tracking, registered: str, version: str) -> Recommender | None:
    """The model of a version; None for those of another form, ModelError when it cannot be read."""
    run_id = run_of(tracking, registered, version)
    if client_of(tracking).get_run(run_id).data.params.get("form") != FORM:
        return None
    return _read(registered, version, run_id)


def _read(registered: str, version: str, run_id: str) -> Recommender:
    return read_stored(registered, version, run_id, file=RECOMMENDER_FILE, read=Recommender.from_json)
