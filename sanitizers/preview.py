"""What treatments make of values: invented ones, so that nobody's data is needed to judge a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection, Cursor, RawCursor, sql

from sanitizers.catalog import Catalog, Column, Name, Table
from sanitizers.errors import NotFound
from sanitizers.keys import RunKey
from sanitizers.policy.bind import bound_treatments
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import Treatment, heap_select
from sanitizers.policy.document import LoadedPolicy
from sanitizers.policy.mapping import mapping
from sanitizers.policy.safety import mapped

_HEAP = Name("pg_temp", "preview")
_BY_CATEGORY = {
    "name": "Ada Example", "name.first": "Ada", "name.middle": "Mae", "name.last": "Example",
    "name.user": "aexample",
    "name.company": "Example Works", "postal_address": "1 Sample Road", "phone": "212-867-0123",
    "fax": "212-867-0124",
    "email": "ada@example.net", "ssn": "123-45-6789", "mrn": "MRN-00012345", "url": "https://ada.example.net/me",
    "health_plan_id": "HP-1234567", "account_number": "AC-7654321", "license_number": "D123-4567",
    "quasi_identifier.zip": "10025-1234", "vehicle_id": "ABC-1234", "device_id": "SN-99887766",
    "ip_address": "203.0.113.77",
    "credential": "not-a-secret", "free_text": "Ada Example called about her appointment.",
}  # fmt: skip
_BY_TYPE = {
    "date": "1970-05-17", "timestamp": "1970-05-17 10:00", "timestamptz": "1970-05-17 10:00+00",
    "uuid": "0" * 32,
    "inet": "203.0.113.77", "cidr": "203.0.113.0/24", "bytea": r"\x6578616d706c65", "xml": "<a/>",
    "bool": "true",
    "json": '{"example": 1}', "jsonb": '{"example": 1}', "tsvector": "example",
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), "1234"),
}  # fmt: skip


@dataclass(frozen=True)
class PreviewRow:
    """One column's treatment of one invented value."""

    table: str
    column: str
    treatment: str
    before: str
    after: str


def preview(
    policy: LoadedPolicy, catalog: Catalog, connection: Connection[Any], table: str | None = None
) -> list[PreviewRow]:
    """Runs the compiled treatments on invented values, in a transaction that is rolled back.

    `connection` may be on any server of ours. NotFound when `table` has no treated columns.
    """
    chosen = [(t, found) for t, found in bound_treatments(policy, catalog) if table in (None, str(t.name))]
    if not chosen:
        raise NotFound(
            "no treated columns" if table is None else f"no treated columns in {table}",
            where=str(policy.path),
        )
    bindings, rows = Bindings(RunKey.draw(), policy.policy.locale, "staging"), list[PreviewRow]()
    for one, treatments in chosen:
        with connection.transaction(force_rollback=True):
            rows += _table(RawCursor(connection), policy, one, treatments, bindings)
    return rows


def _table(
    cursor: Cursor[Any],
    policy: LoadedPolicy,
    table: Table,
    treatments: dict[str, Treatment],
    bindings: Bindings,
) -> Iterator[PreviewRow]:
    rules = policy.policy.tables[str(table.name)].columns
    read = set(treatments).union(*(t.transformer.reads(t.params) for t in treatments.values()))
    read |= {name for t in treatments.values() for name in t.transformer.combines(t.params)}
    read |= {by for t in treatments.values() if (by := getattr(t.params, "by", None))}
    read |= {t.subject.column for t in treatments.values() if t.subject is not None}
    columns = tuple(_plain(column) for column in table.columns if column.name in read)
    before = [
        _example(column, rules[column.name].category if column.name in rules else "") for column in columns
    ]
    _stage(cursor, columns, before)
    for name, found in treatments.items():
        if mapped(found):
            _stage_mapping(cursor, found, next(c for c in columns if c.name == name), bindings)
    alone = {
        name: found
        for name, found in treatments.items()
        if not (_leans(found) or table.by_name[name].qualified)
    }
    select = heap_select(replace(table, name=_HEAP), columns, alone, None)
    after = cursor.execute(select.sql.encode(), bindings.values(select.bindings) or None).fetchone() or ()
    for column, old, new in zip(columns, before, after, strict=True):
        if column.name in treatments:
            found = treatments[column.name]
            said = found.transformer.summary(found.params)
            shown = _shown(new) if column.name in alone else "(only the scrub can tell)"
            yield PreviewRow(str(table.name), column.name, said, old or "NULL", shown)


def _leans(found: Treatment) -> bool:
    """Whether it leans on tables that only a scrub makes."""
    return found.kind == "python" or bool(found.lookups)


def _plain(column: Column) -> Column:
    # Types of the target do not exist here; those under its domains do.
    base = "text" if column.qualified else column.base
    return replace(column, type=base + ("[]" if column.array else ""), max_length=column.max_length)


def _example(column: Column, category: str) -> str | None:
    head = category.partition(".")[0]
    text = _BY_TYPE.get(column.base) or _BY_CATEGORY.get(category) or _BY_CATEGORY.get(head) or "example"
    if column.category != "S" and column.base not in _BY_TYPE and not column.qualified:
        return None
    text = text[: column.max_length] if column.max_length else text
    return f'{{"{text}"}}' if column.array else text


def _stage(cursor: Cursor[Any], columns: tuple[Column, ...], values: list[str | None]) -> None:
    defined = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type)) for column in columns
    )
    cursor.execute(sql.SQL("CREATE TEMP TABLE preview ({}) ON COMMIT DROP").format(defined))
    literals = sql.SQL(", ").join(map(sql.Literal, values))
    cursor.execute(sql.SQL("INSERT INTO pg_temp.preview VALUES ({})").format(literals))


def _stage_mapping(cursor: Cursor[Any], found: Treatment, column: Column, bindings: Bindings) -> None:
    made = mapping(found.domain, getattr(found.params, "format", ""), [(_HEAP, column, None)])
    name = sql.Identifier(made.table.schema, made.table.name)
    cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(made.table.schema)))
    cursor.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} (original text, replacement text)").format(name))
    insert = sql.SQL("INSERT INTO {} {}").format(name, sql.SQL(made.create.sql))
    cursor.execute(insert, bindings.values(made.create.bindings))


def _shown(value: object) -> str:
    if value is None:
        return "NULL"
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
