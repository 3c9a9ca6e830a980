"""Trainings in MLflow: they are logged, versions registered, the champion found.

No person's data goes in: parameters, metrics, pictures of totals, and made-up example rows. Only the driver logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cdp.core.errors import ModelError
from cdp.models.card import write_card
from cdp.models.declared.spec import registered_name
from cdp.models.figures import Cuts
from cdp.models.importance import importance_of
from cdp.models.logged_model import log_model
from cdp.models.nested_runs import log_nested
from cdp.models.tracking import LOGGING, Tracking, client_of
from cdp.models.train import DatasetVersion, TrainedValue
from cdp.models.value import FORM, ValueParameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow.entities.model_registry import ModelVersion

PARAMETERS_FILE = "value_parameters.json"
LOSSES_FILE = "losses.json"
CUTS_FILE = "later_periods.json"
IMPORTANCE_FILE = "importance.json"
PUSHES_FILE = "pushes.json"  # feature -> mean absolute push on the log-odds
FINGERPRINT_TAG = "cdp.fingerprint"
AS_OF_TAG = "cdp.as_of"
PROMOTED_TAG = "cdp.promoted"  # on a version: why it was made champion
NOT_PROMOTED_TAG = "cdp.not_promoted"  # on a version: why it was left challenger
MODEL_TAG = "cdp.model"  # of the runs of declared models: which one; value's have none
DEFINITION_TAG = "cdp.definition"  # form and, of declared models, definition: what else changes a training is the data
VERSION_TAG = "cdp.registered."  # + model name: the versions that a run registered
VALUE_TAGS = {DEFINITION_TAG: FORM}  # of every run of the value model
MODEL_NAMES = {"churn": "cdp.churn", "ltv": "cdp.ltv"}  # kind -> registered name


Stored = TypeVar("Stored")


@dataclass(frozen=True)
class RegisteredRun:
    """One training run and the version of each registered model that it made."""

    run_id: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Champion:
    """The version behind the alias `champion` at the moment of asking, and its parameters."""

    name: str
    version: str
    run_id: str
    params: ValueParameters


def find_run(tracking: Tracking, fingerprint: str) -> RegisteredRun | None:
    """The finished run with the same inputs and its versions; None when there is none."""
    found = client_of(tracking).search_runs(
        [tracking.experiment_id],
        max_results=1,
        order_by=["attributes.start_time ASC"],
        filter_string=f"tags.`{FINGERPRINT_TAG}` = '{fingerprint}' and attributes.status = 'FINISHED'",
    )
    if not found:
        return None
    tags = found[0].data.tags
    versions = {k.removeprefix(VERSION_TAG): v for k, v in tags.items() if k.startswith(VERSION_TAG)}
    return RegisteredRun(found[0].info.run_id, versions)


def log_and_register(
    tracking: Tracking,
    trained: TrainedValue,
    *,
    names: Mapping[str, str],
    datasets: Sequence[DatasetVersion],
    fingerprint: str,
) -> RegisteredRun:
    """Log one training and register a version for each of `names` (kind churn or ltv -> registered name).

    The run counts as finished, and is found by its fingerprint, only after every version is registered and loads. The
    new versions carry the alias `challenger` until they are promoted or others come.
    """
    import mlflow

    versions: dict[str, str] = {}
    params = trained.params
    with training_run(
        tracking, "value", as_of=params.as_of, fingerprint=fingerprint, datasets=datasets, tags=VALUE_TAGS
    ) as run_id:
        mlflow.log_params(_flat_parameters(params))
        mlflow.log_metrics(trained.metrics)
        mlflow.log_text(params.to_json(), PARAMETERS_FILE)
        mlflow.log_text(trained.losses.to_json(), LOSSES_FILE)
        mlflow.log_dict(trained.evaluation.cuts, CUTS_FILE)
        mlflow.log_dict(importance_of(params), IMPORTANCE_FILE)
        candidates = {"layers": trained.layers.cuts, "baseline": trained.baseline.cuts}
        log_comparison(tracking, trained.figures, candidates, parent=run_id)
        for kind, name in names.items():
            model_id = log_model(kind, name, params)
            versions[name] = register(tracking, name, model_id, run_id, write_card(kind, trained))
    return RegisteredRun(run_id, versions)


def log_comparison(
    tracking: Tracking, figures: Mapping[str, Figure], candidates: Mapping[str, Cuts], *, parent: str
) -> None:
    """The pictures into the running run `parent`, and a nested run for each candidate and past cut."""
    import mlflow

    for file, figure in figures.items():
        mlflow.log_figure(figure, f"figures/{file}")
    log_nested(client_of(tracking), candidates, experiment_id=tracking.experiment_id, parent=parent)


@contextmanager
def training_run(
    tracking: Tracking,
    model: str,
    *,
    as_of: str,
    fingerprint: str,
    datasets: Sequence[DatasetVersion],
    tags: Mapping[str, str],
) -> Iterator[str]:
    """A new run for one training of `model`, by whose id it goes; it says which tables it read, in which versions.

    What MLflow is told within the block goes to this run, which fails where the block does.
    """
    import mlflow

    versions = {f"cdp.delta.{d.name}": str(d.version) for d in datasets}
    every = {FINGERPRINT_TAG: fingerprint, AS_OF_TAG: as_of, **versions, **tags}
    name = f"{model} {as_of}"
    with LOGGING, mlflow.start_run(experiment_id=tracking.experiment_id, run_name=name, tags=every) as run:
        _log_datasets(datasets)
        yield run.info.run_id


def _log_datasets(datasets: Sequence[DatasetVersion]) -> None:
    import mlflow
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    for dataset in datasets:
        source = DeltaDatasetSource(path=dataset.path, delta_table_version=dataset.version)
        mlflow.log_input(MetaDataset(source, name=dataset.name), context="training")  # type: ignore[abstract]


def promote(tracking: Tracking, name: str, version: str, *, reason: str) -> None:
    """Make `version` the champion; the champion of before becomes `previous`. A no-op when it is champion already.

    Without the gate: see promotion.py.
    """
    client = client_of(tracking)
    current = version_at(tracking, name, "champion")
    if current == version:
        return
    if current is not None:
        client.set_registered_model_alias(name, "previous", current)
    client.set_model_version_tag(name, version, PROMOTED_TAG, reason)
    client.set_registered_model_alias(name, "champion", version)
    if version_at(tracking, name, "challenger") == version:
        client.delete_registered_model_alias(name, "challenger")


def note_not_promoted(tracking: Tracking, name: str, version: str, *, reason: str) -> None:
    """Keep with a version why it was left challenger."""
    client_of(tracking).set_model_version_tag(name, version, NOT_PROMOTED_TAG, reason)


def load_champion(tracking: Tracking, name: str) -> Champion | None:
    """Resolve the alias once and read that version's parameters.

    None when nothing was ever promoted, or the champion is of an earlier release's form: a training is due then.
    """
    found = _version_at(tracking, name, "champion")
    params = _read_parameters(name, str(found.version), str(found.run_id)) if found else None
    return Champion(name, str(found.version), str(found.run_id), params) if found and params else None


def load_parameters(tracking: Tracking, name: str, version: str) -> ValueParameters | None:
    """The parameters of a version; None for those of another form, ModelError when they cannot be read."""
    return _read_parameters(name, version, run_of(tracking, name, version))


def _read_parameters(name: str, version: str, run_id: str) -> ValueParameters | None:
    return read_stored(name, version, run_id, file=PARAMETERS_FILE, read=ValueParameters.from_json)


def read_stored(name: str, version: str, run_id: str, *, file: str, read: Callable[[str], Stored]) -> Stored:
    """What `read` makes of an artifact of a version's run; ModelError when it cannot be read."""
    try:
        return read(load_text(run_id, file))
    except Exception as error:  # MLflow and the readers raise many kinds for a file that is not there or not whole
        raise ModelError(
            f"{name} (version {version}, run {run_id}) cannot be read: its artifact {file} "
            "is missing or damaged. Restore the artifact folder, or roll back to the version before."
        ) from error


def load_text(run_id: str, file: str) -> str:
    """An artifact of a run as text."""
    import mlflow

    return str(mlflow.artifacts.load_text(f"runs:/{run_id}/{file}"))


def run_of(tracking: Tracking, name: str, version: str) -> str:
    """The run that made a version."""
    return str(client_of(tracking).get_model_version(name, version).run_id)


def version_at(tracking: Tracking, name: str, alias: str) -> str | None:
    """The version that carries the alias now; None when there is none."""
    found = _version_at(tracking, name, alias)
    return str(found.version) if found else None


def champion_versions(tracking: Tracking) -> dict[str, str]:
    """Registered name -> the champion's version, of all models of ours that have one, by one question."""
    client = client_of(tracking)
    found: dict[str, str] = {}
    token: str | None = None
    while True:
        page = client.search_registered_models(f"name LIKE '{registered_name('%')}'", page_token=token)
        found |= {m.name: str(m.aliases["champion"]) for m in page if "champion" in m.aliases}
        if not (token := page.token):
            return found


def _version_at(tracking: Tracking, name: str, alias: str) -> ModelVersion | None:
    from mlflow.exceptions import MlflowException

    try:
        return client_of(tracking).get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def register(tracking: Tracking, name: str, model_id: str, run_id: str, card: str) -> str:
    """Make a logged model of the running run a version, `challenger` until it is promoted; gives its number.

    The card is its description, and an artifact of the run, for those who take it along.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    client = client_of(tracking)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(name, f"models:/{model_id}", run_id, description=card, model_id=model_id)
    mlflow.log_text(card, f"cards/{name}.md")
    mlflow.set_tag(f"{VERSION_TAG}{name}", str(made.version))
    client.set_registered_model_alias(name, "challenger", made.version)
    return str(made.version)


def _flat_parameters(params: ValueParameters) -> dict[str, Any]:
    return {
        **{f"{params.frequency}_{name}": value for name, value in asdict(params.model).items()},
        **{f"gamma_gamma_{name}": value for name, value in asdict(params.gamma_gamma).items()},
        "method": params.ltv_method,
        "as_of": params.as_of,
        "horizon_weeks": params.horizon_weeks,
        "people": params.n_people,
        "warnings": "; ".join(params.warnings)[:5000] or "none",
    }
