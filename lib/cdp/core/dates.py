"""Run dates and the half-open UTC windows that hang on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from cdp.core.errors import ConfigError


def parse_run_date(text: str) -> date:
    """``YYYY-MM-DD`` as a date; anything else is a :class:`ConfigError` that shows the form."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"run date {text!r} is not a date: write it as YYYY-MM-DD, e.g. 2026-01-05") from None


def refuse_future(run_date: date, today: date) -> None:
    """A night that has not happened yet cannot be run: :class:`ConfigError`."""
    if run_date > today:
        raise ConfigError(f"run date {run_date} is in the future (today is {today} UTC): run a past date or today")


def start_of(day: date) -> datetime:
    """Midnight UTC at the start of ``day``: a night with run date D sees what happened before start_of(D)."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from ``first`` to ``last``, both included; :class:`ConfigError` if they are swapped."""
    if last < first:
        raise ConfigError(f"--from {first} lies after --to {last}: swap them")
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def days_of_any_year(text: str, form: str = "") -> float:
    """Days since 1970 (UTC, fractions kept) of ISO 8601 text, or of a pattern of strptime; NaN for what is no time.

    For years before 1678 and after 2261, which pandas has no nanoseconds for: 9999-12-31 is how many write "never".
    """
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    return (found.replace(tzinfo=found.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)
