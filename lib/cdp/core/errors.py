"""The project's errors, each with the exit code that a scheduler reads.

0 done, 1 a bug, 2 usage or configuration, 3 data refused by a contract (do not retry), 4 a destination
refused, 5 transient (retry), 6 finished, but a source failed or something was quarantined.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_PARTIAL = 6


class CdpError(Exception):
    """Base of all errors that the project raises on purpose.

    The message says what happened, where (table, file and line, run date, column, count) and what to do
    next. It never holds a value of a person's data.
    """

    exit_code = 1


class ConfigError(CdpError):
    """A setting, a definition file or a command line is wrong; nothing was run or written."""

    exit_code = 2


class ContractError(CdpError):
    """Data or a table does not keep its contract; running again gives the same result."""

    exit_code = 3


def no_rows(where: str) -> ContractError:
    """The error of a table or file (`where`) that has columns and nothing below them."""
    return ContractError(f"{where}: a header but no row")


class ModelError(ContractError):
    """A model cannot be fitted or used on these data, and no documented fallback applies."""


class DestinationError(CdpError):
    """A destination refused what it was sent."""

    exit_code = 4


class TransientError(CdpError):
    """Something outside was busy or away; the same command may work later."""

    exit_code = 5


def nearest_name(name: str, allowed: list[str]) -> str:
    """A hint such as ``did you mean 'windows'? allowed: a, b`` for an unknown name."""
    import difflib

    close = difflib.get_close_matches(name, allowed, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}allowed: {', '.join(sorted(allowed))}"
