"""Text in one form: folded letters, no words for nothing, each distinct value worked on once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int32]
"""One whole number per record that stands for a value of a list; -1 is null."""

NULL_WORDS = frozenset(re.findall(r"\S+", """
    null none nan nat n/a na n.a. nil unknown unk undefined not-known notknown unbekannt missing blank empty "
    "no-name noname - -- --- . .. ? ?? ??? * / \\ x xx xxx #n/a <na> <null> (null) not-available not-provided "
    "not-given not-applicable no-answer prefer-not-to-say tbd tba test
"""))  # fmt: skip
_SPECIAL = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": "'", "`": "'",
     "´": "'", "‘": "'", "–": "-", "—": "-", "‐": "-"}
)  # fmt: skip
_FIRST_SIGN = "\u2e80"  # from here on signs stand for words and syllables (CJK radicals)
# Romanisation close to passports (ICAO 9303) for Cyrillic, ELOT 743 for Greek; letters that sound nothing are dropped.
_ROMAN = str.maketrans(dict(re.findall(r"(.)=(\w*)", """
    а=a б=b в=v г=g д=d е=e ж=zh з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh щ=shch
    ъ= ы=y ь= э=e ю=iu я=ia ё=e ѓ=g і=i ї=i ґ=g є=e ў=u
    α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch ψ=ps ω=o
""")))  # fmt: skip


def fold(value: str) -> str:
    """NFKC, lower case, without accents, in Latin letters where the alphabet is Cyrillic or Greek, single spaces."""
    if value.isascii():
        return " ".join(value.lower().split())
    lower = unicodedata.normalize("NFKC", value).lower().translate(_SPECIAL)
    plain = "".join(c for c in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(c))
    return " ".join(plain.translate(_ROMAN).split())


def is_nothing(folded: str) -> bool:
    """Whether a folded text is empty or only a word that systems write for nothing."""
    return not folded or folded.replace(" ", "-") in NULL_WORDS or not any(c.isalnum() for c in folded)


def is_initial(folded: str) -> bool:
    """Whether a name is one letter of an alphabet; one Chinese or Japanese sign is a whole name."""
    return len(folded) == 1 and folded < _FIRST_SIGN


def words_of(folded: str) -> list[str]:
    """The words: runs of letters and digits; an apostrophe joins (o'brien is obrien)."""
    return re.findall(r"[^\W_]+", folded.replace("'", ""))


def skeleton(word: str) -> str:
    """The Soundex of a word: its first letter and the classes of the next three consonants (Russell 1918)."""
    codes = [_CLASSES.get(c, "") for c in word]
    kept = [word[0]] if word else []
    last = codes[0] if codes else ""
    for letter, code in zip(word[1:], codes[1:], strict=True):
        if code and code != last:
            kept.append(code)
        if letter not in "hw":
            last = code
    return "".join(kept[:4])


_CLASSES = {c: d for d, cs in {"1": "bfpv", "2": "cgjkqsxz", "3": "dt", "4": "l", "5": "mn", "6": "r"}.items()
            for c in cs}  # fmt: skip


def distinct(column: pd.Series) -> tuple[Codes, list[str]]:
    """Number the distinct texts of a column in sorted order, so that no code depends on the order of the records."""
    codes, values = pd.factorize(column, sort=False, use_na_sentinel=True)
    texts = [str(v) for v in values]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(texts) + 1, np.int32)
    rank[order] = np.arange(len(texts), dtype=np.int32)
    rank[-1] = -1
    return rank[codes], [texts[i] for i in order]


def map_distinct(column: pd.Series, function: Callable[[str], str | None]) -> pd.Series:
    """Apply a function to each distinct text once; null stays null, and what the function makes None is null."""
    codes, texts = distinct(column)
    made = np.array([*(function(t) for t in texts), None], dtype=object)
    return pd.Series(made[codes], index=column.index, dtype=object)


def map_distinct_to_several(
    column: pd.Series, function: Callable[[str], Sequence[str | None]], n: int
) -> list[pd.Series]:
    """As :func:`map_distinct` for a function that gives n texts: n columns."""
    codes, texts = distinct(column)
    made = [function(t) for t in texts]
    return [pd.Series(np.array([*(m[at] for m in made), None], dtype=object)[codes], index=column.index, dtype=object)
            for at in range(n)]  # fmt: skip


def recode(texts: pd.Series) -> tuple[Codes, npt.NDArray[np.object_]]:
    """As :func:`distinct`, with the values as an array for vectorised look-ups."""
    codes, values = distinct(texts)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return codes, out
