"""From treatments to SQL: one SELECT a heap, each keyed digest computed once a row, secrets as parameters.

Everything whose shape follows the policy is built as a sqlglot tree and printed once, here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlglot import exp

from sanitizers.catalog import Column, Name, Table
from sanitizers.policy.plan import Mapping, Statement
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import TEXT, Build, Params, Transformer, cast, fragment, owned

SCRATCH = "understudy"
"""The schema that holds mappings and half-made heaps while a clone is scrubbed; gone before release."""
_HMAC = "sha256((:opad) || sha256((:ipad) || convert_to(:value, 'UTF8')))"


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
    """The treatment a `treat:` mapping describes. KeyError for an unknown kind, pydantic's error for bad params."""
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


@dataclass
class Parameters:
    """Numbers the parameters of one statement in the order of first use."""

    bindings: list[str] = field(default_factory=list)

    def __call__(self, binding: str, type_: str) -> exp.Expression:
        if binding not in self.bindings:
            self.bindings.append(binding)
        number = exp.Parameter(this=exp.Literal.number(self.bindings.index(binding) + 1))
        return cast(number, type_)

    def digest(self, domain: str, value: exp.Expression) -> exp.Expression:
        """HMAC-SHA-256 of a text value under the domain's key, as nested `sha256` calls over the key's pads."""
        return fragment(
            _HMAC, opad=self(f"opad:{domain}", "bytea"), ipad=self(f"ipad:{domain}", "bytea"), value=value
        )


@dataclass
class Select:
    """The SELECT over one table's rows while it is being built."""

    parameters: Parameters = field(default_factory=Parameters)
    lets: list[exp.Expression] = field(default_factory=list)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    """Columns that hold digests, by domain and the SQL of the value."""

    def let(self, tree: exp.Expression) -> str:
        """The name of a column of the inner query that holds the expression's value."""
        name = f"understudy_{len(self.lets) + 1}"
        self.lets.append(exp.Alias(this=owned(tree), alias=exp.to_identifier(name)))
        return name

    def digest(self, domain: str, value: exp.Expression) -> exp.Expression:
        """The digest of a value, computed once a row however many columns lean on it."""
        key = (domain, sql_text(value))
        if key not in self.digests:
            self.digests[key] = self.let(self.parameters.digest(domain, value))
        return exp.column(self.digests[key], table="t")


@dataclass(frozen=True)
class RowScope:
    """What a column's treatment leans on."""

    select: Select
    domain: str

    def parameter(self, binding: str, type_: str) -> exp.Expression:
        return self.select.parameters(binding, type_)

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        return build(self.select.digest(self.domain, value))

    def mapped(self, value: exp.Expression, format_: str) -> exp.Expression:
        return fragment(
            "(SELECT m.replacement FROM :map WHERE m.original = :value)",
            map=relation(map_name(self.domain, format_), alias="m"), value=value,
        )

    def column(self, name: str) -> exp.Expression:
        return column_of("t", name)

    def nested(self, treat: dict[str, Any], column: Column, value: exp.Expression) -> exp.Expression:
        part = treatment(treat, self.domain)
        scope = ElementScope(self.select, part.domain)
        return guarded(part.transformer, column, value, part.transformer.expression(column, part.params, value, scope))


@dataclass(frozen=True)
class ElementScope(RowScope):
    """The same for a part of a value (array element, JSON path), of which a row may have many."""

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        digest = self.select.parameters.digest(self.domain, value)
        return fragment(
            "(SELECT :result FROM (SELECT :digest AS h OFFSET 0) AS k)",
            result=build(exp.column("h", table="k")), digest=digest,
        )


def map_name(domain: str, format_: str) -> Name:
    """The table of one domain's mapping; domains that differ get tables that differ."""
    readable = "".join(c if c.isascii() and c.isalnum() else "_" for c in domain.lower())[:40]
    return Name(SCRATCH, f"map_{readable}_{sha256(f'{format_}:{domain}'.encode()).hexdigest()[:8]}")


def guarded(
    transformer: Transformer, column: Column, value: exp.Expression, result: exp.Expression,
    exempt: exp.Expression | None = None,
) -> exp.Expression:
    """NULL stays NULL, '' stays '', exempt rows stay: in that case the value itself, else the result."""
    reasons: list[exp.Expression] = [exempt] if exempt is not None else []
    if transformer.keeps_empty:
        reasons.append(fragment("(:v) IS NULL", v=value))
        if column.base in TEXT and not column.array:
            reasons.append(fragment("(:v) = ''", v=value))
    if not reasons:
        return result
    return fragment("CASE WHEN :keep THEN :v ELSE :r END", keep=exp.or_(*reasons, copy=False), v=value, r=result)


def treated(select: Select, treatment_: Treatment, column: Column, exempt: exp.Expression | None) -> exp.Expression:
    """A column's replacement in the SELECT of its heap; arrays element by element."""
    value, transformer = column_of("t", column.name), treatment_.transformer
    if column.array and transformer.elementwise:
        result = _elementwise(select, treatment_, column, value)
    else:
        result = transformer.expression(column, treatment_.params, value, RowScope(select, treatment_.domain))
    return guarded(transformer, column, value, result, exempt)


def _elementwise(select: Select, part: Treatment, column: Column, value: exp.Expression) -> exp.Expression:
    element = column_of("u", "e")
    plain = Column(column.name, column.position, column.base, column.base, column.category, max_length=column.max_length)
    result = part.transformer.expression(plain, part.params, element, ElementScope(select, part.domain))
    return fragment(
        "ARRAY(SELECT :result FROM unnest(:v) WITH ORDINALITY AS u(e, n) ORDER BY u.n)",
        result=guarded(part.transformer, plain, element, result), v=value,
    )


@dataclass(frozen=True)
class RowSelect:
    """How the rows of a table become new rows; its partitions share it."""

    outputs: str
    """The outer SELECT without its FROM."""
    inner: str
    """The inner SELECT, which computes digests and exemptions, without its FROM; empty when there are none."""
    bindings: tuple[str, ...]

    def of(self, heap: Name) -> Statement:
        """The statement over one heap."""
        source = sql_text(relation(heap, only=True))
        if self.inner:
            # OFFSET 0 keeps the planner from pulling the digests up into every place that uses them.
            source = f"({self.inner} FROM {source} OFFSET 0) AS t"
        return Statement(f"{self.outputs} FROM {source}", self.bindings)


def row_select(
    columns: tuple[Column, ...], treatments: dict[str, Treatment], exempt: exp.Expression | None
) -> RowSelect:
    """The new rows of a table, in the order of `columns`."""
    select = Select()
    kept = None
    if exempt is not None:
        kept = exp.column(select.let(fragment("COALESCE(:e, FALSE)", e=exempt)), table="t")
    outputs = [
        treated(select, treatments[column.name], column, kept)
        if column.name in treatments
        else column_of("t", column.name)
        for column in columns
    ]
    inner = sql_text(exp.Select(expressions=[fragment("t.*"), *select.lets])) if select.lets else ""
    return RowSelect(sql_text(exp.Select(expressions=outputs)), inner, tuple(select.parameters.bindings))


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
           concat('FM', regexp_replace(replace(replace(shape, '\', '\\'), '"', '\"'), '([^0]+)', '"\1"', 'g')) AS picture
    FROM (SELECT shape, width, radix, :low AS low
          FROM (SELECT shape, CASE WHEN strpos(shape, '0') > 0 THEN 10 ELSE :letters END AS radix,
                       length(shape) - length(translate(shape, CASE WHEN strpos(shape, '0') > 0 THEN '0' ELSE 'Aa' END, ''))
                       AS width
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
FROM room JOIN placed AS p USING (id) JOIN placed AS q ON q.id = p.id AND q.place = (p.place + 1) % room.wanted
WHERE room.free < room.wanted
"""
"""A value's shape has 0 for its digits (or A and a for its letters where it has no digits). Values of one shape
take numbers that no original of that shape has, one after the other in the order of their digests from a secret
one on: a bijection whose results are nobody's originals. `at` counts the free numbers; a number is its place
among them plus the originals before it. Where there is no room for all, each value becomes the next one in digest
order, so that still nobody keeps his own. Values of exempt rows stay, wherever they are referenced."""

_UPPER, _LOWER = "BCDEFGHIJKLMNOPQRSTUVWXYZ", "bcdefghijklmnopqrstuvwxyz"
_CHARACTERS = """
FROM (SELECT c, i, count(*) FILTER (WHERE c ~ '[A-Za-z]') OVER (ORDER BY i) AS nth
      FROM unnest(string_to_array(:text, NULL)) WITH ORDINALITY AS u(c, i)) AS d
"""
_WORD = f"""
(SELECT string_agg(CASE WHEN c ~ '[A-Za-z]' THEN chr(ascii(c) + (div(number, 26::numeric ^ (width - nth)) % 26)::int)
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
    low="0", high="radix::numeric ^ width", letters=26,
)
_SSN = "v ~ '^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$'"
_SSN_FORMAT = _Format(
    # Whatever is no number of nine digits becomes one. Area 000 is never issued either, and helps out.
    shape=f"CASE WHEN {_SSN} THEN {_ZEROS} ELSE '000000000' END",
    number=f"CASE WHEN NOT {_SSN} THEN NULL WHEN v LIKE '666%' THEN {_DIGITS} - 666000000"
    f" WHEN v LIKE '000%' THEN {_DIGITS} + 1000000 END",
    low="0", high="2000000", spare=1000000, dense="NULL::text",
    result="CASE WHEN number < 1000000 THEN 666000000 + number ELSE number - 1000000 END",
)


def mapping(domain: str, format_: str, columns: list[tuple[Name, Column, exp.Expression | None]]) -> Mapping:
    """The mapping of one domain: a bijection over the values of all its columns, each with its rows' exemption."""
    parameters = Parameters()
    sources = [
        exp.select(
            fragment("(:v)::text", v=column_of("t", column.name)),
            fragment("coalesce(:e, false)", e=exempt if exempt is not None else exp.false()),
        ).from_(relation(table))
        for table, column, exempt in columns
    ]
    union: exp.Expression = sources[0]
    for other in sources[1:]:
        union = exp.union(union, other, distinct=False)
    found = _format(format_, [column for _, column, _ in columns])
    tree = fragment(
        _MAPPING.strip(), sources=union, digest=parameters.digest(domain, exp.column("v")),
        start=parameters(f"start:{domain}", "numeric"), shape=fragment(found.shape),
        number=fragment(found.number, letters=fragment(_WORD_NUMBER, text=exp.column("v"))),
        low=fragment(found.low), high=fragment(found.high), letters=found.letters, spare=found.spare,
        result=fragment(found.result), word=fragment(_WORD, text=exp.column("shape")), dense=fragment(found.dense),
    )
    return Mapping(domain, map_name(domain, format_), Statement(sql_text(tree), tuple(parameters.bindings)))


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
        shape=_ZEROS, number=f"CASE WHEN {_HAS_DIGITS} THEN {_DIGITS} END",
        low="CASE WHEN width > 1 OR shape LIKE '-%' THEN 10::numeric ^ (width - 1) ELSE 0 END",
        high=f"least({high}, {largest + 1})" if largest else high,
    )
