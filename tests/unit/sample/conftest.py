"""One small made company, written once for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from cdp.sample.company import SampleSummary, generate_company

CUSTOMERS = 1_500
NIGHTS = 3
SEED = 11


@dataclass
class Company:
    """Where it is, what was written, and readers of its files."""

    root: Path
    summary: SampleSummary

    def files(self, source: str, folder: str = "*") -> list[Path]:
        return sorted(self.root.glob(f"{source}/{folder}/part-*"))

    def lines(self, source: str, folder: str = "*") -> list[str]:
        return [line for f in self.files(source, folder) for line in f.read_text().splitlines()]

    def table(self, source: str, folder: str = "*") -> pd.DataFrame:
        return pd.concat([pd.read_parquet(f) for f in self.files(source, folder)], ignore_index=True)

    def csv(self, source: str, folder: str = "*", delimiter: str = ",") -> pd.DataFrame:
        """The rows with the right number of columns, everything as text."""
        frames = [
            pd.read_csv(f, sep=delimiter, dtype=str, keep_default_na=False, on_bad_lines="skip", index_col=False)
            for f in self.files(source, folder)
        ]
        return pd.concat(frames, ignore_index=True)

    def truth(self, table: str) -> pd.DataFrame:
        files = sorted((self.root / "truth" / table).glob("part-*"))
        return pd.concat([pd.read_parquet(f) for f in files], ignore_index=True)


@pytest.fixture(scope="session")
def company(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """1,500 customers, 104 weeks, 3 nights."""
    root = tmp_path_factory.mktemp("company")
    summary = generate_company(
        spark, customers=CUSTOMERS, history_weeks=104, nights=NIGHTS, seed=SEED, out=str(root), partitions=2
    )
    return Company(root, summary)
