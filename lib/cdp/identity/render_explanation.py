"""An explanation of identity as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Told = Mapping[str, Any]


def render_pair(told: Told) -> str:
    """Why two are, or are not, one person."""
    verdict = "are one person" if told["is_one_person"] else "are two people"
    lines = [f"{told['a']} and {told['b']} {verdict} ({' / '.join(sorted({told['person_a'], told['person_b']}))})"]
    if told["path"]:
        lines += ["", "what leads from one to the other:", *(_link(link) for link in told["path"])]
    for pair in told["pairs"]:
        lines += ["", f"{pair['record_a']} beside {pair['record_b']}: {pair['weight']:+.1f} bits, "
                      f"probability {pair['probability']:.4f}", *_waterfall(pair["evidence"])]  # fmt: skip
    if told["mean_weight"] is not None:
        lines += ["", f"all pairs of profile records: {told['mean_weight']:+.1f} bits on average; "
                      f"a match takes more than {told['threshold']:+.1f}"]  # fmt: skip
    if told["shared"]:
        lines += ["", "identifier values that both carry:"]
        lines += [f"  {v['type']} {v['value']}: {v['why_not'] or 'ties them'}" for v in told["shared"]]
    for link in told["refused"]:
        lines += ["", f"refused by {link['why']}:", _link(link)]
    lines += _decisions(told["decisions"])
    return "\n".join(lines)


def render_person(told: Told) -> str:
    """What holds a person together, weakest first, and what was cut."""
    lines = [f"{told['person_id']}: {len(told['records'])} records", *(f"  {r}" for r in told["records"])]
    if told["weakest_link"]:
        lines += ["", "weakest link:", _link(told["weakest_link"]), *_waterfall(told["weakest_link"].get("evidence"))]
        lines += ["", "all links that hold it together, weakest first:", *(_link(link) for link in told["links"])]
    if told["refused"]:
        lines += ["", "values that tie its records to nobody:"]
        lines += [f"  {v['type']} {v['value']} in {', '.join(v['records'])}: {v['why']}" for v in told["refused"]]
    if told["cut"]:
        lines += ["", "pairs that look like one person, and were cut:"]
        lines += [f"  {c['record_a']} - {c['record_b']} {c['weight']:+.1f} bits: {c['why']}" for c in told["cut"]]
    lines += _decisions(told["decisions"])
    return "\n".join(lines)


def _link(link: Told) -> str:
    weight = "" if link["weight"] is None else f"  {link['weight']:+.1f} bits"
    return f"  {link['record']} - {link['to']} {link['value']}{weight}  ({link['rule']})"


def _waterfall(steps: Sequence[Told] | None) -> list[str]:
    """One line per step with its bits, a bar, and the sum so far."""
    lines, total = [], 0.0
    for step in steps or ():
        bits = step.get("bits", 0.0)
        total += bits
        name = f"{step['step']} {step.get('level', '')}".strip()
        lines.append(
            f"    {name:<44}{bits:>+7.1f}  {('+' if bits > 0 else '-') * min(round(abs(bits)), 25):<26}{total:+.1f}"
        )
    return lines


def _decisions(decisions: Sequence[Told]) -> list[str]:
    if not decisions:
        return []
    return ["", "stewards decided:", *(f"  {d['kind']} {d['decided_at']}: {d['reason']}" for d in decisions)]
