"""What a night's new records cost to match when the last night left its memory, without Spark: one JSON line.

``bench_identity_nights.py [--records N] [--share S]``. Feeds of made customers; a share of the records, drawn over all
feeds, comes a night later. `seconds`: processor time of matching all with the memory, reading it included; `ratio`:
beside matching all without one. `agreement`: pairwise F1 of the people of both.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from measure import describe_machine
from tests.benchmarks.identity import KINDS

from cdp.identity.linkage.candidates import Past
from cdp.identity.linkage.engine import Linked, link_records
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.memory import model_table, model_version, read_records, record_table
from cdp.identity.rules import IdentityRules

RULES = Path(__file__).parents[2] / "conf" / "identity" / "rules.yaml"


def main() -> None:
    """Match all but the news, then all with and without what that left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=25_000)
    parser.add_argument("--share", type=float, default=0.01, help="of the records, new in the second night")
    options = parser.parse_args()
    made = KINDS["feeds"](12, options.records)
    schema = RecordSchema.model_validate(made.schema)
    frame = pd.concat(made.files.values()).sort_values([schema.source, schema.record_id], ignore_index=True)
    frame = frame.where(frame.notna() & (frame != ""), None)
    ids = frame[schema.source] + ":" + frame[schema.record_id]
    rules = IdentityRules.model_validate(yaml.safe_load(RULES.read_text()))
    link = partial(link_records, schema=schema, nicknames=rules.nicknames, patterns=rules.generic_patterns,
                   policy=rules.policy, secret=b"bench")  # fmt: skip
    is_new = np.random.default_rng(1).random(len(frame)) < options.share
    first = link(frame[~is_new].reset_index(drop=True)).weighed
    model = model_table(first.learned, "")
    records = record_table(first, ids[~is_new].reset_index(drop=True), model_version(model))

    def second_night() -> tuple[Linked, float]:
        started = time.process_time()
        past: Past = read_records(records, model, ids)
        return link(frame, past=past), time.process_time() - started

    found, seconds = second_night()
    started = time.process_time()
    whole = link(frame)
    ratio = seconds / (time.process_time() - started)
    line = {"what": "identity_night", "size": len(frame), "new": int(is_new.sum()), "seconds": round(seconds, 2)}
    line |= {"ratio": round(ratio, 3), "pairs": found.weighed.n_scored, "pairs_of_all": whole.weighed.n_scored}
    line |= {"kept_mb": round((model.nbytes + records.nbytes) / 1e6, 1)}
    line |= {"agreement": round(agreement(found.clusters.label, whole.clusters.label), 5)}
    print(json.dumps({**line, "machine": describe_machine()}), flush=True)


def agreement(label: np.ndarray, other: np.ndarray) -> float:  # type: ignore[type-arg]
    """Pairwise F1 of two clusterings of the same records."""
    both, mine, theirs = (int((n * (n - 1) // 2).sum()) for n in (
        pd.Series(0, pd.MultiIndex.from_arrays(by)).groupby(level=list(range(len(by)))).size()
        for by in ([label, other], [label], [other])))  # fmt: skip
    return 2 * both / max(mine + theirs, 1)


if __name__ == "__main__":
    main()
