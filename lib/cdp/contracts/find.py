"""Find every table contract by walking the folders: there is no list to keep."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from cdp.contracts.model import TableContract

LAYERS = ("bronze", "silver", "gold", "ops")


@cache
def all_contracts() -> dict[str, TableContract]:
    """``layer.name`` -> contract, for every module below bronze, silver, gold and ops."""
    found: dict[str, TableContract] = {}
    for layer in LAYERS:
        package = importlib.import_module(f"cdp.contracts.{layer}")
        for module_info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{module_info.name}")
            for value in vars(module).values():
                if isinstance(value, TableContract):
                    found[value.full_name] = value
    return dict(sorted(found.items()))
