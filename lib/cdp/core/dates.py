"""Run dates and the half-open UTC windows that hang on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from cdp.core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

#: The day from which days are counted.
EPOCH = date(1970, 1, 1)


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


def times_of_texts(texts: pd.Series, form: str = "ISO8601") -> pd.Series:
    """Times (UTC, to the microsecond) of texts in ISO 8601 or in a pattern of strptime; NaT for what is no time.

    pandas has no nanoseconds for the years before 1678 and after 2261, so what it does not read Python tries:
    9999-12-31 is how many write "never".
    """
    import numpy as np
    import pandas as pd

    times = pd.to_datetime(texts, format=form, utc=True, errors="coerce").astype("datetime64[us, UTC]")
    is_unread = times.isna() & texts.notna()
    if is_unread.any():
        unread = texts[is_unread]
        ages = {text: _since_1970(text, form) for text in unread.unique()}
        far = np.array([ages[text] for text in unread], "timedelta64[us]") + np.datetime64(0, "us")
        times[is_unread] = pd.DatetimeIndex(far, tz="UTC")
    return times


def _since_1970(text: str, form: str) -> timedelta | None:
    try:
        found = datetime.fromisoformat(text) if form == "ISO8601" else datetime.strptime(text, form)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) - start_of(EPOCH)
