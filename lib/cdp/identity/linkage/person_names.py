"""Names of people as parts that can be compared: given, middle, family, suffix."""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp.identity.linkage.text import fold, is_nothing, words_of

_TITLES = frozenset(words_of(
    "mr mrs ms miss mx dr prof professor sir dame lady lord rev reverend hon herr frau mme mlle mons "
    "monsieur madame senor senora sig fr capt captain col major maj lt sgt dipl ing mag"))  # fmt: skip
_DEGREES = frozenset(words_of("phd md esq esquire bsc msc mba cpa dds dvm ba ma obe mbe cbe frs"))
_PARTICLES = frozenset(words_of(
    "van von der den de del della di da dos das du la le las los el al bin ibn ben ter ten zu zur st "
    "san santa mac mc o af av"))  # fmt: skip
_SUFFIXES = {"jr": "jr", "jnr": "jr", "junior": "jr", "sr": "sr", "snr": "sr", "senior": "sr", "ii": "ii", "iii": "iii",
             "iv": "iv", "2nd": "ii", "3rd": "iii", "4th": "iv"}  # fmt: skip


class PersonName(NamedTuple):
    """Folded parts of a name, each None where it is not there; a double family name keeps a blank between its parts."""

    given: str | None
    middle: str | None
    family: str | None
    suffix: str | None


def parse_full_name(raw: str) -> PersonName:
    """Take a written name apart: "Dr Anna-Maria van der Berg", "Smith, John A., Jr" and "John A Smith" all parse.

    A comma puts the family name first. A name of one word is a family name when nothing else is known of it. Titles
    and degrees are dropped.
    """
    text = _without_remarks(fold(raw))
    if is_nothing(text):
        return PersonName(None, None, None, None)
    head, *tail = [part for part in text.split(",") if part.strip()]
    words, suffix = _bare_words(head)
    rest: list[str] = []
    for part in tail:
        its_suffix = parse_suffix(part) if len(words_of(part)) == 1 else None
        more, found = ([], its_suffix) if its_suffix else _bare_words(part)
        suffix = suffix or found
        rest += more
    if rest:
        return _parts(rest[:1], rest[1:], words, suffix)
    at = _family_start(words)
    return _parts(words[:1] if at > 0 else [], words[1:at], words[at:], suffix)


def parse_given_name(raw: str) -> PersonName:
    """A given name column: its first word (or hyphenated pair) and what follows as middle names."""
    words, suffix = _bare_words(_without_remarks(fold(raw)))
    return _parts(words[:1], words[1:], [], suffix)


def parse_family_name(raw: str) -> PersonName:
    """A family name column: all its words; a suffix stands apart."""
    words, suffix = _bare_words(_without_remarks(fold(raw)).replace(",", " "))
    return _parts([], [], words, suffix)


def parse_suffix(raw: str) -> str | None:
    """jr, sr, ii, iii or iv, however written; None for anything else."""
    words = words_of(fold(raw))
    return next((_SUFFIXES[w] for w in words if w in _SUFFIXES), None)


def _without_remarks(text: str) -> str:
    return re.sub(r"\([^)]*\)|\"[^\"]*\"", " ", text)


def _bare_words(text: str) -> tuple[list[str], str | None]:
    """Words without titles, degrees and suffix; hyphenated given names stay one word."""
    if is_nothing(text):
        return [], None
    tokens = [re.sub(r"[^\w-]|_", "", t.replace("'", "")).strip("-") for t in re.split(r"[\s.]+", text)]
    words = [t for t in tokens if t]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    suffix = None
    while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1] in _DEGREES):
        suffix = _SUFFIXES.get(words[-1], suffix)
        words = words[:-1]
    return [w for w in words if not is_nothing(w)], suffix


def _family_start(words: list[str]) -> int:
    """Where the family name starts: at the last word, or at the particles before it."""
    at = len(words) - 1
    while at > 1 and words[at - 1] in _PARTICLES:
        at -= 1
    return at


def _parts(given: list[str], middle: list[str], family: list[str], suffix: str | None) -> PersonName:
    text = " ".join(family).replace("-", " ")
    return PersonName(given[0] if given else None, " ".join(middle) or None, text or None, suffix)
