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
