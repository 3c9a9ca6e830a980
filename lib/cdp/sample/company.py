"""The driver of the made company: spread blocks of customers over Spark, collect what was written.

Same customers, weeks, nights and seed give the same bytes, whatever the number of cores: a block's records depend on
the seed and its own range of customers only.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError
from cdp.sample.blocks import blocks_of, write_block
from cdp.sample.calendar import Calendar

SOURCES = ("crm", "web", "pos", "email", "support", "surveys", "consents", "demographics")
SUMMARY = "truth/summary.json"
MARK = "truth/made_company.txt"
"""Written first: a folder with it may be replaced, also when a run before was killed."""
MOST_CUSTOMERS = 20_000_000
"""Above this the eight-digit numbers of the systems would repeat."""


@dataclass(frozen=True)
class SampleSummary:
    """What was written: rows per source and delivery folder (broken ones included), faults per source and kind."""

    customers: int
    history_weeks: int
    nights: int
    seed: int
    rows: dict[str, dict[str, int]]
    faults: dict[str, dict[str, int]]
    faults_by_night: dict[str, dict[str, int]]

    def total(self, source: str) -> int:
        """Rows of one source in all deliveries."""
        return sum(self.rows.get(source, {}).values())

    def as_text(self) -> str:
        """A few lines for a person: rows of each source, and how many of them are broken on purpose."""
        lines = [f"{self.customers:,} customers, {self.history_weeks} weeks, {self.nights} nights, seed {self.seed}"]
        for source in sorted(self.rows):
            broken = sum(self.faults.get(source, {}).values())
            lines.append(f"  {source:<13}{self.total(source):>12,} rows, {broken:,} of them broken")
        return "\n".join(lines)


def generate_company(
    spark: SparkSession,
    *,
    customers: int,
    history_weeks: int,
    nights: int,
    seed: int,
    out: str,
    partitions: int | None = None,
) -> SampleSummary:
    """Write the raw files of a company with this many customers, and the truth about them, below the folder `out`.

    `out` is a path that all workers can write to (a local or mounted folder). An older company there is replaced;
    a folder that holds anything else is refused. `partitions`: Spark tasks, by default one a block; it changes no byte.
    """
    root = _cleared(out, customers, history_weeks, nights)
    calendar = Calendar(weeks=history_weeks, nights=nights)
    blocks = blocks_of(customers)
    numbers = spark.range(0, len(blocks), 1, partitions or len(blocks))

    def write(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            for number in frame["id"]:
                counts = write_block(blocks_of(customers)[int(number)], calendar=calendar, seed=seed, out=str(root))
                yield pd.DataFrame(counts, columns=["source", "folder", "kind", "n"])

    counted = _summed(numbers.mapInPandas(write, "source string, folder string, kind string, n long"))
    summary = SampleSummary(
        customers,
        history_weeks,
        nights,
        seed,
        rows=_nested(counted[counted["kind"].isna()], "folder"),
        faults=_nested(counted[counted["kind"].notna()], "kind"),
        faults_by_night=_nested(counted[counted["kind"].notna()], "folder"),
    )
    (root / SUMMARY).write_text(json.dumps(asdict(summary), indent=2, sort_keys=True) + "\n")
    return summary


def _summed(counts: DataFrame) -> pd.DataFrame:
    """Rows written by source, folder and kind, over all blocks: a few hundred rows."""
    return counts.groupBy("source", "folder", "kind").agg(F.sum("n").alias("n")).toPandas()


def _nested(counted: pd.DataFrame, by: str) -> dict[str, dict[str, int]]:
    sums = counted.groupby(["source", by])["n"].sum()
    out: dict[str, dict[str, int]] = {}
    for (source, name), n in sums.items():
        out.setdefault(str(source), {})[str(name)] = int(n)
    return out


def _cleared(out: str, customers: int, history_weeks: int, nights: int) -> Path:
    """Check the wish and make room; Spark's `file:` prefix is understood."""
    if not 1 <= customers <= MOST_CUSTOMERS or history_weeks < 1 or nights < 1:
        raise ConfigError(
            f"cannot make a company of {customers} customers, {history_weeks} weeks and {nights} nights: "
            f"customers must be 1 to {MOST_CUSTOMERS}, weeks and nights at least 1"
        )
    root = Path(out.removeprefix("file://").removeprefix("file:")).resolve()
    if root.exists() and any(root.iterdir()) and not (root / MARK).exists():
        raise ConfigError(f"{root} is not empty and holds no made company: choose an empty folder for --out")
    for name in (*SOURCES, "truth"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / MARK).parent.mkdir(parents=True, exist_ok=True)
    (root / MARK).write_text("Made by cdp sample. Writing again replaces what is in this folder.\n")
    return root
