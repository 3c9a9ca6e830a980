"""Python's loggers of other packages, kept from telling too much."""

from __future__ import annotations

import logging


def quiet_python_loggers() -> None:
    """Silence the loggers that print failing values (pyspark's query context) or chatter (py4j)."""
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).disabled = True
    logging.getLogger("py4j").setLevel(logging.ERROR)
