"""Warnings that a verb's result comes with."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console


def tell_warnings(console: Console, warnings: Sequence[str]) -> None:
    """One line each."""
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", highlight=False, markup=False)
