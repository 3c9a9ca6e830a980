"""Which raw fields a mapping reads, as a tree: the shape that records are parsed into."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cdp.core.errors import ConfigError
from cdp.ingest.codes import quote_text
from cdp.ingest.mapping_spec import ColumnSpec, MappingSpec, OutputSpec

#: Columns of a landed record; in work they begin with two underscores, out of the way of the source's own names.
KEPT = ("landed_id", "source", "file_id", "record_no", "raw", "delivered_on")
ITEM = "item"
#: A field that is wanted whole and in parts: its text goes by its name with this ending.
TEXT_SUFFIX = "__text"


@dataclass
class FieldTree:
    """A raw field: with children an object (or, if `is_list`, a list of objects), without them a text.

    `is_whole`: the field is also wanted as one text.
    """

    children: dict[str, FieldTree] = field(default_factory=dict)
    is_list: bool = False
    is_whole: bool = False

    def add(self, path: str) -> FieldTree:
        """Add a dotted path and give its end."""
        node = self
        for part in path.split("."):
            node = node.children.setdefault(part, FieldTree())
        return node

    def ddl(self) -> str:
        """Write the type of this field as Spark DDL, every leaf a STRING."""
        if not self.children:
            return "ARRAY<STRING>" if self.is_list else "STRING"
        fields = ", ".join(f"`{name}`: {child.ddl()}" for name, child in sorted(self.children.items()))
        return f"ARRAY<STRUCT<{fields}>>" if self.is_list else f"STRUCT<{fields}>"

    def build_sql(self, leaf: Callable[[str], str], prefix: str = "") -> str:
        """Write the field as a Spark SQL struct, asking `leaf` for the expression of every path."""
        if not self.children:
            return leaf(prefix)
        parts = [
            f"{quote_text(name)}, {child.build_sql(leaf, f'{prefix}.{name}')}"
            for name, child in sorted(self.children.items())
        ]
        return f"named_struct({', '.join(parts)})"

    def leaves(self, prefix: str = "") -> list[str]:
        """List the dotted paths of all texts below."""
        if not self.children:
            return [prefix]
        return [
            leaf
            for name, child in sorted(self.children.items())
            for leaf in child.leaves(f"{prefix}.{name}" if prefix else name)
        ]

    def objects(self, prefix: str = "") -> list[str]:
        """List the dotted paths of all objects below that are no lists."""
        below = [(f"{prefix}{name}", child) for name, child in sorted(self.children.items()) if child.children]
        inner = [path for name, child in below for path in child.objects(f"{name}.")]
        return [*(name for name, child in below if not child.is_list), *inner]


def collect_fields(mapping: MappingSpec) -> FieldTree:
    """Collect every raw field that a mapping names; what only its sql uses stands in `fields`."""
    root = FieldTree()
    whole = [*mapping.key, *mapping.versions, *mapping.required, *mapping.fields, *mapping.types]
    whole += [i.field for i in mapping.identifiers if i.field]
    for output in mapping.outputs:
        if output.explode:
            root.add(output.explode).is_list = True
        for path in _column_fields(output):
            is_item = output.explode is not None and path.startswith(ITEM + ".")
            whole.append(f"{output.explode}.{path[len(ITEM) + 1 :]}" if is_item else path)
    for path in whole:
        root.add(path).is_whole = True
    _refuse_deep_overlap(root, mapping.name)
    return root


def _column_fields(output: OutputSpec) -> Iterable[str]:
    columns: list[ColumnSpec] = [*output.columns.values(), *output.attributes.values()]
    return [column.field for column in columns if column.field is not None]


def _refuse_deep_overlap(root: FieldTree, name: str) -> None:
    for top, node in root.children.items():
        for below, child in node.children.items():
            if child.is_whole and child.children and not child.is_list:
                raise ConfigError(
                    f"mapping {name}: {top}.{below} is used whole and in parts; only top-level fields can be both"
                )


def is_both(node: FieldTree) -> bool:
    """Tell whether a top-level field is wanted as a text and in parts."""
    return node.is_whole and bool(node.children)


def path_sql(path: str, root: FieldTree | None = None) -> str:
    """Write a dotted path as a Spark SQL reference; with `root`, a whole field that is also in parts is its text."""
    parts = path.split(".")
    if root is not None and len(parts) == 1 and parts[0] in root.children and is_both(root.children[parts[0]]):
        return f"`{parts[0]}{TEXT_SUFFIX}`"
    return ".".join(f"`{part}`" for part in parts)
