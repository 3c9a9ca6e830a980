"""How a written value goes wrong: slips on a keyboard, names written by ear, bad scans, lost and swapped parts."""

from __future__ import annotations

from .dice import Dice

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_NEAR = {
    key: "".join(row[j] for j in (i - 1, i + 1) if 0 <= j < len(row)) for row in _KEYS for i, key in enumerate(row)
}
_BY_EAR = (
    ("ph", "f"), ("f", "ph"), ("ck", "k"), ("k", "c"), ("c", "k"), ("sch", "sh"), ("ie", "y"), ("y", "i"), ("i", "y"),
    ("ee", "ea"), ("ea", "ee"), ("ou", "ow"), ("ai", "ay"), ("ei", "ie"), ("tt", "t"), ("ll", "l"), ("nn", "n"),
    ("ss", "s"), ("mm", "m"), ("rr", "r"), ("z", "s"), ("sen", "son"), ("son", "sen"), ("mac", "mc"), ("wr", "r"),
    ("gh", ""), ("er", "ar"), ("ey", "y"), ("kn", "n"), ("dg", "g"), ("oo", "u"), ("x", "ks"),
    ("qu", "kw"), ("th", "t"),
)  # fmt: skip
_SCAN = (
    ("m", "rn"), ("rn", "m"), ("cl", "d"), ("d", "cl"), ("l", "1"), ("i", "l"), ("o", "0"), ("s", "5"), ("b", "h"),
    ("e", "c"), ("vv", "w"), ("u", "n"), ("n", "u"), ("g", "q"), ("0", "o"), ("1", "l"), ("5", "s"),
    ("8", "b"), ("2", "z"),
)  # fmt: skip


def slip(dice: Dice, text: str) -> str:
    """One slip of a typist: a wrong neighbour key, a letter lost, doubled, added or swapped with the next."""
    if len(text) < 2:
        return text
    at = dice.below(len(text))
    kind = dice.below(5)
    near = _NEAR.get(text[at].lower(), "e")
    if kind == 0:
        return text[:at] + dice.pick(near) + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at] + text[at:]
    if kind == 3:
        return text[:at] + dice.pick(near) + text[at:]
    at = min(at, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def by_ear(dice: Dice, text: str) -> str:
    """Written as it sounds; a slip where no rule fits."""
    return _replaced(dice, text, _BY_EAR)


def scanned(dice: Dice, text: str) -> str:
    """Read wrongly by a machine; a slip where no rule fits."""
    return _replaced(dice, text, _SCAN)


def any_mistake(dice: Dice, text: str) -> str:
    """Half slips, the rest by ear or scanned."""
    kind = dice.below(4)
    return (slip, slip, by_ear, scanned)[kind](dice, text)


def digit_slip(dice: Dice, text: str) -> str:
    """A digit wrong or two neighbours swapped; other characters stay."""
    places = [i for i, c in enumerate(text) if c.isdigit()]
    if len(places) < 2:
        return text
    letters = list(text)
    if dice.chance(0.4):
        k = dice.below(len(places) - 1)
        i, j = places[k], places[k + 1]
        letters[i], letters[j] = letters[j], letters[i]
    else:
        letters[dice.pick(places)] = str(dice.below(10))
    return "".join(letters)


def _replaced(dice: Dice, text: str, rules: tuple[tuple[str, str], ...]) -> str:
    fitting = [(old, new) for old, new in rules if old in text[1:]]
    if not fitting:
        return slip(dice, text)
    old, new = dice.pick(fitting)
    at = text.index(old, 1)
    return text[:at] + new + text[at + len(old) :]
