"""Kinds of destination, one a module, found by walking this folder: there is no list to keep.

A module names its ``KIND`` and has a ``Spec`` (a DestinationSpec with the kind's own keys), a
``delivered_before(...)`` and a ``deliver(...)`` with the signatures of :mod:`cdp.activation.destinations.file`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, reduce
from operator import or_
from types import ModuleType
from typing import Annotated, Any

from pydantic import Field, RootModel

from cdp.core.errors import ConfigError, nearest_name


@cache
def find_kinds() -> dict[str, ModuleType]:
    """Kind -> its module."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return {module.KIND: module for module in sorted(modules, key=lambda m: m.__name__)}


def find_kind(kind: str) -> ModuleType:
    """The module of that kind; :class:`ConfigError` with the nearest name if there is none."""
    kinds = find_kinds()
    if kind not in kinds:
        raise ConfigError(f"there is no kind of destination {kind!r}; {nearest_name(kind, list(kinds))}")
    return kinds[kind]


def destination_model(kinds: dict[str, ModuleType] | None = None) -> Any:
    """The model of the files of conf/destinations: the kind's own, or that which the file's ``kind`` names."""
    specs: list[Any] = [module.Spec for module in (kinds or find_kinds()).values()]
    if len(specs) == 1:
        return specs[0]
    union = reduce(or_, specs)
    return RootModel[Annotated[union, Field(discriminator="kind")]]  # type: ignore[valid-type]
