"""One output of a mapping, compiled: the SQL of its columns, and how later steps refer to them."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.core.errors import ConfigError, nearest_name
from cdp.ingest.alike import Alike, compile_alike, find_alike
from cdp.ingest.columns import ColumnSql, compile_column
from cdp.ingest.fields import FieldTree
from cdp.ingest.mapping_spec import ColumnSpec, MappingSpec, OutputSpec
from cdp.ingest.targets import TARGETS, Target


@dataclass(frozen=True)
class Output:
    """One output: its columns, the attributes of its JSON object, and the prefix of its intermediate columns.

    `alike`: attributes of which there are many of a kind; they are not among `attributes`. `nth`: what tells the keys
    of its rows from those of an earlier output of the same table, as one more argument.
    """

    spec: OutputSpec
    target: Target
    columns: dict[str, ColumnSql]
    attributes: dict[str, ColumnSql]
    alike: tuple[Alike, ...]
    prefix: str
    nth: str

    @property
    def every(self) -> list[ColumnSql]:
        """All columns and attributes, those that are alike as one."""
        return [*self.columns.values(), *self.attributes.values(), *(kind.sql for kind in self.alike)]

    @property
    def condition(self) -> str:
        """When a record gives rows of this output; an unknown answer is a no."""
        asked = [f"coalesce({condition}, false)" for condition in (self.spec.when, self.spec.also_when) if condition]
        return " AND ".join(asked) or "true"

    @property
    def is_wanted(self) -> str:
        """Refer to the answer to the condition."""
        return f"{self.prefix}is_wanted"

    def place(self, kind: str, *, needs_main: bool) -> str:
        """The column that holds the texts ("t") or typed values ("v") of this output's columns."""
        return _place(self.prefix, kind, needs_main)


def _place(prefix: str, kind: str, needs_main: bool) -> str:
    return f"{prefix}{'m' if needs_main else ''}{kind}"


def compile_output(number: int, output: OutputSpec, mapping: MappingSpec, fields: FieldTree) -> Output:
    """Write the SQL of one output; ConfigError names a column that its table does not take."""
    target = TARGETS[output.table]
    where = f"mapping {mapping.name}: output {output.table}"
    unknown = sorted(set(output.columns) - set(target.input_types))
    if unknown:
        hint = nearest_name(unknown[0], list(target.input_types))
        raise ConfigError(f"{where}: no column {unknown[0]!r} to map; {hint}")
    if output.attributes and target.json_column is None:
        raise ConfigError(f"{where}: {output.table} has no column for `attributes`")
    prefix = f"__{number}"

    null_words = output.table == "customer_records"

    def held(kind: str, label: str, *, needs_main: bool = False) -> str:
        return "" if output.explode is not None else f"{_place(prefix, kind, needs_main)}.`{label}`"

    def compiled(label: str, spec: ColumnSpec, type_ddl: str) -> ColumnSql:
        return compile_column(
            label,
            spec,
            type_ddl,
            root=fields,
            null_words=null_words,
            list_path=output.explode or "",
            text_ref=held("t", label, needs_main=spec.main is not None),
            value_ref=held("v", label, needs_main=spec.main is not None),
        )

    columns = {n: compiled(n, c, target.input_types[n]) for n, c in output.columns.items()}
    alike = tuple(
        compile_alike(
            f"alike_{n}",
            {name: output.attributes[name] for name in names},
            root=fields,
            null_words=null_words,
            text_ref=held("t", f"alike_{n}"),
            value_ref=held("v", f"alike_{n}"),
        )
        for n, names in enumerate(find_alike(output.attributes) if output.explode is None else ())
    )
    single = output.attributes.keys() - {name for kind in alike for name in kind.names}
    attributes = {n: compiled(f"a_{n}", c, c.type or "STRING") for n, c in output.attributes.items() if n in single}
    is_further = output.table in [earlier.table for earlier in mapping.outputs[:number]]
    return Output(output, target, columns, attributes, alike, prefix, nth=f", '{number}'" if is_further else "")
