"""Definition files: YAML into frozen models, with errors that name file, line, key and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from cdp.core.errors import ConfigError, nearest_name

#: How a definition file may end.
ENDINGS = (".yaml", ".yml")
#: Deeper than any definition; the loader calls itself once a level.
_MAX_DEPTH = 100
Model = TypeVar("Model", bound=BaseModel)


def read_definition(path: str | Path, model: type[Model]) -> Model:
    """One definition from a file of the user's; :class:`ConfigError` also for a file that is no text in UTF-8."""
    return load_definition(_read_text(Path(path)), str(path), model)


def load_definition(text: str, where: str, model: type[Model]) -> Model:
    """One definition from YAML text; ``where`` names the file in errors.

    :class:`ConfigError` lists every defect with its line: unknown keys with the nearest valid name, wrong types,
    missing keys.
    """
    data = load_yaml(text, where)
    if not isinstance(data, dict):
        raise ConfigError(f"{where}:1: a definition is a mapping of keys; this file holds {type(data).__name__}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = [_explain(problem, node, where, model) for problem in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def read_yaml(path: str | Traversable) -> Any:
    """What a YAML file of the user's holds; :class:`ConfigError` for one that is no text in UTF-8, or no YAML."""
    return load_yaml(_read_text(Path(path) if isinstance(path, str) else path), str(path))


def load_yaml(text: str, where: str) -> Any:
    """What YAML text holds; :class:`ConfigError` with the line for what is none, and for a key that is there twice."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(f"{where}:{line}: not valid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{where}:{line}: not valid YAML: {error.reason}") from None


class _Loader(yaml.SafeLoader):
    """The safe loader, which also refuses what YAML forbids and it lets pass, or fails at without a line."""

    def __init__(self, stream: str) -> None:
        """Begin at the outermost level."""
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """One value of any kind, unless too many others are around it."""
        if self._depth > _MAX_DEPTH:
            problem = f"values are nested more than {_MAX_DEPTH} deep"
            raise yaml.composer.ComposerError(None, None, problem, self.peek_event().start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """One mapping. A key that is there twice would have the last one's value, without a word of the others."""
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (first := lines.get((key.tag, key.value))) is not None:
                problem = f"key '{key.value}' is there twice, first in line {first}: leave one of them out"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
            lines[key.tag, key.value] = key.start_mark.line + 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """One value. A day such as 2026-02-30 is a ValueError, a text that is called !!bool a KeyError."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            problem = str(error)
        except (AttributeError, LookupError, OverflowError):
            problem = f"the value is none of the type that it is said to be ({node.tag})"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _read_text(file: Traversable) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not in UTF-8; save it in that encoding") from None


def load_definitions(folders: Traversable | Iterable[Traversable], model: type[Model]) -> dict[str, Model]:
    """Every ``*.yaml`` (or ``*.yml``) of the folders as name -> definition; a later folder's file replaces one of the
    same name.

    A folder that does not exist gives nothing. The name is the file's stem; :class:`ConfigError` for two files of one
    folder that have the same.
    """
    texts: dict[str, tuple[str, str]] = {}
    for folder in [folders] if isinstance(folders, Traversable) else folders:
        if not folder.is_dir():
            continue
        files: dict[str, Traversable] = {}
        for entry in sorted(folder.iterdir(), key=lambda e: e.name):
            if entry.name.endswith(ENDINGS):
                stem = entry.name.rsplit(".", 1)[0]
                if stem in files:
                    raise ConfigError(
                        f"{entry}: {files[stem].name} is the definition {stem!r} already: keep one of them"
                    )
                files[stem] = entry
        texts |= {stem: (_read_text(entry), str(entry)) for stem, entry in files.items()}
    return {name: load_definition(text, where, model) for name, (text, where) in sorted(texts.items())}


def has_definitions(folders: Iterable[Traversable]) -> bool:
    """Whether any of the folders has a definition file."""
    names = (entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir())
    return any(name.endswith(ENDINGS) for name in names)


def _explain(problem: Any, node: yaml.Node | None, where: str, model: type[BaseModel]) -> str:
    location = list(problem["loc"])
    line = _line_of(node, location)
    key = ".".join(str(part) for part in location) or "(file)"
    if problem["type"] == "extra_forbidden":
        allowed = _allowed_keys(model, location[:-1])
        hint = nearest_name(str(location[-1]), allowed) if allowed else "remove it"
        return f"{where}:{line}: unknown key '{key}': {hint}"
    if problem["type"] == "missing":
        return f"{where}:{line}: key '{key}' is missing"
    return f"{where}:{line}: key '{key}': {problem['msg']}"


def _line_of(node: yaml.Node | None, location: list[Any]) -> int:
    """The 1-based line of the deepest part of ``location`` that the file holds."""
    line = node.start_mark.line + 1 if node is not None else 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            match = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if match is None:
                continue  # a union's tag in the location, or the missing key itself
            line, node = match[0].start_mark.line + 1, match[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _allowed_keys(model: type[BaseModel], location: list[Any]) -> list[str]:
    """The keys that the model allows at ``location``; empty where that cannot be told."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(str(part)) if _is_model(current) else None
        if field is None:
            continue  # a key of a mapping
        current = _inner_model(field.annotation)
        if current is None:
            return []
    return [f.alias or n for n, f in current.model_fields.items()] if _is_model(current) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _inner_model(annotation: Any) -> Any:
    if _is_model(annotation):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner_model(argument)
        if inner is not None:
            return inner
    return None
