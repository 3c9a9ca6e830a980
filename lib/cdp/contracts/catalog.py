"""The data catalog, printed from the contracts: no second description of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cdp.contracts.model import Column, TableContract


def catalog_json(contracts: Iterable[TableContract]) -> list[dict[str, Any]]:
    """The tables with their columns, as plain data."""
    return [asdict(contract) for contract in contracts]


def catalog_markdown(contracts: Iterable[TableContract]) -> str:
    """The tables with their columns, as Markdown."""
    return "\n".join(_table(contract) for contract in contracts)


def _table(contract: TableContract) -> str:
    about = contract.subject or f"nobody ({contract.subject_note})"
    lines = [
        f"## {contract.full_name}",
        contract.doc,
        "",
        f"Key: {', '.join(contract.key)}. Written: {contract.mode}. About: {about}. On erasure: {contract.erase}.",
        "",
        "| column | type | personal data | meaning |",
        "|---|---|---|---|",
        *[_row(column) for column in contract.columns],
        "",
    ]
    return "\n".join(lines)


def _row(column: Column) -> str:
    unit = f" Unit: {column.unit}." if column.unit else ""
    return f"| {column.name} | {column.type} | {column.pii} | {column.doc}{unit} |"
