"""Moving the alias `champion`: only to a version that passes the gate, and never without a row that says why."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cdp.core.errors import ModelError
from cdp.models.gate import prove_version
from cdp.models.registry import note_not_promoted, promote, version_at
from cdp.models.tracking import Tracking
from cdp.models.train import Decision

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Attempt:
    """One row of ops.model_promotions: what was asked for, by whom, and what came of it."""

    model: str
    action: str
    from_version: str | None
    to_version: str | None
    outcome: str
    reason: str
    decided_by: str
    decided_at: datetime

    @property
    def is_moved(self) -> bool:
        """Whether the version is champion now."""
        return self.outcome == "moved"

    def row(self, *, once: bool) -> dict[str, Any]:
        """The row; with `once` the same attempt made again (a night repeated) is the same row."""
        parts = (self.model, self.action, self.to_version, self.decided_by, "" if once else self.decided_at.isoformat())
        return {"promotion_id": hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:32], **asdict(self)}


@dataclass(frozen=True)
class Asker:
    """Who asks for a move and when; `spark` is the session of the gate, None: the gate scores in this process."""

    name: str
    at: datetime
    spark: SparkSession | None = None


def promote_version(tracking: Tracking, name: str, version: str, *, reason: str, asker: Asker) -> Attempt:
    """Make a version the champion if it passes the gate; the champion of before becomes `previous`."""
    before = version_at(tracking, name, "champion")
    is_again = before == version
    attempt = Attempt(
        name,
        "promote",
        version_at(tracking, name, "previous") if is_again else before,
        version,
        "moved",
        reason,
        asker.name,
        asker.at,
    )
    return attempt if is_again else _move(tracking, attempt, asker)


def settle(tracking: Tracking, name: str, version: str, decision: Decision, *, asker: Asker) -> Attempt:
    """Promote a version that the decision is for, if it passes the gate; leave another as the challenger."""
    if decision.is_promoted:
        return promote_version(tracking, name, version, reason=decision.reason, asker=asker)
    return refuse_challenger(tracking, name, version, why=decision.reason, asker=asker)


def rollback(tracking: Tracking, name: str, *, asker: Asker) -> Attempt:
    """Give the alias back to the version `previous` if that still passes the gate."""
    current, previous = (version_at(tracking, name, alias) for alias in ("champion", "previous"))
    reason = f"rolled back from version {current}"
    attempt = Attempt(name, "rollback", current, previous, "moved", reason, asker.name, asker.at)
    if previous is None or current is None:
        return refused(attempt, f"cannot roll {name} back: no version carries the alias `previous`. Promote one.")
    return _move(tracking, attempt, asker)


def refused(attempt: Attempt, why: str) -> Attempt:
    """The attempt with the reason why nothing moved."""
    return replace(attempt, outcome="refused", reason=why)


def refuse_challenger(tracking: Tracking, name: str, version: str, *, why: str, asker: Asker) -> Attempt:
    """A version that stays challenger: the champion goes on."""
    note_not_promoted(tracking, name, version, reason=why)
    champion = version_at(tracking, name, "champion")
    return Attempt(name, "promote", champion, version, "refused", why, asker.name, asker.at)


def _move(tracking: Tracking, attempt: Attempt, asker: Asker) -> Attempt:
    version = str(attempt.to_version)
    try:
        prove_version(tracking, attempt.model, version, spark=asker.spark)
    except ModelError as error:
        return refused(attempt, str(error))
    promote(tracking, attempt.model, version, reason=attempt.reason)
    return attempt
