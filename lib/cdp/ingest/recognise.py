"""What the values of a column look like: a type, a time format, an identifier, personal data."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import phonenumbers

from cdp.ingest.columns import NULL_WORDS

#: So many of the values that are given must look alike; a few may be wrong, as they are in every source.
_SHARE = 0.95
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[-+][0-9]{2}:?[0-9]{2})?)?"
)
#: Spark's pattern -> Python's. Where days and months can change places, the one that fits every value wins.
_PATTERNS = {
    "dd/MM/yyyy": "%d/%m/%Y",
    "MM/dd/yyyy": "%m/%d/%Y",
    "dd.MM.yyyy": "%d.%m.%Y",
    "yyyyMMdd": "%Y%m%d",
    "yyyy/MM/dd": "%Y/%m/%d",
    "dd/MM/yyyy HH:mm:ss": "%d/%m/%Y %H:%M:%S",
    "MM/dd/yyyy HH:mm:ss": "%m/%d/%Y %H:%M:%S",
    "dd/MM/yyyy HH:mm": "%d/%m/%Y %H:%M",
    "MM/dd/yyyy HH:mm": "%m/%d/%Y %H:%M",
    "dd.MM.yyyy HH:mm": "%d.%m.%Y %H:%M",
}
_EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
#: Numbers of seconds that are taken for times: the years 2000 to 2100.
_FIRST, _LAST = 946_684_800, 4_102_444_800
#: Column names that say what a value is where values cannot: canonical column -> words, small, without separators.
_WORDS = {
    "given_name": ("firstname", "givenname", "forename", "fname"),
    "family_name": ("lastname", "familyname", "surname", "lname"),
    "birth_date": ("birthdate", "dateofbirth", "dob", "birthday"),
    "gender": ("gender", "sex"),
    "street_address": ("street", "address", "streetaddress", "address1", "addressline1"),
    "city": ("city", "town"),
    "region": ("region", "state", "province", "county"),
    "postcode": ("postcode", "postalcode", "zip", "zipcode"),
    "country": ("country", "countrycode"),
    "phone": ("phone", "phonenumber", "mobile", "telephone", "tel"),
    "job_title": ("jobtitle", "job", "occupation"),
    "employer": ("employer",),
    "organisation_name": ("company", "companyname", "organisation", "organization", "organisationname", "accountname"),
}
#: Identifiers by name, where a value could be anything.
_IDENTIFIERS = {
    "user_id": ("userid", "accountid", "account", "username", "login"),
    "customer_id": ("customerid", "customerno", "customernumber", "clientid", "memberid"),
    "loyalty_id": ("loyaltyid", "loyaltyno", "loyaltynumber", "cardno", "cardnumber"),
    "anonymous_id": ("anonymousid", "deviceid", "cookieid", "visitorid", "clientcookie"),
}


@dataclass(frozen=True)
class ColumnFacts:
    """What a column of a sample looks like.

    `type`: a Spark type; `time_format` for times and dates; `filled`, `distinct`: shares of the rows and of the
    values given; `canonical`: the column of customer_records that it seems to be; `identifier`: its identifier type;
    `pii`: direct, pseudonym or none, a guess for a person to review.
    """

    name: str
    type: str
    time_format: str | None
    filled: float
    distinct: float
    canonical: str | None
    identifier: str | None
    pii: str

    @property
    def is_key(self) -> bool:
        """Whether every row of the sample has a value of its own."""
        return self.filled == 1 and self.distinct == 1 and self.type in ("STRING", "BIGINT")


def recognise_column(name: str, values: Sequence[str | None]) -> ColumnFacts:
    """Look at the values of one column; null words count as missing."""
    given = [v.strip() for v in values if v is not None and v.strip() and v.strip() not in NULL_WORDS]
    time_format = _time_format(given)
    word = re.sub(r"[^a-z0-9]", "", name.rsplit(".", 1)[-1].lower())
    canonical, identifier = _canonical(word, given), _identifier(word, given)
    if canonical in ("email", "phone"):
        identifier = canonical
    is_direct = canonical is not None or _most(given, _is_address)
    return ColumnFacts(
        name=name,
        type=_type(given, time_format, is_text=identifier is not None or canonical is not None or _has_zeros(given)),
        time_format=time_format,
        filled=len(given) / len(values) if values else 0.0,
        distinct=len(set(given)) / len(given) if given else 0.0,
        canonical=canonical,
        identifier=identifier,
        pii="direct" if is_direct else "pseudonym" if identifier else "none",
    )


def _canonical(word: str, given: Sequence[str]) -> str | None:
    if _most(given, _EMAIL.fullmatch):
        return "email"
    found = next((column for column, words in _WORDS.items() if word in words), None)
    if found == "phone" or (found is None and _most(given, _is_international)):
        return "phone"
    return found


def _identifier(word: str, given: Sequence[str]) -> str | None:
    return next((kind for kind, words in _IDENTIFIERS.items() if given and word in words), None)


def _type(given: Sequence[str], time_format: str | None, *, is_text: bool) -> str:
    if time_format is not None:
        return "DATE" if not any(":" in v or time_format.startswith("epoch") for v in given) else "TIMESTAMP"
    if is_text or not given:
        return "STRING"
    if all(v.lower() in ("true", "false") for v in given):
        return "BOOLEAN"
    if _most(given, _INTEGER.fullmatch):
        return "BIGINT"
    return "DOUBLE" if _most(given, _DECIMAL.fullmatch) else "STRING"


def _time_format(given: Sequence[str]) -> str | None:
    if _most(given, _ISO.fullmatch):
        return "iso8601"
    for pattern, form in _PATTERNS.items():
        if _most(given, lambda v, form=form: _fits(v, form)):  # type: ignore[misc]
            return pattern
    for name, per_second in _EPOCHS.items():
        low, high = _FIRST * per_second, _LAST * per_second
        if _most(given, lambda v, low=low, high=high: bool(_INTEGER.fullmatch(v)) and low <= int(v) < high):  # type: ignore[misc]
            return name
    return None


def _fits(value: str, form: str) -> bool:
    try:
        return 1900 <= datetime.strptime(value, form).year < 2100
    except ValueError:
        return False


def _has_zeros(given: Sequence[str]) -> bool:
    """Tell whether numbers have leading zeros, which makes them names and not amounts."""
    return any(len(v) > 1 and v.startswith("0") and v.isdigit() for v in given)


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_international(value: str) -> bool:
    if not value.startswith("+"):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(value, None))
    except phonenumbers.NumberParseException:
        return False


def _most(given: Sequence[str], looks: Callable[[str], object]) -> bool:
    """Tell whether nearly all look so; looks no further once too many do not."""
    others = (v for v in given if not looks(v))
    return bool(given) and next(islice(others, int((1 - _SHARE) * len(given)), None), None) is None
