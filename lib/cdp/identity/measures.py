"""How good the people of a night look without knowing the truth, from what matching holds on the driver anyway."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cdp.identity.linkage.engine import Linked
from cdp.identity.linkage.explain import accepted_pairs
from cdp.identity.linkage.quality import blocking_recall, bridged, expected_precision, impossible, pairs_by_weight
from cdp.identity.record_matches import Matches


def measure_people(found: Matches | None, refused: Mapping[str, int], run_date: date) -> pa.Table:
    """The rows of ops.identity_measures of a night; none without profile records.

    records and people: of the profile records; people_of_several: of them who have more than one, and largest_person
    the most. impossible_share and one_link_share: of people_of_several those with facts that no one person has, and
    those who would fall apart without one single link. expected_precision: mean probability of the pairs within
    people. blocking_recall: estimated share of one person's pairs that were looked at at all. links_refused: all links
    that policy, matching or a steward refused. pairs_from_<bits>: scored pairs by weight, in steps; those that hold
    people together are told as held_from_<bits>. pairs_scored: those that were compared tonight; model_learned: 1
    where what agreement is worth was learned anew, 0 where the last model was kept.
    """
    told = {} if found is None else {**_of_people(found.linked), "links_refused": float(sum(refused.values()))}
    return pa.table(
        {
            "run_date": pa.array([run_date] * len(told), pa.date32()),
            "measure": pa.array(list(told), pa.string()),
            "value": pa.array(list(told.values()), pa.float64()),
        }
    )


def _of_people(linked: Linked) -> dict[str, float]:
    sizes = np.bincount(linked.clusters.label)
    several = sizes > 1
    held = linked.clusters.weight[accepted_pairs(linked)]
    told: dict[str, float] = {
        "records": len(linked.clusters.label),
        "people": int((sizes > 0).sum()),
        "people_of_several": int(several.sum()),
        "largest_person": int(sizes.max(initial=0)),
        "impossible_share": _share(impossible(linked), several),
        "one_link_share": _share(bridged(linked), several),
        "expected_precision": expected_precision(linked) or 1.0,
        "blocking_recall": blocking_recall(linked),
        "pairs_scored": linked.weighed.n_scored,
        "model_learned": linked.weighed.is_anew,
    }
    for kind, weight in (("pairs", linked.clusters.weight), ("held", held)):
        told |= {f"{kind}_from_{low}": n for low, n in pairs_by_weight(weight).items()}
    return {name: round(float(value), 6) for name, value in told.items()}


def _share(people: npt.NDArray[np.int64], several: npt.NDArray[np.bool_]) -> float:
    return len(people) / max(int(several.sum()), 1)
