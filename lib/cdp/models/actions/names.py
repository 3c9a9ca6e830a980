"""The column `action` of scores, contacts and logs: which action a row speaks of, if any."""

from __future__ import annotations

import pandas as pd


def read_names(actions: pd.Series) -> pd.Series:
    """The names as text without blanks around; null where there is none: a gap, an empty text or blanks alone."""
    text = actions.astype(object).where(actions.notna(), "").map(lambda name: str(name).strip())
    return text.where(text != "", None)
