"""A contract as Delta DDL: comments, NOT NULL, clustering, and no personal data in the log's statistics."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _column_ddl(column: Column, is_key: bool) -> str:
    not_null = " NOT NULL" if is_key or not column.nullable else ""
    unit = f" Unit: {column.unit}." if column.unit else ""
    return f"`{column.name}` {column.type}{not_null} COMMENT {quoted(column.doc + unit)}"


def create_statement(contract: TableContract, path: str) -> str:
    """``CREATE TABLE`` for the contract at ``path``.

    Statistics are kept for plain columns without direct or sensitive data only, since Delta writes the
    smallest and largest value of each such column into ``_delta_log`` as clear text, where DELETE does not reach.
    """
    columns = ",\n  ".join(_column_ddl(c, c.name in contract.key) for c in contract.columns)
    layout = ""
    if contract.partitioned_by:
        layout = f"\nPARTITIONED BY ({', '.join(contract.partitioned_by)})"
    elif contract.clustered_by:
        layout = f"\nCLUSTER BY ({', '.join(contract.clustered_by)})"
    properties = {"delta.dataSkippingStatsColumns": ",".join(contract.stats_columns)}
    rendered = ", ".join(f"{quoted(k)} = {quoted(v)}" for k, v in properties.items())
    return (
        f"CREATE TABLE IF NOT EXISTS delta.`{path}` (\n  {columns}\n) USING delta{layout}\n"
        f"COMMENT {quoted(contract.doc)}\nTBLPROPERTIES ({rendered})"
    )
