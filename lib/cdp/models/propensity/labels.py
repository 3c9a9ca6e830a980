"""The label of a training table as 0 and 1, whatever it is written as."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdp.core.errors import ContractError
from cdp.models.arrays import Floats
from cdp.models.propensity.feature_columns import as_text

YES = frozenset({"1", "1.0", "true", "t", "yes", "y"})  # 1.0: what pandas writes for 1 in a column with gaps
NO = frozenset({"0", "0.0", "-1", "-1.0", "false", "f", "no", "n"})


def read_label(values: pd.Series, what: str | None = None) -> Floats:
    """1 for yes, true, t, y and 1; 0 for no, false, f, n, 0 and -1 (in any case); NaN where the label is missing.

    ContractError when there is another value: which of two words is the event is not for us to guess. `what` the column
    is, for the message, where it is no label.
    """
    words = as_text(values).str.lower()
    label = words.map({**dict.fromkeys(YES, 1.0), **dict.fromkeys(NO, 0.0)}).to_numpy(np.float64)
    unknown = int((np.isnan(label) & words.notna().to_numpy()).sum())
    if unknown:
        raise ContractError(
            f"{what or f'label column {values.name}'}: {unknown} of {len(words)} values are neither yes nor no. "
            "Write the event as 1, yes or true and its absence as 0, no or false."
        )
    return np.asarray(label)
