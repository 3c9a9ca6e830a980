"""Birth dates as whole numbers yyyymmdd, read by the pattern that a feed uses."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping

from cdp.core.errors import ConfigError
from cdp.identity.linkage.text import fold

_MONTHS = {
    name: at for at in range(1, 13) for name in (calendar.month_name[at].lower(), calendar.month_abbr[at].lower())
}
# A line a month: German, French, Spanish, Italian, Dutch, Portuguese, without accents, and the short forms in use.
_ABROAD = """januar janner janvier janv enero ene gennaio gen januari janeiro
februar fevrier fevr febrero febbraio februari fevereiro fev
marz maerz mrz mars marzo maart mrt marco
avril avr abril abr aprile
mai mayo maggio mag mei maio
juni juin junio giugno giu junho
juli juillet juil julio luglio lug julho
aout agosto ago augustus
sept septembre septiembre settembre set setembro
oktober okt octobre octubre ottobre ott outubro out
novembre noviembre novembro
dezember dez decembre diciembre dic dicembre dezembro"""
_MONTHS |= {word: at for at, words in enumerate(_ABROAD.split("\n"), 1) for word in words.split()}
_LETTERS = {"yyyy": r"(?P<y>\d{4})", "yy": r"(?P<y>\d{2})", "mm": r"(?P<m>\d{1,2})", "m": r"(?P<m>\d{1,2})",
            "mmm": r"(?P<m>[a-z]+)", "mmmm": r"(?P<m>[a-z]+)", "dd": r"(?P<d>\d{1,2})",
            "d": r"(?P<d>\d{1,2})"}  # fmt: skip
# Days that systems fill in for an unknown birth date. Others (1970-01-01, a company's own) show by how often they come.
_FILLERS = frozenset({19000101, 18991230, 18991231, 11110111, 19111111, 19010101, 99991231})
_EARLIEST, _LATEST = 1500, 2100
DAY_FIRST, MONTH_FIRST = "day first", "month first"
# Two-digit years: nobody in the files is born after this one.
_PIVOT = 30


def compile_formats(formats: Iterable[str]) -> list[re.Pattern[str]]:
    """Regular expressions of date patterns such as yyyy-MM-dd; ConfigError for a letter that dates do not have."""
    return [_compile(one) for one in formats]


def _compile(pattern: str) -> re.Pattern[str]:
    made, names = "", []
    for run in re.findall(r"([A-Za-z])(\1*)|(.)", pattern):
        letters, other = run[0] + run[1], run[2]
        if other:
            made += re.escape(other) if other != "'" else ""
            continue
        piece = _LETTERS.get(letters.lower().replace("u", "y"))
        if piece is None:
            raise ConfigError(f"date format {pattern!r}: no part {letters!r}; use yyyy, MM, MMM, dd and separators")
        if len(letters) == 2 and re.search(r"[A-Za-z]{6,}", pattern):
            piece = piece.replace("{1,2}", "{2}")  # without separators each part has its full width
        made += piece
        names.append(letters)
    if not any(n.lower().startswith(("y", "u")) for n in names):
        raise ConfigError(f"date format {pattern!r} has no year (yyyy)")
    return re.compile(made + r"(?:[t ].*)?")


def vote_order(texts: Mapping[str, int]) -> str:
    """Whether a feed writes 03/07/1980 with the day or the month first: by its dates that allow only one reading.

    `texts` are raw values with their counts. A tie goes to the day, as most of the world writes.
    """
    day, month = 0, 0
    for text, n in texts.items():
        found = re.match(r"\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{2,4})\b", text)
        if found:
            first, second = int(found[1]), int(found[2])
            day += n * (first > 12 >= second)
            month += n * (second > 12 >= first)
    return MONTH_FIRST if month > day else DAY_FIRST


def order_patterns(patterns: list[re.Pattern[str]], texts: Mapping[str, int]) -> list[re.Pattern[str]]:
    """The patterns that read more of a feed's dates first: dd/MM before MM/dd where days above 12 come first."""

    def unread(pattern: re.Pattern[str]) -> int:
        return sum(n for text, n in texts.items() if _by_pattern(fold(text), pattern) is None)

    return sorted(patterns, key=unread)


def parse_date(raw: str, order: str, patterns: Iterable[re.Pattern[str]] = ()) -> int | None:
    """yyyymmdd; yyyymm00 or yyyy0000 where day or month is not known; None for what is no birth date.

    The given patterns are tried first, then the usual ways of writing; `order` decides between day and month first.
    """
    text = fold(raw)
    for pattern in patterns:
        made = _by_pattern(text, pattern)
        if made is not None:
            return made
    return _guess(text, order)


def _by_pattern(text: str, pattern: re.Pattern[str]) -> int | None:
    found = pattern.fullmatch(text)
    if not found:
        return None
    parts = found.groupdict()
    return _checked(_year(parts["y"]), _month(parts.get("m")), int(parts.get("d") or 0))


def _guess(text: str, order: str) -> int | None:
    text = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text)
    text = re.sub(r"[t ]\d{1,2}:\d{2}.*$", "", text)
    if re.fullmatch(r"\d+\.0", text):
        text = text[:-2]
    parts = re.findall(r"\d+|[a-z]+", text)
    if len(parts) == 1 and parts[0].isdigit():
        return _guess_digits(parts[0], order)
    numbers = [p for p in parts if p.isdigit()]
    if any(len(n) > 8 for n in numbers):
        return None  # no part of a date; Python refuses to read thousands of digits
    month = next((_MONTHS[p] for p in parts if p in _MONTHS), None)
    if month is not None:
        if len(numbers) == 1:
            return _checked(_year(numbers[0]), month, 0)
        if len(numbers) == 2:
            day, year = sorted(numbers, key=lambda n: (len(n) > 2, parts.index(n)))
            return _checked(_year(year), month, int(day))
        return None
    if len(numbers) == 3 and len(numbers) == len(parts):
        return _guess_three(numbers, order)
    if len(numbers) == 2 and len(numbers[0]) == 4:
        return _checked(int(numbers[0]), int(numbers[1]), 0)
    if len(numbers) == 2 and len(numbers[1]) == 4:
        return _checked(int(numbers[1]), int(numbers[0]), 0)
    return None


def _guess_three(numbers: list[str], order: str) -> int | None:
    first, second, third = (int(n) for n in numbers)
    if len(numbers[0]) == 4:
        return _checked(first, second, third) or _checked(first, third, second)
    year = _year(numbers[2])
    day, month = (first, second) if order == DAY_FIRST else (second, first)
    return _checked(year, month, day) or _checked(year, day, month)


def _guess_digits(digits: str, order: str) -> int | None:
    if len(digits) == 4:
        return _checked(int(digits), 0, 0)
    if len(digits) == 6:
        return _checked(int(digits[:4]), int(digits[4:]), 0)
    if len(digits) != 8:
        return None
    made = _checked(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    if made is not None:
        return made
    return _guess_three([digits[:2], digits[2:4], digits[4:]], order)


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else (2000 + year if year < _PIVOT else 1900 + year)


def _month(text: str | None) -> int:
    if not text:
        return 0
    return int(text) if text.isdigit() else _MONTHS.get(text, 99)


def _checked(year: int, month: int, day: int) -> int | None:
    """The number, or None; a day or month that cannot be (99, 31 February) makes the date worth nothing."""
    if not _EARLIEST <= year <= _LATEST or not 0 <= month <= 12 or (month == 0 and day > 0):
        return None
    if day and day > calendar.monthrange(year, month)[1]:
        return None
    made = year * 10_000 + month * 100 + day
    return None if made in _FILLERS else made
