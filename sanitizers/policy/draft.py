"""A first policy as text: a treatment that is safe for every column, one aligned YAML line each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sanitizers.catalog import Catalog, Column, Name, Table
from sanitizers.policy.compile import Treatment, treatment
from sanitizers.policy.document import Profile
from sanitizers.transformers.base import TEXT

Treat = Mapping[str, Any]


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, and why."""

    category: str
    why: str


@dataclass(frozen=True)
class Site:
    """A column of a policy table, with everything the table and its partitions demand of it."""

    table: Name
    column: Column
    unique: bool
    pinned: bool
    """Part of a partition key: a new value would move the row."""
    checked: bool
    """A CHECK or a domain limits the values: only treatments that keep the shape are sure to meet it."""


@dataclass(frozen=True)
class Entry:
    """One line of the policy."""

    guess: Guess
    treat: Treat | None = None
    """Only where the profile's own treatment is not safe for the column."""
    reason: str = ""


def sites(catalog: Catalog, table: Table) -> Iterator[Site]:
    """The columns of a table that need a rule: generated ones are computed again by the server."""
    heaps = [table, *catalog.partitions(table.name)]
    unique = {name for heap in heaps for index in heap.uniques for name in index.touched}
    pinned = {name for heap in heaps for name in heap.partition_key}
    checked = {
        name
        for heap in heaps
        for check in heap.checks
        if not _HARMLESS.fullmatch(check.definition)
        for name in check.columns
    }
    for column in table.columns:
        if not column.generated:
            limited = column.name in checked or domain(column) != ""
            yield Site(table.name, column, column.name in unique, column.name in pinned, limited)


_HARMLESS = re.compile(
    r"CHECK \([^~<>=]*( > | >= | <> )\(*(0|'')[^~<>=]*\)( NOT VALID)?|CHECK \([^~<>=]* <= \d{2,}[^~<>=]*\)"
)
"""`amount >= 0`, `name <> ''`, `length(name) <= 200`: every treatment meets these."""
_SPELLED = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
    "varchar": "character varying", "bpchar": "character", "bool": "boolean", "varbit": "bit varying",
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    "timetz": "time with time zone", "time": "time without time zone",
}  # fmt: skip


def domain(column: Column) -> str:
    """The name of the column's domain; empty when its type is none."""
    bare = re.sub(r"\(\d+(,-?\d+)?\)|\[\]", "", column.type)
    name = bare.rpartition(".")[2].strip('"')
    made = column.cast_type.rpartition(".")[2].strip('"')
    return "" if name in {column.base, made} or bare == _SPELLED.get(column.base) else name


def fit(guess: Guess, group: Sequence[Site], profile: Profile) -> Entry:
    """The entry of columns that must be treated alike.

    With the profile's treatment where that is safe for all of them, else with the first safe alternative;
    kept, and said so, when there is none.
    """
    wanted = profile.treatment(guess.category)
    if _safe(wanted, guess.category, group):
        return Entry(guess)
    for spec in _alternatives(str(wanted["kind"]), any(site.unique for site in group)):
        if _safe(spec, guess.category, group):
            return Entry(guess, spec)
    loud = Guess(guess.category, f"KEPT, no treatment is safe for {_demands(group)}; {guess.why}")
    return Entry(loud, {"kind": "keep"}, reason="To be decided: no treatment fits.")


_PLACEHOLDER: Treat = {"kind": "placeholder"}
_PSEUDONYM: Treat = {"kind": "pseudonym"}
_NULL: Treat = {"kind": "null"}
_DIGITS: Treat = {"kind": "unique", "format": "digits"}
_TOKEN: Treat = {"kind": "unique", "format": "token"}


def _alternatives(wanted: str, unique: bool) -> tuple[Treat, ...]:
    if unique:
        return (_TOKEN, _DIGITS, _NULL)
    if wanted == "null":  # the column is NOT NULL: empty comes nearest
        return (_PLACEHOLDER, _PSEUDONYM)
    return (_PSEUDONYM, _DIGITS, _PLACEHOLDER, _NULL)


def _safe(spec: Treat, category: str, group: Sequence[Site]) -> bool:
    found = treatment(dict(spec), category)
    return found.kind == "keep" or all(_meets(found, site) for site in group)


def _meets(found: Treatment, site: Site) -> bool:
    transformer, column = found.transformer, site.column
    demands = (
        not site.pinned,
        not transformer.accepts or column.base in transformer.accepts,
        not (transformer.may_null and column.not_null),
        not (site.unique and transformer.uniqueness(found.params) != "preserved"),
        not (column.array and found.kind in {"unique", "known_password"}),
        not site.checked or _keeps_shape(found, column),
    )
    return all(demands) and not any(transformer.problems(column, found.params))


def _keeps_shape(found: Treatment, column: Column) -> bool:
    if found.kind in {"null", "known_password"} or found.transformer.reserved(found.params):
        return True
    return (
        column.base in TEXT
        and found.kind in {"pseudonym", "unique"}
        and getattr(found.params, "format", "") != "token"
    )


def _demands(group: Sequence[Site]) -> str:
    column = group[0].column
    said = {
        "a partition key": any(site.pinned for site in group),
        "UNIQUE": any(site.unique for site in group),
        "NOT NULL": any(site.column.not_null for site in group),
        "with a CHECK": any(site.checked for site in group),
    }
    return " ".join([column.type, *(word for word, holds in said.items() if holds)])


def render(catalog: Catalog, profile: str, entries: Mapping[tuple[Name, str], Entry]) -> str:
    """The policy's text: every table and column of the catalog, in its own order."""
    name = _scalar(catalog.database)
    lines = [
        "# yaml-language-server: $schema=policy.schema.json",
        f"# A first policy for {_comment(catalog.database)}, guessed from names and types; no row was read.",
        "# Check each line marked review: what is in the column? Correct the category, then delete the mark.",
        f"# Then try it: understudy lint, understudy plan {name}, understudy refresh {name} --dry-run.",
        "",
        f"policy: {name}",
        "version: 1",
        f"profile: {_scalar(profile)}",
        "",
        "tables:" if any(catalog.roots()) else "tables: {}",
    ]
    for table in catalog.roots():
        lines += [*_table(table, entries), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(table: Table, entries: Mapping[tuple[Name, str], Entry]) -> Iterator[str]:
    if table.kind == "f":
        yield f"  # {_comment(str(table.name))} is a foreign table: its rows are not here, the wire is cut."
        return
    ruled = {
        column.name: entries[table.name, column.name] for column in table.columns if not column.generated
    }
    yield f"  {_scalar(str(table.name))}:"
    yield "    columns:" if ruled else "    columns: {}"
    keys = {name: f"{_scalar(name)}:" for name in ruled}
    values = {name: _value(entry) for name, entry in ruled.items()}
    key_width = max(map(len, keys.values()), default=0)
    width = max((len(value) for value in values.values() if len(value) <= _WIDE), default=0)
    for column in table.columns:
        if column.generated:
            yield f"      # {_comment(column.name)} is generated: computed again from what it reads."
        else:
            why = _comment(ruled[column.name].guess.why)
            yield f"      {keys[column.name]:{key_width}} {values[column.name]:{width}}  # review: {why}"


_WIDE = 56
"""Longer values do not push the comments of the whole table to the right."""


def _value(entry: Entry) -> str:
    category = _scalar(entry.guess.category)
    if entry.treat is None:
        return category
    treat = ", ".join(f"{key}: {_scalar(str(value))}" for key, value in entry.treat.items())
    reason = f", reason: {_scalar(entry.reason)}" if entry.reason else ""
    return f"{{category: {category}, treat: {{{treat}}}{reason}}}"


_PLAIN = re.compile(r"[^\W\d][\w.-]*")
_WORDS_OF_YAML = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def _scalar(text: str) -> str:
    """The text as a YAML scalar, quoted only where it has to be."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def _comment(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
