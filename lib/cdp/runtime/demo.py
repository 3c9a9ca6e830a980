"""The data of the demo: a made company or Complete Journey, written once into the demo's input folder."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from rich.console import Console

from cdp.runtime.config import Configuration
from cdp.runtime.session import build_session

NIGHTS = 3


def prepare_demo(configuration: Configuration, data: str, customers: int, console: Console) -> list[date]:
    """Write the deliveries where they are missing; gives the nights to run, oldest first."""
    out = Path(configuration.settings.input)
    is_written = (out / "truth" / "summary.json").exists() if data == "made" else out.exists()
    if not is_written:
        console.print(f"writing the deliveries of {'a made company' if data == 'made' else 'Complete Journey'} ...")
        if data == "made":
            from cdp.sample.company import generate_company

            spark = build_session("cdp demo", configuration.settings.spark)
            generate_company(spark, customers=customers, history_weeks=104, nights=NIGHTS, seed=1, out=str(out))
        else:
            from cdp.ingest.complete_journey import export_complete_journey

            # Under another name until it is whole: what a broken-off demo left is written again.
            part = out.with_name(f"{out.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            export_complete_journey(str(part), nights=NIGHTS)
            part.rename(out)
    dates = {date.fromisoformat(p.name) for s in configuration.settings.sources for p in (out / s).iterdir()}
    return sorted(dates)
