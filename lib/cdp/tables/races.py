"""Writers of one table at once: those of this process take turns, and who loses a race against another tries again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from delta import exceptions
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from cdp.contracts.model import TableContract

# The concrete classes are siblings in Python, not children of one base: all seven must be named.
_LOST_RACE = (
    exceptions.ConcurrentAppendException,
    exceptions.ConcurrentDeleteDeleteException,
    exceptions.ConcurrentDeleteReadException,
    exceptions.ConcurrentTransactionException,
    exceptions.ConcurrentWriteException,
    exceptions.MetadataChangedException,
    exceptions.ProtocolChangedException,
)
#: Run a write again that lost against another writer, a few times with back-off: open Delta does not do so itself.
retry_lost_race = retry(
    retry=retry_if_exception_type(_LOST_RACE),
    stop=stop_after_attempt(5),
    wait=wait_random_exponential(multiplier=0.3, max=10),
    reraise=True,
)


class HasTurns(Protocol):
    """Whose tables are written in turn: a lock for each, by the table's name."""

    turns: dict[str, threading.Lock]


_Owner = TypeVar("_Owner", bound=HasTurns)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Write = Callable[Concatenate[_Owner, TableContract, _Given], _Result]


def in_turn(write: _Write[_Owner, _Given, _Result]) -> _Write[_Owner, _Given, _Result]:
    """Let writes of one table wait for each other: jobs run side by side, and a ledger of ops may have several."""

    @wraps(write)
    def waiting(owner: _Owner, contract: TableContract, *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        with owner.turns.setdefault(contract.full_name, threading.Lock()):
            return write(owner, contract, *args, **kwargs)

    return waiting
