"""E-mail addresses, phone numbers, identity numbers and postal addresses in the form in which they are compared."""

from __future__ import annotations

import re

from cdp.identity.linkage.text import fold, is_nothing, words_of

# Two numbers of one line, written with and without country code or trunk zero, agree in their last nine digits.
_PHONE_DIGITS = 9
_STREET_WORDS = {
    "street": "st", "str": "st", "strasse": "st", "road": "rd", "avenue": "ave", "av": "ave", "boulevard": "blvd",
    "drive": "dr",
    "lane": "ln", "court": "ct", "place": "pl", "square": "sq", "terrace": "tce", "ter": "tce", "close": "cl",
    "crescent": "cres", "highway": "hwy", "parkway": "pkwy", "north": "n", "south": "s", "east": "e", "west": "w",
    "saint": "st", "circuit": "cct", "grove": "gr", "gardens": "gdns", "mount": "mt", "apartment": "apt", "flat": "apt",
    "unit": "apt", "suite": "apt", "ste": "apt", "number": "", "no": "", "nr": "",
}  # fmt: skip
_UNIT_WORDS = frozenset(words_of("apt apartment flat unit suite ste floor fl room"))
_LEGAL_FORMS = frozenset(words_of(
    "ltd limited inc incorporated llc plc corp corporation company gmbh sarl srl llp the and"))  # fmt: skip
# These are words or initials elsewhere: they are legal forms where they end a name.
_LAST_FORMS = frozenset(words_of("co ag kg sa spa bv nv oy ab as pty lp"))
_SEXES = {"m": "m", "male": "m", "man": "m", "boy": "m", "1": "m", "mann": "m", "homme": "m", "h": "m",
          "f": "f", "female": "f", "woman": "f", "girl": "f", "2": "f", "w": "f", "frau": "f", "femme": "f",
          "weiblich": "f", "mannlich": "m", "masculine": "m", "feminine": "f"}  # fmt: skip


def normal_email(raw: str) -> str | None:
    """Lower case, without mailto and blanks; on gmail without dots and +tag. None when it is no address."""
    text = re.sub(r"\s", "", fold(raw)).removeprefix("mailto:").strip("<>;,.'\"")
    found = re.fullmatch(r"([^@]+)@([^@]+\.[^@.]+)", text)
    if not found:
        return None
    local, domain = found[1], found[2]
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.split("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else None


def normal_phone(raw: str) -> str | None:
    """The last nine digits without extension; None below six digits or when all digits are one."""
    text = re.split(r"(?:ext|extension|x|#)\.?\s*\d", fold(raw))[0]
    if re.fullmatch(r"\d+\.0", text):
        text = text[:-2]
    digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", text))
    if len(digits) < 6 or len(set(digits)) == 1 or len(set(digits[-7:])) == 1:
        return None
    return digits[-_PHONE_DIGITS:]


def normal_id(raw: str) -> str | None:
    """Letters and digits only, lower case; None when it is one digit repeated (000-00-0000) or nothing."""
    text = fold(raw)
    if is_nothing(text):
        return None
    if re.fullmatch(r"\d+\.0", text):
        text = text[:-2]
    made = re.sub(r"[\W_]", "", text)
    is_filler = (len(set(made)) == 1 and len(made) > 2) or made in (
        "123456789",
        "987654321",
        "0123456789",
        "1234567890",
    )
    return None if not made or is_filler else made


def normal_sex(raw: str) -> str | None:
    """m or f; other answers stay as they are, so that they agree with themselves."""
    text = fold(raw).strip(".")
    if is_nothing(text) or text in ("u", "0", "9", "o", "other"):
        return None
    return _SEXES.get(text, text)


def normal_postcode(raw: str) -> str | None:
    """Letters and digits without blanks; of an American ZIP+4 the ZIP."""
    text = fold(raw)
    if is_nothing(text):
        return None
    text = re.sub(r"\.0$", "", text)
    text = re.sub(r"^(\d{5})-\d{4}$", r"\1", text)
    made = re.sub(r"[\W_]", "", text)
    return None if not made or set(made) in ({"0"}, {"9"}, {"x"}) else made


def normal_street(raw: str) -> str | None:
    """Words with the usual abbreviations; None for nothing."""
    text = fold(raw)
    if is_nothing(text):
        return None
    text = re.sub(r"(\w{3,})(strasse|str\b)", r"\1 st", text)
    words = [_STREET_WORDS.get(w, w) for w in words_of(text)]
    return " ".join(w for w in words if w) or None


def normal_words(raw: str) -> str | None:
    """Folded words; None for nothing."""
    text = fold(raw)
    return None if is_nothing(text) else " ".join(words_of(text)) or None


def normal_organisation(raw: str) -> str | None:
    """Folded words without legal forms (Ltd, G.m.b.H.); None for nothing."""
    text = normal_words(re.sub(r"\b(?:\w\.){2,}", lambda found: found[0].replace(".", "") + " ", raw))
    if text is None:
        return None
    kept = [w for w in text.split() if w not in _LEGAL_FORMS]
    while kept and kept[-1] in _LAST_FORMS:
        kept.pop()
    return " ".join(kept) or text


def split_line(raw: str) -> tuple[str | None, str | None, str | None]:
    """(street with number and unit, city, postcode) of an address in one line: "12 High St, Apt 4, 10115 Berlin".

    The street is told when a word and a number have come; what follows after a comma is a unit or the place. A line
    without such a part is all street.
    """
    segments = [s for s in re.split(r"[,;\n]", raw) if s.strip()]
    for at in range(len(segments)):
        words = words_of(fold(" ".join(segments[: at + 1])))
        if any(w.isalpha() and w not in _UNIT_WORDS for w in words) and any(w[0].isdigit() for w in words):
            break
    else:
        return raw, None, None
    street, place = segments[: at + 1], segments[at + 1 :]
    units = [s for s in place if _UNIT_WORDS & set(words_of(fold(s)))]
    told = [words_of(fold(s)) for s in place if s not in units]
    towns = [" ".join(w for w in words if not _has_digit(w)) for words in told]
    code = "".join(w for words in told for w in words if _has_digit(w))
    return " ".join(street + units), next((town for town in towns if town), None), code or None


def _has_digit(word: str) -> bool:
    return any(c.isdigit() for c in word)


def split_address(line: str) -> tuple[str | None, str | None, str | None]:
    """(number, street, unit) of a normal street line: "apt 4 12 high st" and "12 high st apt 4" are the same."""
    text = re.sub(r"\bapt ?([0-9]+[a-z]?|[a-z])\b", "", line)
    unit = re.search(r"\bapt ?([0-9]+[a-z]?|[a-z])\b", line)
    numbers = re.findall(r"\b\d+[a-z]?\b", text)
    street = re.sub(r"\b\d+[a-z]?\b", " ", text)
    if len(numbers) > 1 and unit is None and re.match(r"\s*\d+[a-z]? \d+[a-z]?\b", text):
        return numbers[1], " ".join(street.split()) or None, numbers[0]  # 4/12 High St: the unit comes first
    return (numbers[0] if numbers else None), " ".join(street.split()) or None, unit[1] if unit else None
