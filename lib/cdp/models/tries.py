"""Which trainings were tried, of all models by one question: what nothing could be learned from waits like the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from cdp.core.errors import ModelError
from cdp.models.declared.spec import registered_name
from cdp.models.registry import AS_OF_TAG, DEFINITION_TAG, MODEL_TAG, VERSION_TAG, champion_versions
from cdp.models.tracking import Tracking, client_of

REFUSED_TAG = "cdp.refused"  # of a run that found nothing to learn: why
VALUE = ""  # the value model's runs name no model
MAX_RUNS = 20_000  # a training a week is fifty a year and model


@dataclass(frozen=True)
class Try:
    """One training of `model` under `definition`: as of when, and the `versions` (registered name -> number) it made.

    No version: nothing was learned. `run_id`: of MLflow. `horizon_weeks` is known of what was learned.
    """

    model: str
    definition: str
    as_of: date
    run_id: str
    versions: Mapping[str, str]
    horizon_weeks: int | None


def list_tries(tracking: Tracking) -> list[Try]:
    """The trainings of all models, oldest first; runs that were killed are none, those deleted from sight still are."""
    from mlflow.entities import ViewType

    found = client_of(tracking).search_runs(
        [tracking.experiment_id],
        run_view_type=ViewType.ALL,
        max_results=MAX_RUNS,
        order_by=[f"tags.`{AS_OF_TAG}` DESC"],
        filter_string=f"tags.`{AS_OF_TAG}` LIKE '%'",
    )
    tried = []
    for run in reversed(found):
        tags, is_learned = run.data.tags, run.info.status == "FINISHED"
        if not is_learned and REFUSED_TAG not in tags:
            continue
        versions = {k.removeprefix(VERSION_TAG): v for k, v in tags.items() if k.startswith(VERSION_TAG)}
        tried.append(
            Try(
                tags.get(MODEL_TAG, VALUE),
                tags.get(DEFINITION_TAG, ""),
                date.fromisoformat(tags[AS_OF_TAG]),
                run.info.run_id,
                versions if is_learned else {},
                int(run.data.params["horizon_weeks"]) if is_learned else None,
            )
        )
    return tried


def tries_of(tries: Iterable[Try], model: str, definition: str) -> list[Try]:
    """Those of a model under one definition."""
    return [t for t in tries if (t.model, t.definition) == (model, definition)]


@dataclass(frozen=True)
class Made:
    """A version of the registered model `name`, and the run that made it."""

    name: str
    version: str
    run_id: str


def champions_of(tracking: Tracking, tried: Mapping[str, Sequence[Try]]) -> dict[str, Made]:
    """Model -> its champion, where that came of one of the trainings that are given for the model."""
    champions, found = champion_versions(tracking), {}
    for model, tries in tried.items():
        registered = registered_name(model)
        version = champions.get(registered)
        for made in tries:
            if version is not None and made.versions.get(registered) == version:
                found[model] = Made(registered, version, made.run_id)
    return found


def last_day(tries: Iterable[Try]) -> date | None:
    """The day of the last of them."""
    return max((t.as_of for t in tries), default=None)


def trainings_of_value(tries: Iterable[Try]) -> list[tuple[date, int]]:
    """As-of date and horizon (weeks) of what the value model learned, promoted or refused, of any release."""
    return [(t.as_of, t.horizon_weeks) for t in tries if t.model == VALUE and t.horizon_weeks is not None]


def last_day_of_value(tries: Iterable[Try], form: str, *, has_champions: bool) -> date | None:
    """The day on which the value model was last tried in its form of now; where it has champions, in any form."""
    of_value = [t for t in tries if t.model == VALUE]
    return last_day(t for t in of_value if t.definition == form or (has_champions and t.horizon_weeks is not None))


@contextmanager
def noting_refusal(
    tracking: Tracking, name: str, tags: Mapping[str, str], *, as_of: date, every_days: int
) -> Iterator[None]:
    """What refuses to learn within the block is a failed run that says why: the night after does not try again."""
    try:
        yield
    except ModelError as error:
        client = client_of(tracking)
        noted = {**tags, AS_OF_TAG: as_of.isoformat(), REFUSED_TAG: str(error)}
        run = client.create_run(tracking.experiment_id, run_name=f"{name} {as_of}", tags=noted)
        client.set_terminated(run.info.run_id, status="FAILED")
        later = as_of + timedelta(days=every_days)
        raise ModelError(f"{error}; it is tried again as of {later}") from error
