"""Compare two lakes through a second implementation of Delta (delta-rs), so that Spark does not judge itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deltalake import DeltaTable

from cdp.contracts.find import all_contracts
from cdp.contracts.model import TableContract
from cdp.contracts.ops.runs import RUNS

# A run is noted per run, so these agree in kinds and counts only.
_BY_COUNT = {"ops.runs", "ops.identity_history", "ops.model_runs", "ops.model_promotions"}


def table_versions(lake: Path) -> dict[str, int]:
    """Table -> version, of every table that is there."""
    paths = {name: lake / c.layer / c.name for name, c in all_contracts().items()}
    return {name: DeltaTable(str(p)).version() for name, p in paths.items() if (p / "_delta_log").exists()}


def differences(left: Path, right: Path) -> list[str]:
    """What differs between two lakes, in the sense of equal content; empty when nothing does.

    Every table's rows agree by key, doubles within 1e-9 relative; run logs and histories agree in counts.
    """
    found: list[str] = []
    have_left, have_right = table_versions(left), table_versions(right)
    if set(have_left) != set(have_right):
        found.append(f"tables differ: {set(have_left) ^ set(have_right)}")
    for name in sorted(set(have_left) & set(have_right)):
        contract = all_contracts()[name]
        a, b = (_comparable(lake, contract) for lake in (left, right))
        if len(a) != len(b):
            found.append(f"{name}: {len(a)} rows and {len(b)} rows")
        elif name not in _BY_COUNT:
            found += [f"{name}.{column}" for column in a.columns if not _equal(a[column], b[column])]
    return found


def _comparable(lake: Path, contract: TableContract) -> pd.DataFrame:
    """A table's rows, sorted by its key, without volatile columns."""
    keyed = [k for k in contract.key if not contract.column(k).volatile]
    frame = DeltaTable(str(lake / contract.layer / contract.name)).to_pandas()
    volatile = {c.name for c in contract.columns if c.volatile}
    if contract == RUNS:
        frame = frame[frame["state"] != "begun"]  # jobs that are submitted one by one are no night that begins
    frame = frame[[c for c in frame.columns if c not in volatile]]
    return frame.sort_values(keyed).reset_index(drop=True)


def _equal(a: pd.Series[Any], b: pd.Series[Any]) -> bool:
    if a.dtype.kind == "f":
        return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))
    return [repr(v) for v in a] == [repr(v) for v in b]
