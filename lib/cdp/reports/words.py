"""Numbers as people read them: thousands with commas, shares in per cent, money without false precision."""

from __future__ import annotations


def count(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def compact(number: float) -> str:
    """``950``, ``12.3k``, ``4.1M``: at most three digits that count."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            unit = 1e3 if letter == "k" else size
            return f"{number / unit:.3g}{letter}" if abs(number) < 999.5 * unit else f"{number / unit:,.0f}{letter}"
    return f"{number:,.0f}"


def share(part: float, whole: float) -> str:
    """``12.3 %`` of a whole; a dash where there is none. A share below a tenth of a per cent is not called 0.

    The space is one at which no line breaks, as in all of these.
    """
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<\u00a00.1\u00a0%"
    return f"{percent:.1f}\u00a0%" if percent < 99.95 or percent == 100 else ">\u00a099.9\u00a0%"


def money(amount: float) -> str:
    """``12,345`` or ``4.56``."""
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.2f}"


def seconds(number: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``."""
    if number < 10:
        return f"{number:.1f}\u00a0s"
    if number < 120:
        return f"{number:.0f}\u00a0s"
    whole = round(number)
    return f"{whole // 60}\u00a0min {whole % 60}\u00a0s"


def decimal_edge(value_bin: int) -> str:
    """The lower edge of a value bin, e.g. bin 15 -> ``32``."""
    edge = 10 ** (value_bin / 10)
    return f"{edge:,.0f}" if edge >= 10 else f"{edge:.2g}"


def plain(name: str) -> str:
    """``high_value_households`` -> ``high value households``."""
    return name.replace("_", " ")


def metric(number: float) -> str:
    """A model's number: whole ones as counts, others with four digits that count."""
    return f"{number:,.0f}" if number == int(number) and abs(number) >= 10 else f"{number:.4g}"


def signed_share(number: float) -> str:
    """``+3.4 %`` for 0.034."""
    return f"{100 * number:+.1f}\u00a0%"
