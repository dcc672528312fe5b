"""From treatments to SQL: one SELECT a heap, each keyed digest computed once a row, secrets as parameters.

Everything whose shape follows the policy is built as a sqlglot tree and printed once, here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlglot import exp

from sanitizers.catalog import Column, Name, Table
from sanitizers.policy.plan import Lookup, Statement
from sanitizers.policy.rows import Choice
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import TEXT, Build, Digest, Params, Transformer, cast, fragment

SCRATCH = "understudy"
"""The schema that holds mappings and half-made heaps while a clone is scrubbed; gone before release."""
_HMAC = "sha256(:opad || sha256(:ipad || :message))"


@dataclass(frozen=True)
class Subject:
    """Whom a row is about: one keyed digest of that person serves all columns of the row that follow it."""

    column: str
    domain: str
    """Names the person's own table, so that rows about one person agree across tables."""
    number: bool
    nullable: bool
    unique: bool
    """Whether the table has one row a person."""
    nth: int = 0
    """Columns of one table under the same treatment are counted, so that they differ."""


@dataclass(frozen=True)
class Treatment:
    """A transformer with its validated parameters and its linkage domain, or the subject it follows."""

    transformer: Transformer
    params: Params
    domain: str
    subject: Subject | None = None
    lookups: tuple[tuple[str, Name], ...] = ()
    """Foreign-key columns and the lookups that hold what they lead to."""

    @property
    def linked_by(self) -> str:
        """What equal results have in common, in words; empty when nothing links them."""
        if self.subject is not None:
            return self.subject.domain
        return self.domain if hasattr(self.params, "domain") else ""

    @property
    def kind(self) -> str:
        return self.transformer.kind


def treatment(spec: dict[str, Any], category: str) -> Treatment:
    """The treatment of a `treat:` mapping. KeyError for an unknown kind, ValidationError for bad ones."""
    transformer = TRANSFORMERS[spec["kind"]]
    params = transformer.params.model_validate({key: value for key, value in spec.items() if key != "kind"})
    named = getattr(params, "domain", None)
    return Treatment(transformer, params, named or str(spec.get("of") or category.partition(".")[0]))


def sql_text(tree: exp.Expression) -> str:
    """A tree as PostgreSQL text. Nothing in our trees is of a kind that sqlglot would rewrite in place."""
    return tree.sql(dialect="postgres", normalize_functions=False, comments=False, copy=False)


def relation(name: Name, *, only: bool = False, alias: str = "t") -> exp.Table:
    """A quoted table reference."""
    table = exp.table_(name.name, name.schema, quoted=True, alias=alias)
    table.set("only", only)
    return table


def quoted(name: str) -> str:
    """A name as SQL has to write it."""
    return sql_text(exp.to_identifier(name, quoted=True))


def column_of(alias: str, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=alias)


def parameter(binding: str, type_: str) -> exp.Expression:
    """A parameter for a binding, under its name until the statement is complete (see `numbered`)."""
    return cast(exp.Parameter(this=exp.Var(this=f"\0{binding}\0")), type_)


def numbered(text: str) -> Statement:
    """The statement with its parameters numbered in the order of first use."""
    bindings: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${bindings.setdefault(found[1], len(bindings) + 1)}"

    return Statement(_PARAMETER.sub(number, text), tuple(bindings))


_PARAMETER = re.compile("[$]\0([^\0]*)\0")


def digest(domain: str, value: exp.Expression) -> exp.Expression:
    """HMAC-SHA-256 of a text value under the domain's key."""
    return _hmac(domain, fragment("convert_to(:value, 'UTF8')", value=value))


def _hmac(domain: str, message: exp.Expression) -> exp.Expression:
    """As nested `sha256` calls over the key's pads."""
    opad, ipad = parameter(f"opad:{domain}", "bytea"), parameter(f"ipad:{domain}", "bytea")
    return fragment(_HMAC, opad=opad, ipad=ipad, message=message)


@dataclass(frozen=True)
class Row:
    """What a treatment may know of the row beside its own column."""

    exempts: bool = False
    """Whether rows of the table can be exempt."""
    others: tuple[tuple[Column, Treatment | None], ...] = ()
    """The columns it combines, and their treatments where they are changed."""


@dataclass(frozen=True)
class RowScope:
    """What a column's treatment leans on."""

    found: Treatment
    lets: dict[str, str]
    """SQL of what is computed once a row, by column of the inner query; grows as treatments ask for it."""
    joins: dict[str, str]
    """SQL of what is joined to the rows, by alias; grows likewise."""
    row: Row
    sources: dict[str, str] = field(default_factory=dict)
    """SQL of what is joined to the heap itself, for `lets` to be computed from."""

    @property
    def domain(self) -> str:
        return self.found.domain

    def parameter(self, binding: str, type_: str) -> exp.Expression:
        return parameter(binding, type_)

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        subject = self.found.subject
        secret = digest(self.domain, value) if subject is None else _hmac(subject.domain, _person(subject))
        return build(Digest(self.once(secret), self.found.transformer.first_byte if subject else 0))

    def once(self, value: exp.Expression) -> exp.Expression:
        # Named by its content: columns that lean on the same digest share it.
        text = sql_text(value)
        name = f"understudy_{sha256(text.encode()).hexdigest()[:12]}"
        self.lets[name] = text
        return exp.column(name, table="t")

    def secret(self, purpose: str, value: exp.Expression) -> Digest:
        return Digest(self.once(digest(purpose, value)))

    @property
    def place(self) -> exp.Expression:
        self.lets[PLACE] = "t.ctid"
        return exp.column(PLACE, table="t")

    @property
    def exempt(self) -> tuple[exp.Expression, ...]:
        return (exp.column(_EXEMPT, table="t"),) if self.row.exempts else ()

    def treated(self, name: str) -> exp.Expression:
        column, found = next(other for other in self.row.others if other[0].name == name)
        if found is None:
            return column_of("t", name)
        return _replacement(found, column, RowScope(found, self.lets, self.joins, self.row, self.sources))

    def mapped(self, value: exp.Expression, format_: str) -> exp.Expression:
        # A join, because a million look-ups one by one cost three times as much.
        key = sql_text(fragment(':value COLLATE "C"', value=exp.paren(value)))
        map_ = map_name(self.domain, format_)
        alias = f"m_{sha256(f'{map_}{key}'.encode()).hexdigest()[:12]}"
        self.joins[alias] = f"LEFT JOIN {sql_text(relation(map_, alias=alias))} ON {alias}.original = {key}"
        return exp.column("replacement", table=alias)

    def column(self, name: str) -> exp.Expression:
        return column_of("t", name)

    def linked(self, key: str, name: str) -> exp.Expression:
        alias = f"l_{sha256(key.encode()).hexdigest()[:12]}"
        lookup = sql_text(relation(dict(self.found.lookups)[key], alias=alias))
        mine = sql_text(column_of("t", key))
        self.sources[alias] = f"LEFT JOIN {lookup} ON {alias}.understudy_key = {mine}"
        return self.once(column_of(alias, name))

    def computed(self, name: str) -> exp.Expression:
        alias = f"f_{sha256(name.encode()).hexdigest()[:12]}"
        self.sources[alias] = f"LEFT JOIN \0{name}\0 AS {alias} ON {alias}.place = t.ctid"
        return self.once(exp.column("value", table=alias))

    def nested(self, treat: dict[str, Any], column: Column, value: exp.Expression) -> exp.Expression:
        part = treatment(treat, self.domain)
        scope = ElementScope(part, self.lets, self.joins, self.row, self.sources)
        value = _plain(column, value)
        result = _result(part, column, value, scope)
        return guarded(part.transformer, column, value, result)

    def accepts(self, treat: dict[str, Any], base: str) -> bool:
        accepted = TRANSFORMERS[treat["kind"]].accepts
        return not accepted or base in accepted


@dataclass(frozen=True)
class ElementScope(RowScope):
    """The same for a part of a value (array element, JSON path), of which a row may have many."""

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        return fragment(
            "(SELECT :result FROM (SELECT :digest AS h OFFSET 0) AS k)",
            result=build(Digest(exp.column("h", table="k"))),
            digest=digest(self.domain, value),
        )


def _person(subject: Subject) -> exp.Expression:
    """The bytes that stand for a person: numbers of whatever width alike, all else by its text."""
    value = column_of("t", subject.column)
    form = "int8send(:v::bigint)" if subject.number else "convert_to(:v::text, 'UTF8')"
    person = fragment(form, v=value)
    if subject.nullable:
        # Rows about nobody agree with no other.
        person = fragment("coalesce(:v, convert_to(t.ctid::text, 'UTF8'))", v=person)
    if subject.nth:
        person = fragment("(:v || decode(:nth, 'hex'))", v=person, nth=f"{subject.nth:02x}")
    return person


def map_name(domain: str, format_: str) -> Name:
    """The table of one domain's mapping; domains that differ get tables that differ."""
    readable = "".join(c if c.isascii() and c.isalnum() else "_" for c in domain.lower())[:40]
    return Name(SCRATCH, f"map_{readable}_{sha256(f'{format_}:{domain}'.encode()).hexdigest()[:8]}")


def guarded(
    transformer: Transformer,
    column: Column,
    value: exp.Expression,
    result: exp.Expression,
    exempt: exp.Expression | None = None,
) -> exp.Expression:
    """NULL stays NULL, '' stays '', exempt rows stay: in that case the value itself, else the result."""
    reasons: list[exp.Expression] = [exempt] if exempt is not None else []
    if transformer.keeps_empty:
        reasons.append(fragment(":v IS NULL", v=value))
        if column.base in TEXT and not column.array:
            reasons.append(fragment(":v = ''", v=value))
    if not reasons:
        return result
    return fragment(
        "CASE WHEN :keep THEN :v ELSE :r END", keep=exp.or_(*reasons, copy=False), v=value, r=result
    )


@dataclass(frozen=True)
class Output:
    """One column of the new rows."""

    text: str
    lets: tuple[tuple[str, str], ...] = ()
    """What the inner query computes for it: name and SQL."""
    joins: tuple[tuple[str, str], ...] = ()
    """What is joined for it: alias and SQL."""
    sources: tuple[tuple[str, str], ...] = ()
    """What is joined to the heap for its `lets`."""

    def about(self, domain: str) -> Output:
        """The same with the subject's domain filled in."""
        lets = tuple((name, text.replace(_ANYBODY, domain)) for name, text in self.lets)
        return replace(self, text=self.text.replace(_ANYBODY, domain), lets=lets)


@lru_cache(maxsize=20_000)
def kept(name: str) -> Output:
    """A column as it is."""
    return Output(sql_text(column_of("t", name)))


def treated(found: Treatment, column: Column, row: Row) -> Output:
    """A column's new value."""
    if found.subject is None:
        return _treated(found, column, row)
    # Whom the rows are about differs from table to table, nothing else: what is remembered leaves it open.
    anybody = replace(found, subject=replace(found.subject, domain=_ANYBODY))
    return _treated(anybody, column, row).about(found.subject.domain)


_ANYBODY = "\1"


@lru_cache(maxsize=20_000)
def _treated(found: Treatment, column: Column, row: Row) -> Output:
    """Remembered: the same columns are in many tables."""
    scope = RowScope(found, {}, {}, row)
    text = sql_text(_replacement(found, column, scope))
    return Output(text, *(tuple(part.items()) for part in (scope.lets, scope.joins, scope.sources)))


def _replacement(found: Treatment, column: Column, scope: RowScope) -> exp.Expression:
    """A column's replacement; arrays element by element."""
    value = _plain(column, column_of("t", column.name))
    result = _result(found, column, value, scope)
    return guarded(found.transformer, column, value, result, next(iter(scope.exempt), None))


def _result(found: Treatment, column: Column, value: exp.Expression, scope: RowScope) -> exp.Expression:
    if not (column.array and found.transformer.elementwise):
        return found.transformer.expression(column, found.params, value, scope)
    parts = ElementScope(found, scope.lets, scope.joins, scope.row, scope.sources)
    return _elementwise(found, column, value, parts)


def _plain(column: Column, value: exp.Expression) -> exp.Expression:
    """Under the database's collation: two others could not be compared, and some know no LIKE."""
    text = column.collated and column.base in TEXT and not column.array
    return fragment(':v COLLATE "default"', v=value) if text else value


PLACE = "understudy_place"
"""A statement that computes this looks at rows together: over a whole heap, never over parts of it."""
_EXEMPT = "understudy_exempt"


def _elementwise(
    found: Treatment, column: Column, value: exp.Expression, scope: ElementScope
) -> exp.Expression:
    # The type of a domain over arrays does not name the elements'.
    type_ = column.type.removesuffix("[]") if column.type.endswith("[]") else column.cast_type
    plain = replace(column, type=type_, array=False)
    element = _plain(plain, column_of("u", "e"))
    result = found.transformer.expression(plain, found.params, element, scope)
    # Not unnest in FROM, which would take composite elements apart.
    flat = fragment(
        "ARRAY(SELECT :result FROM (SELECT unnest(:v) AS e) AS u)",
        result=guarded(found.transformer, plain, element, result),
        v=value,
    )
    shaped = fragment(_SHAPED, v=value, levels=fragment("array_ndims(:v)", v=value))
    # Not as a DataType: of some, such as oid[], sqlglot forgets the brackets.
    array = exp.Var(this=f"{column.cast_type}[]")
    parts = {"flat": flat, "shaped": shaped}
    return fragment(
        _ARRAY, v=value, **{name: exp.Cast(this=part, to=array.copy()) for name, part in parts.items()}
    )


_ARRAY = """
(SELECT CASE WHEN array_ndims(:v) > 1 OR array_lower(:v, 1) <> 1 THEN :shaped ELSE a.flat END
 FROM (SELECT :flat AS flat OFFSET 0) AS a)
"""
_SHAPED = r"""
concat(array_dims(:v), '=', (
    WITH RECURSIVE inside(level, size) AS (
        SELECT :levels, 1
        UNION ALL
        SELECT level - 1, size * array_length(:v, level) FROM inside WHERE level > 0
    )
    SELECT string_agg(concat(
               repeat('{', (SELECT count(*)::int FROM inside WHERE level < :levels AND (n - 1) % size = 0)),
               coalesce('"' || replace(replace(e::text, '\', '\\'), '"', '\"') || '"', 'NULL'),
               repeat('}', (SELECT count(*)::int FROM inside WHERE level < :levels AND n % size = 0))),
               ',' ORDER BY n)
    FROM (SELECT unnest(a.flat) AS e, generate_series(1, cardinality(a.flat)) AS n) AS s))
"""
"""An array of several dimensions, or with bounds of its own, by way of text: SQL has no other to shape one.
A brace opens before an element where a row of some level begins, `size` elements after the one before."""


@dataclass(frozen=True)
class RowSelect:
    """How the rows of a table become new rows; its partitions share it."""

    columns: tuple[str, ...]
    outputs: tuple[Output, ...]
    exempt: str = ""
    choices: Mapping[Name, Choice] = field(default_factory=dict)
    """By heap, where not all rows arrive as they are."""

    def of(self, heap: Name, *, ordered: bool = False) -> Statement:
        """The statement over one heap; `ordered` when rows have to stay in their physical order."""
        return numbered(self.text(heap, ordered=ordered))

    def text(self, heap: Name, *, ordered: bool = False) -> str:
        """Its SQL, parameters not numbered yet."""
        choice = self.choices.get(heap, Choice())
        joins = {alias: text for output in self.outputs for alias, text in output.joins}
        # What is joined by hash may come in any order.
        sorts = ordered and bool(joins or choice.where or self._sources(heap))
        gaps = {f"understudy_gap_{number}": text for number, (_, text) in enumerate(choice.gaps)}
        lets = self._lets() | gaps | ({PLACE: "t.ctid"} if sorts else {})
        source = " ".join([sql_text(relation(heap, only=True)), *self._sources(heap)])
        source = " WHERE ".join(filter(None, [source, choice.where]))
        for level in _levels(lets):
            inner = ", ".join(["t.*", *(f"{text} AS {name}" for name, text in level.items())])
            # In a window's order, rows would tell which of them it saw side by side.
            order = f" ORDER BY t.{PLACE}" if PLACE in lets and PLACE not in level else ""
            # OFFSET 0 keeps the planner from pulling the digests up into every place that uses them.
            source = f"(SELECT {inner} FROM {source}{order} OFFSET 0) AS t"
        source = " ".join([source, *joins.values(), *([f"ORDER BY t.{PLACE}"] if sorts else [])])
        outputs = self._outputs([column for column, _ in choice.gaps])
        return f"SELECT {outputs} FROM {source}" if outputs else f"SELECT FROM {source}"

    def _sources(self, heap: Name) -> list[str]:
        def results(found: re.Match[str]) -> str:
            table = function_table(heap, found[1])
            return f"{quoted(table.schema)}.{quoted(table.name)}"

        sources = {alias: text for output in self.outputs for alias, text in output.sources}
        return [_RESULTS.sub(results, text) for text in sources.values()]

    def _outputs(self, emptied: list[str]) -> str:
        texts = dict(zip(self.columns, (output.text for output in self.outputs), strict=True))
        for number, column in enumerate(emptied):
            texts[column] = f"CASE WHEN t.understudy_gap_{number} THEN NULL ELSE {texts[column]} END"
        return ", ".join(texts.values())

    def _lets(self) -> dict[str, str]:
        exempt = {_EXEMPT: self.exempt} if self.exempt else {}
        return exempt | {name: text for output in self.outputs for name, text in output.lets}


_RESULTS = re.compile("\0([^\0]*)\0")


def function_table(heap: Name, column: str) -> Name:
    """The table of one column's function results."""
    return Name(SCRATCH, f"function_{sha256(f'{heap}.{column}'.encode()).hexdigest()[:16]}")


def lookup(table: Name, key: str, columns: tuple[str, ...], *, unique: bool) -> Lookup:
    """A table's columns by a key of its; one row each where the key is not unique."""
    mine = sql_text(column_of("t", key))
    only = "" if unique else f"DISTINCT ON ({mine}) "
    taken = ", ".join([f"{mine} AS understudy_key", *(sql_text(column_of("t", name)) for name in columns)])
    text = f"SELECT {only}{taken} FROM {sql_text(relation(table))}"
    return Lookup(Name(SCRATCH, f"lookup_{sha256(text.encode()).hexdigest()[:16]}"), numbered(text))


def _levels(lets: dict[str, str]) -> Iterator[dict[str, str]]:
    """What is computed once a row, first what the rest leans on."""
    while lets:
        level = {
            name: text
            for name, text in lets.items()
            if "t.understudy_" not in text or not any(f"t.{other}" in text for other in lets)
        }
        yield level
        lets = {name: text for name, text in lets.items() if name not in level}


def row_select(
    columns: tuple[Column, ...],
    treatments: dict[str, Treatment],
    exempt: exp.Expression | None,
    choices: Mapping[Name, Choice] | None = None,
) -> RowSelect:
    """The new rows of a table, in the order of `columns`; `choices` by heap, where not all rows arrive."""
    shapes = {column.name: _shape(column) for column in columns}

    def row(found: Treatment) -> Row:
        others = found.transformer.combines(found.params)
        return Row(exempt is not None, tuple((shapes[name], treatments.get(name)) for name in others))

    outputs = tuple(
        treated(found, shape, row(found)) if (found := treatments.get(name)) is not None else kept(name)
        for name, shape in shapes.items()
    )
    if exempt is None or not treatments:
        return RowSelect(tuple(shapes), outputs, choices=choices or {})
    stays = sql_text(fragment("COALESCE(:e, FALSE)", e=exempt))
    return RowSelect(tuple(shapes), outputs, stays, choices or {})


def _shape(column: Column) -> Column:
    """The column without what no treatment looks at, so that more columns are alike."""
    return replace(column, position=0, default=None, not_null=False, identity="")


def heap_select(
    heap: Table, columns: tuple[Column, ...], treatments: dict[str, Treatment], exempt: exp.Expression | None
) -> Statement:
    """The SELECT that reads a heap and gives its new rows, in the order of `columns`."""
    return row_select(columns, treatments, exempt).of(heap.name)
