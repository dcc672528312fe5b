"""From treatments to SQL: one SELECT a heap, each keyed digest computed once a row, secrets as parameters.

Everything whose shape follows the policy is built as a sqlglot tree and printed once, here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlglot import exp

from sanitizers.catalog import Column, Name, Table
from sanitizers.policy.plan import Mapping, Statement
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import TEXT, Build, Digest, Params, Transformer, cast, fragment

SCRATCH = "understudy"
"""The schema that holds mappings and half-made heaps while a clone is scrubbed; gone before release."""
_HMAC = "sha256(:opad || sha256(:ipad || convert_to(:value, 'UTF8')))"


@dataclass(frozen=True)
class Treatment:
    """A transformer with its validated parameters and its linkage domain."""

    transformer: Transformer
    params: Params
    domain: str

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
    """HMAC-SHA-256 of a text value under the domain's key, as nested `sha256` calls over the key's pads."""
    opad, ipad = parameter(f"opad:{domain}", "bytea"), parameter(f"ipad:{domain}", "bytea")
    return fragment(_HMAC, opad=opad, ipad=ipad, value=value)


@dataclass(frozen=True)
class RowScope:
    """What a column's treatment leans on."""

    lets: dict[str, str]
    """SQL of what is computed once a row, by column of the inner query; grows as treatments ask for it."""
    domain: str

    def parameter(self, binding: str, type_: str) -> exp.Expression:
        return parameter(binding, type_)

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        text = sql_text(digest(self.domain, value))
        # Named by its content: columns that lean on the same digest share it.
        name = f"understudy_{sha256(text.encode()).hexdigest()[:12]}"
        self.lets[name] = text
        return build(Digest(exp.column(name, table="t")))

    def once(self, value: exp.Expression) -> exp.Expression:
        text = sql_text(value)
        name = f"understudy_{sha256(text.encode()).hexdigest()[:12]}"
        self.lets[name] = text
        return exp.column(name, table="t")

    def mapped(self, value: exp.Expression, format_: str) -> exp.Expression:
        return fragment(
            "(SELECT m.replacement FROM :map WHERE m.original = :value)",
            map=relation(map_name(self.domain, format_), alias="m"),
            value=value,
        )

    def column(self, name: str) -> exp.Expression:
        return column_of("t", name)

    def nested(self, treat: dict[str, Any], column: Column, value: exp.Expression) -> exp.Expression:
        part = treatment(treat, self.domain)
        scope = ElementScope(self.lets, part.domain)
        return guarded(
            part.transformer, column, value, part.transformer.expression(column, part.params, value, scope)
        )


@dataclass(frozen=True)
class ElementScope(RowScope):
    """The same for a part of a value (array element, JSON path), of which a row may have many."""

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        return fragment(
            "(SELECT :result FROM (SELECT :digest AS h OFFSET 0) AS k)",
            result=build(Digest(exp.column("h", table="k"))),
            digest=digest(self.domain, value),
        )


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


@lru_cache(maxsize=20_000)
def kept(name: str) -> Output:
    """A column as it is."""
    return Output(sql_text(column_of("t", name)))


@lru_cache(maxsize=20_000)
def treated(found: Treatment, column: Column, exempt: bool) -> Output:
    """A column's replacement; arrays element by element. Remembered: the same columns are in many tables."""
    value, transformer, lets = column_of("t", column.name), found.transformer, dict[str, str]()
    if column.array and transformer.elementwise:
        result = _elementwise(found, column, value, lets)
    else:
        result = transformer.expression(column, found.params, value, RowScope(lets, found.domain))
    stays = exp.column(_EXEMPT, table="t") if exempt else None
    return Output(sql_text(guarded(transformer, column, value, result, stays)), tuple(lets.items()))


_EXEMPT = "understudy_exempt"


def _elementwise(
    found: Treatment, column: Column, value: exp.Expression, lets: dict[str, str]
) -> exp.Expression:
    """An array of several dimensions comes out with one: SQL has no way to shape it again."""
    element, plain = column_of("u", "e"), replace(column, type=column.base, array=False)
    scope = ElementScope(lets, found.domain)
    result = found.transformer.expression(plain, found.params, element, scope)
    return fragment(
        "ARRAY(SELECT :result FROM unnest(:v) WITH ORDINALITY AS u(e, n) ORDER BY u.n)",
        result=guarded(found.transformer, plain, element, result),
        v=value,
    )


@dataclass(frozen=True)
class RowSelect:
    """How the rows of a table become new rows; its partitions share it."""

    outputs: tuple[Output, ...]
    exempt: str = ""

    def of(self, heap: Name) -> Statement:
        """The statement over one heap."""
        outputs = ", ".join(output.text for output in self.outputs)
        source, lets = sql_text(relation(heap, only=True)), self._lets()
        if lets:
            inner = ", ".join(["t.*", *(f"{text} AS {name}" for name, text in lets.items())])
            # OFFSET 0 keeps the planner from pulling the digests up into every place that uses them.
            source = f"(SELECT {inner} FROM {source} OFFSET 0) AS t"
        return numbered(f"SELECT {outputs} FROM {source}" if outputs else f"SELECT FROM {source}")

    def _lets(self) -> dict[str, str]:
        exempt = {_EXEMPT: self.exempt} if self.exempt else {}
        return exempt | {name: text for output in self.outputs for name, text in output.lets}


def row_select(
    columns: tuple[Column, ...], treatments: dict[str, Treatment], exempt: exp.Expression | None
) -> RowSelect:
    """The new rows of a table, in the order of `columns`."""
    outputs = tuple(
        treated(treatments[column.name], _shape(column), exempt is not None)
        if column.name in treatments
        else kept(column.name)
        for column in columns
    )
    if exempt is None or not treatments:
        return RowSelect(outputs)
    return RowSelect(outputs, sql_text(fragment("COALESCE(:e, FALSE)", e=exempt)))


def _shape(column: Column) -> Column:
    """The column without what no treatment looks at, so that more columns are alike."""
    return replace(column, position=0, default=None, not_null=False, identity="")


def heap_select(
    heap: Table, columns: tuple[Column, ...], treatments: dict[str, Treatment], exempt: exp.Expression | None
) -> Statement:
    """The SELECT that reads a heap and gives its new rows, in the order of `columns`."""
    return row_select(columns, treatments, exempt).of(heap.name)


_MAPPING = r"""
WITH source AS (
    SELECT v COLLATE "C" AS v, bool_or(exempt) AS exempt
    FROM (:sources) AS s(v, exempt) WHERE v <> '' GROUP BY 1
), written AS (
    SELECT v, exempt, :shape AS shape, :number AS number FROM source
), shapes AS MATERIALIZED (
    SELECT DISTINCT shape FROM written
), frame AS (
    SELECT row_number() OVER () AS id, shape, width, radix, low, :high AS high,
           concat('FM', regexp_replace(replace(replace(shape, '\', '\\'), '"', '\"'), '([^0]+)', '"\1"', 'g'))
           AS picture
    FROM (SELECT shape, width, radix, :low AS low
          FROM (SELECT shape, CASE WHEN strpos(shape, '0') > 0 THEN 10 ELSE :letters END AS radix,
                       length(shape) - length(translate(shape, '0' || CASE WHEN strpos(shape, '0') > 0 THEN ''
                                                                           ELSE 'Aa' END, '')) AS width
                FROM shapes) AS w
          WHERE width > 0 AND radix > 0) AS f
), framed AS (
    SELECT v, exempt, id, CASE WHEN number >= low AND number < high THEN number - low END AS number
    FROM written LEFT JOIN frame USING (shape)
), room AS (
    SELECT id, wanted, free, floor(greatest(free - wanted - :spare, 0) * :start) AS first
    FROM (SELECT id, count(*) FILTER (WHERE NOT exempt) AS wanted, max(high - low) - count(number) AS free
          FROM framed JOIN frame USING (id) GROUP BY id) AS r
), placed AS (
    SELECT v, id, row_number() OVER (PARTITION BY id ORDER BY :digest) - 1 AS place
    FROM framed WHERE NOT exempt AND id IS NOT NULL
), numbered AS (
    SELECT v, id, at + count(*) FILTER (WHERE v IS NULL) OVER (
               PARTITION BY id ORDER BY at, v IS NOT NULL ROWS UNBOUNDED PRECEDING) AS number
    FROM (SELECT NULL::text AS v, id, number - row_number() OVER (PARTITION BY id ORDER BY number) + 1 AS at
          FROM framed WHERE number IS NOT NULL
          UNION ALL
          SELECT v, id, first + place FROM placed JOIN room USING (id) WHERE free >= wanted) AS m
)
SELECT v AS original, v AS replacement FROM framed WHERE exempt OR id IS NULL
UNION ALL
SELECT v, CASE WHEN radix = 10 THEN to_char(:result, picture) ELSE :word END
FROM (SELECT v, shape, width, radix, picture, low + number AS number
      FROM numbered JOIN frame USING (id) WHERE v IS NOT NULL) AS r
UNION ALL
SELECT p.v, :dense
FROM room JOIN placed AS p USING (id)
     JOIN placed AS q ON q.id = p.id AND q.place = (p.place + 1) % room.wanted
WHERE room.free < room.wanted
"""
"""A value's shape has 0 for its digits (or A and a for its letters where it has no digits). Values of one
shape take numbers that no original of that shape has, one after the other in the order of their digests from
a secret one on: a bijection whose results are nobody's originals. `at` counts the free numbers; a number is
its place among them plus the originals before it. Where there is no room for all, each value becomes the next
one in digest order, so that still nobody keeps his own. Values of exempt rows stay, wherever referenced."""

_UPPER, _LOWER = "BCDEFGHIJKLMNOPQRSTUVWXYZ", "bcdefghijklmnopqrstuvwxyz"
_CHARACTERS = """
FROM (SELECT c, i, count(*) FILTER (WHERE c ~ '[A-Za-z]') OVER (ORDER BY i) AS nth
      FROM unnest(string_to_array(:text, NULL)) WITH ORDINALITY AS u(c, i)) AS d
"""
_WORD = f"""
(SELECT string_agg(CASE WHEN c ~ '[A-Za-z]'
                        THEN chr(ascii(c) + (div(number, 26::numeric ^ (width - nth)) % 26)::int)
                        ELSE c END, '' ORDER BY i) {_CHARACTERS})
"""
_WORD_NUMBER = f"""
CASE WHEN v ~ '^[ -~]*[A-Za-z][ -~]*$' THEN (
    SELECT sum((ascii(upper(c)) - 65) * 26::numeric ^ (max_nth - nth))
    FROM (SELECT *, max(nth) OVER () AS max_nth {_CHARACTERS}) AS l WHERE c ~ '[A-Za-z]') END
"""
_DIGITS = "translate(v, translate(v, '0123456789', ''), '')::numeric"
_HAS_DIGITS = "translate(v, '0123456789', '') <> v"
_ZEROS = "translate(v, '123456789', '000000000')"


@dataclass(frozen=True)
class _Format:
    """SQL of what one format does with a value `v`, and with the numbers its shape allows."""

    shape: str
    number: str
    low: str
    high: str
    letters: int = 0
    """Radix of the letters in values without digits; 0 leaves such values as they are."""
    spare: int = 0
    """Numbers at the end that are not used while there are others."""
    result: str = "number"
    dense: str = "q.v"


_TEXT_FORMAT = _Format(
    shape=f"CASE WHEN {_HAS_DIGITS} THEN {_ZEROS} ELSE translate(regexp_replace(v, '[^ -~]', 'a', 'g'),"
    f" '{_UPPER}{_LOWER}', '{'A' * 25}{'a' * 25}') END",
    number=f"CASE WHEN {_HAS_DIGITS} THEN {_DIGITS} ELSE :letters END",
    low="0",
    high="radix::numeric ^ width",
    letters=26,
)
_SSN = f"{_ZEROS} IN ('000-00-0000', '000000000', '000 00 0000')"
_SSN_FORMAT = _Format(
    # Whatever is no number of nine digits becomes one. Area 000 is never issued either, and helps out.
    shape=f"CASE WHEN {_SSN} THEN {_ZEROS} ELSE '000000000' END",
    number=f"CASE WHEN v LIKE '666%' AND {_SSN} THEN {_DIGITS} - 666000000"
    f" WHEN v LIKE '000%' AND {_SSN} THEN {_DIGITS} + 1000000 END",
    low="0",
    high="2000000",
    spare=1000000,
    dense="NULL::text",
    result="CASE WHEN number < 1000000 THEN 666000000 + number ELSE number - 1000000 END",
)


def mapping(domain: str, format_: str, columns: list[tuple[Name, Column, exp.Expression | None]]) -> Mapping:
    """The mapping of one domain: a bijection over the values of all its columns, exempt rows' values kept."""
    sources = " UNION ALL ".join(_values(*entry) for entry in columns)
    found = _format(format_, [column for _, column, _ in columns])
    text = _bijection(domain, found).replace(_SOURCES, sources)
    return Mapping(domain, map_name(domain, format_), numbered(text))


def _values(table: Name, column: Column, exempt: exp.Expression | None) -> str:
    value = sql_text(fragment(":v::text", v=column_of("t", column.name)))
    stays = sql_text(fragment("COALESCE(:e, FALSE)", e=exempt)) if exempt is not None else "FALSE"
    return f"SELECT {value}, {stays} FROM {sql_text(relation(table))}"


_SOURCES = "\0sources\0"


@lru_cache(maxsize=1_000)
def _bijection(domain: str, found: _Format) -> str:
    letters = fragment(_WORD_NUMBER, text=exp.column("v"))
    tree = fragment(
        _MAPPING.strip(),
        sources=exp.Var(this=_SOURCES),
        digest=digest(domain, exp.column("v")),
        start=parameter(f"start:{domain}", "numeric"),
        shape=fragment(found.shape),
        number=fragment(found.number, letters=letters),
        low=fragment(found.low),
        high=fragment(found.high),
        letters=found.letters,
        spare=found.spare,
        result=fragment(found.result),
        word=fragment(_WORD, text=exp.column("shape")),
        dense=fragment(found.dense),
    )
    return sql_text(tree)


_LARGEST = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}


def _format(format_: str, columns: list[Column]) -> _Format:
    if format_ == "ssn":
        return _SSN_FORMAT
    if all(column.base in TEXT for column in columns):
        return _TEXT_FORMAT
    # A number drops leading zeros, so it must not get any; and it must fit the narrowest column.
    largest = min((_LARGEST[column.base] for column in columns if column.base in _LARGEST), default=0)
    high = "10::numeric ^ width"
    return _Format(
        shape=_ZEROS,
        number=f"CASE WHEN {_HAS_DIGITS} THEN {_DIGITS} END",
        low="CASE WHEN width > 1 OR shape LIKE '-%' THEN 10::numeric ^ (width - 1) ELSE 0 END",
        high=f"least({high}, {largest + 1})" if largest else high,
    )
