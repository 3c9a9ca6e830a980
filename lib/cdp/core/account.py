"""Who runs this process: the name that stands beside a person's decisions."""

from __future__ import annotations

import getpass


def account_name() -> str:
    """The account's name; `unknown` where the machine has none for it, as in a container with a bare user id."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError until Python 3.12
        return "unknown"
