"""A described person as text for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from cdp.profiles.show import PersonDescription, Row, Tie, short_time, stated
from cdp.profiles.statements import values_of

_SHOWN_RECORDS = 6


def render_person(description: PersonDescription, *, width: int = 110, color: bool = False) -> str:
    """Write the person as tables, from who they are to why the records are one person.

    Parts without rows are left out. `color` adds terminal colours; without it the text is plain.
    """
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, no_color=not color, highlight=False)
    person = description.person
    known = "known" if person.get("is_known") else "anonymous"
    title = (
        f"[bold]{escape(description.person_id)}[/bold]  {known}, {person.get('status')}, born {person.get('born_on')}"
    )
    console.print(title)
    if description.asked:
        console.print(f"found by {escape(description.asked)}")
    for table in _tables(description):
        console.print()
        console.print(table)
    console.print()
    console.print(_why(description))
    return out.getvalue()


def _tables(d: PersonDescription) -> Iterable[Table]:
    ids = [(r["identifier_type"], r["value"], r["source"], r["valid_from"]) for r in d.identifiers]
    yield from _table("Identifiers", ("type", "value", "source", "since"), ids)
    companies = [(r["name"], r["n_people"], r["told_by"], r["known_from"], r["account_id"]) for r in d.accounts]
    yield from _table("Accounts", ("company", "people", "told by", "since", "id"), companies)
    yield from _table("Household", ("person", "id"), [(r["person_id"], r["household_id"]) for r in d.household])
    chosen = ("attribute", "value", "source", "record", "as of", "rule", "confidence")
    yield from _table("Profile", chosen, _attributes(d.profile))
    yield from _table("Stated besides", chosen[:5], _others(d.others))
    yield from _table("Traits", ("trait", "value"), stated(d.traits, "person_id").items())
    scores = [
        (r["model"], r["score"], r.get("lo"), r.get("hi"), r["as_of"], ", ".join(r.get("reasons") or []))
        for r in d.predictions
    ]
    yield from _table("Predictions", ("model", "score", "from", "to", "as of", "reasons"), scores)
    members = [(r["audience"], r["entered_on"], r["left_on"]) for r in d.audiences]
    yield from _table("Audiences", ("audience", "entered", "left"), members)
    given = [(r["purpose"], r["state"], r["valid_from"], r["source"], r.get("basis")) for r in d.consents]
    yield from _table("Consents, as stated", ("purpose", "state", "since", "source", "basis"), given)
    recent = [(r["at"], r["source"], r["what"], (r["detail"] or "")[:60]) for r in d.events]
    yield from _table("Recent events", ("at", "source", "what", "detail"), recent)
    changes = [(r["run_date"], r["kind"], r["reason"], " ".join(r["predecessor_ids"] or [])) for r in d.history]
    yield from _table("History of the id", ("night", "what", "why", "from"), changes)


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterable[Table]:
    """The table, if it has a row."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[escape(_number(value)) for value in row])
    return [table] if table.row_count else []


def _number(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else short_time(value)


def _attributes(profile: Row) -> list[tuple[Any, ...]]:
    """The chosen values; without a confidence where an older release chose them."""
    values = dict(values_of(profile))
    return [
        (
            _short(entry["attribute"]),
            values.get(entry["attribute"]),
            entry["source"],
            entry["record_id"],
            entry["valid_from"],
            entry["rule"],
            entry.get("confidence"),
        )
        for entry in profile.get("chosen") or []
    ]


def _others(others: list[Row]) -> list[tuple[Any, ...]]:
    columns = ("value", "source", "record_id", "valid_from")
    return [(_short(said["attribute"]), *(said[column] for column in columns)) for said in others]


def _short(attribute: str) -> str:
    return attribute.removeprefix("attributes.")


def _why(d: PersonDescription) -> Tree:
    """The values that several records share, each with its records; then what was not allowed to tie."""
    n_records = d.person.get("n_records")
    tree = Tree(
        f"[bold]Why these {n_records} records are one person[/bold]" if n_records != 1 else "[bold]One record[/bold]"
    )
    for tie in d.ties:
        if tie.is_active and len(tie.records) > 1:
            n = len(tie.records)
            is_match = tie.identifier_type == "record"
            branch = tree.add(f"{n} records match" if is_match else f"{_name(tie)} is in {n} records")
            for record in tie.records[:_SHOWN_RECORDS]:
                branch.add(escape(record))
            if len(tie.records) > _SHOWN_RECORDS:
                branch.add(f"and {len(tie.records) - _SHOWN_RECORDS} more")
    refused = [tie for tie in d.ties if not tie.is_active]
    if refused:
        branch = tree.add("ties nothing, because too common or of several people")
        for tie in refused:
            branch.add(f"{_name(tie)}: {escape(tie.reason or 'generic')}")
    return tree


def _name(tie: Tie) -> str:
    return f"{tie.identifier_type} {escape(tie.value)}"
