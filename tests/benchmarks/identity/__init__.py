"""Labelled person records of several kinds, each with an error process of its own, and the yardstick for who is who."""

from collections.abc import Callable
from functools import partial

from .abroad import make_abroad
from .crm import make_crm
from .feeds import make_feeds
from .historical import make_historical
from .labelled import Labelled
from .register import make_register

KINDS: dict[str, Callable[[int, int], Labelled]] = {
    "register_clean": partial(make_register, dirty=False),
    "register": make_register,
    "historical": make_historical,
    "crm": make_crm,
    "feeds": make_feeds,
    "abroad": make_abroad,
}
_THIN = {
    "thin_born": ("register", "given_name", "surname", "date_of_birth"),
    "thin_postcode": ("crm", "first_name", "last_name", "zip"),
    "thin_phone": ("abroad", "name", "telefon", "ort"),
    "thin_first": ("crm", "first_name", "email"),
    "thin_mail": ("feeds", "first", "last", "full_name", "mail"),
}
"""Kind -> the kind whose records it has, and the few columns that are told of them."""


def _make_thin(kind: str, seed: int, records: int) -> Labelled:
    of, *columns = _THIN[kind]
    return KINDS[of](seed, records).with_columns(*columns)


KINDS |= {kind: partial(_make_thin, kind) for kind in _THIN}
