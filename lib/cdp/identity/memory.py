"""What one night leaves to the next, so that only new and changed records are scored: tables to arrays and back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdp.contracts.silver.link_model import LINK_MODEL
from cdp.identity.linkage.candidates import Pairs, Past, Weighed
from cdp.identity.linkage.frequencies import Counted
from cdp.identity.linkage.learned import Learned
from cdp.identity.linkage.model import KINDS, LinkModel
from cdp.identity.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PAIR = pa.struct([("record_id", pa.string()), ("weight", pa.float32())])
_JOINT = " + "  # between the keys of a blocking rule
_NONE = np.empty(0, np.uint64), np.empty(0, np.int64)


@dataclass(frozen=True)
class Memory:
    """What the last night left: rows of silver.link_model and silver.scored_records, of no rows at first.

    made_of: names all that decides what is learned beside the records, code and definitions; what was learned by other
    ones is forgotten. secret: keys the hashes.
    """

    made_of: str
    secret: bytes
    model: DataFrame
    records: DataFrame


def made_of(code: str, rules: IdentityRules) -> str:
    """A name for all that decides what is learned and how records are marked, beside the records themselves."""
    told = "\x1f".join([code, pd.__version__, rules.model_dump_json()])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def recall(memory: Memory, record_ids: pd.Series) -> Past | None:
    """What the last night left for these records; None where it left nothing that holds. Two Spark jobs."""
    model = memory.model.toArrow()
    if not model.num_rows or memory.made_of not in _named(model.to_pandas(), "made of"):
        return None
    version = model_version(model)
    return read_records(memory.records.where(memory.records["model"] == version).toArrow(), model, record_ids)


def model_table(learned: Learned, made_of: str) -> pa.Table:
    """The rows of silver.link_model."""
    model = learned.model
    rows: list[tuple[str, str, str, float]] = [
        ("made of", made_of, "", 0.0),
        ("records", "", "", learned.n_records),
        ("initial bits", "", "", learned.initial_bits),
        ("rounds", "", "", model.rounds),
    ]
    rows += [("share", kind, "", share) for kind, share in model.shares.items()]
    rows += [("rule", _JOINT.join(names), "", at) for at, names in enumerate(learned.rules)]
    for at, (name, levels) in enumerate(zip(model.fields, model.level_names, strict=True)):
        rows.append(("field", name, "", at))
        rows += [("level", name, level, number) for number, level in enumerate(levels)]
        rows += [("rate", name, f"{kind} {level}", rate) for kind in KINDS
                 for level, rate in enumerate(model.rates[kind][at].tolist())]  # fmt: skip
    for name, counted in learned.frequencies.items():
        rows += [("records with a value", name, "", counted.n_held), ("values", name, "", counted.n_values)]
        rows += [("frequency", name, f"{mark:016x}", n) for mark, n in
                 zip(counted.marks.tolist(), counted.counts.tolist(), strict=True)]  # fmt: skip
    columns = list(zip(*rows, strict=True))
    kinds = [pa.string()] * 3 + [pa.float64()]
    return pa.table({name: pa.array(column, kind) for name, column, kind in
                     zip(LINK_MODEL.column_names, columns, kinds, strict=True)})  # fmt: skip


def read_model(table: pa.Table) -> Learned:
    """What :func:`model_table` wrote; the order of the rows does not matter."""
    rows = table.to_pandas().sort_values(["kind", "value", "name", "item"])
    single = rows[rows["item"] == ""].set_index(["kind", "name"])["value"]
    rules = tuple(tuple(rule.split(_JOINT)) for rule in _named(rows, "rule"))
    seen = {name: _seen(of) for name, of in rows[rows["kind"] == "frequency"].groupby("name")}
    frequencies = {
        name: Counted(*seen.get(name, _NONE), int(single["records with a value", name]), int(single["values", name]))
        for name in _named(rows, "values")
    }
    numbers = float(single["initial bits", ""]), int(single["records", ""])
    return Learned(_link_model(rows, single), rules, frequencies, *numbers)


def _link_model(rows: pd.DataFrame, single: pd.Series) -> LinkModel:
    fields = tuple(_named(rows, "field"))
    levels = {name: tuple(of["item"]) for name, of in rows[rows["kind"] == "level"].groupby("name")}
    rate = rows[rows["kind"] == "rate"].set_index(["name", "item"])["value"]
    rates = {
        kind: tuple(np.array([rate[name, f"{kind} {n}"] for n in range(len(levels[name]) + 1)]) for name in fields)
        for kind in KINDS
    }
    shares = {kind: float(single["share", kind]) for kind in KINDS}
    return LinkModel(fields, tuple(levels[name] for name in fields), rates, shares, int(single["rounds", ""]), ())


def model_version(model: pa.Table) -> str:
    """A name for the rows of silver.link_model, whatever their order."""
    rows = pd.util.hash_pandas_object(model.select(LINK_MODEL.column_names).to_pandas(), index=False)
    return f"{int(rows.to_numpy().sum()):016x}"


def record_table(weighed: Weighed, record_ids: pd.Series, version: str) -> pa.Table:
    """The rows of silver.scored_records."""
    n = len(record_ids)
    capped = np.stack([rule.capped for rule in weighed.blocks], axis=1) if weighed.blocks else np.zeros((n, 0), bool)
    pairs = weighed.pairs
    others = pa.StructArray.from_arrays(
        [pa.array(record_ids.to_numpy(object)[pairs.right], pa.string()), pa.array(pairs.weight, pa.float32())],
        fields=list(_PAIR),
    )
    return pa.table(
        {
            "record_id": pa.array(record_ids, pa.string()),
            "mark": pa.array(weighed.marks.view(np.int64)),
            "model": pa.array([version] * n, pa.string()),
            "is_basis": pa.array(weighed.is_basis),
            "capped": _lists(capped.sum(axis=1), pa.array(np.nonzero(capped)[1].astype(np.int32))),
            "pairs": _lists(np.bincount(pairs.left, minlength=n), others),
        }
    )


def read_records(table: pa.Table, model: pa.Table, record_ids: pd.Series) -> Past:
    """What is known of today's records, from rows that this model scored; records that are gone are left out."""
    learned, today = read_model(model), pd.Index(record_ids)
    n = len(today)
    number = today.get_indexer(table["record_id"].to_pandas())
    here = number >= 0
    marks, is_basis = np.zeros(n, np.uint64), np.zeros(n, bool)
    marks[number[here]] = table["mark"].to_numpy().view(np.uint64)[here]
    is_basis[number[here]] = table["is_basis"].to_numpy()[here]
    capped = np.zeros((n, len(learned.rules)), bool)
    owner, rules = _flat(table["capped"])
    known = here[owner]
    capped[number[owner[known]], rules.to_numpy()[known]] = True
    owner, others = _flat(table["pairs"])
    ends = np.stack([number[owner], today.get_indexer(others.field("record_id").to_pandas())])
    known = (ends >= 0).all(axis=0)
    low, high = np.sort(ends[:, known], axis=0)
    weight = others.field("weight").to_numpy()[known]
    return Past(learned, marks, is_basis, capped, Pairs(low, high, weight))


def _lists(lengths: np.ndarray, values: pa.Array) -> pa.ListArray:  # type: ignore[type-arg]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _flat(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:  # type: ignore[type-arg]
    """(number of the row, item) of all items of a column of lists."""
    lists = column.combine_chunks()
    return pc.list_parent_indices(lists).to_numpy(), lists.flatten()


def _named(rows: pd.DataFrame, kind: str) -> list[str]:
    """The names of a kind, in the order of the rows."""
    return list(rows.loc[rows["kind"] == kind, "name"])


def _seen(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    marks = np.fromiter((int(item, 16) for item in rows["item"]), np.uint64, len(rows))
    order = np.argsort(marks)
    return marks[order], rows["value"].to_numpy(np.int64)[order]
