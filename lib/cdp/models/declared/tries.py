"""Which trainings of a declared model were tried: what nothing could be learned from waits like what was learned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from cdp.core.errors import ModelError
from cdp.models.declared.spec import registered_name
from cdp.models.declared.train import FORM
from cdp.models.registry import AS_OF_TAG, MODEL_TAG, VERSION_TAG
from cdp.models.tracking import Tracking, client_of

DEFINITION_TAG = "cdp.definition"  # form and mark of the definition: what else changes a training is the data alone
REFUSED_TAG = "cdp.refused"  # of a run that found nothing to learn: why


def training_tags(name: str, definition: str) -> dict[str, str]:
    """What every run of the model `name` under this definition carries."""
    return {MODEL_TAG: name, DEFINITION_TAG: f"{FORM} {definition}"}


@dataclass(frozen=True)
class Tries:
    """The trainings of a model under one definition, oldest first: (as of when, version); None: nothing was learned."""

    found: tuple[tuple[date, str | None], ...]

    @property
    def last(self) -> date | None:
        """The day of the last one."""
        return max((day for day, _ in self.found), default=None)

    @property
    def versions(self) -> dict[str, date]:
        """Version -> the day of its training."""
        return {version: day for day, version in self.found if version is not None}

    @property
    def last_trained(self) -> date | None:
        """The day of the last one of which a version came."""
        return max(self.versions.values(), default=None)


@contextmanager
def noting_refusal(tracking: Tracking, name: str, definition: str, *, as_of: date, every_days: int) -> Iterator[None]:
    """What refuses to learn within the block is a failed run that says why: the night after does not try again."""
    try:
        yield
    except ModelError as error:
        client = client_of(tracking)
        tags = {**training_tags(name, definition), AS_OF_TAG: as_of.isoformat(), REFUSED_TAG: str(error)}
        run = client.create_run(tracking.experiment_id, run_name=f"{name} {as_of}", tags=tags)
        client.set_terminated(run.info.run_id, status="FAILED")
        later = as_of + timedelta(days=every_days)
        raise ModelError(f"{error}; it is tried again as of {later}, or when its definition changes") from error


def list_tries(tracking: Tracking, name: str, definition: str) -> Tries:
    """The trainings of the model `name` under this definition; runs that were killed are none."""
    chosen = " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in training_tags(name, definition).items())
    found = client_of(tracking).search_runs(
        [tracking.experiment_id],
        max_results=1000,  # a training a week is fifty a year
        order_by=[f"tags.`{AS_OF_TAG}` ASC"],
        filter_string=chosen,
    )
    tried = []
    for run in found:
        tags = run.data.tags
        version = tags.get(VERSION_TAG + registered_name(name)) if run.info.status == "FINISHED" else None
        if version is not None or REFUSED_TAG in tags:
            tried.append((date.fromisoformat(tags[AS_OF_TAG]), version))
    return Tries(tuple(tried))
