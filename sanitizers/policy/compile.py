"""From treatments to SQL: one SELECT a heap, each keyed digest computed once a row, secrets as parameters.

Everything whose shape follows the policy is built as a sqlglot tree and printed once, here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from sanitizers.catalog import Column, Name, Table
from sanitizers.policy.plan import Mapping, Statement
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import TEXT, Build, Params, Transformer, fragment

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
    return tree.sql(dialect="postgres", normalize_functions=False, comments=False)


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
        return exp.cast(number, exp.DataType.build(type_, dialect="postgres", udt=True))

    def digest(self, domain: str, value: exp.Expression) -> exp.Expression:
        """HMAC-SHA-256 of a text value under the domain's key, as nested `sha256` calls over the key's pads."""
        return fragment(
            _HMAC, opad=self(f"opad:{domain}", "bytea"), ipad=self(f"ipad:{domain}", "bytea"), value=value
        )


@dataclass
class Select:
    """The SELECT of one heap while it is being built."""

    parameters: Parameters = field(default_factory=Parameters)
    lets: dict[str, str] = field(default_factory=dict)
    """SQL of what is computed once a row → its column name."""
    trees: list[exp.Expression] = field(default_factory=list)

    def let(self, tree: exp.Expression) -> exp.Expression:
        """A column of the inner query that holds the expression's value."""
        text = sql_text(tree)
        if text not in self.lets:
            self.lets[text] = f"understudy_{len(self.lets) + 1}"
            self.trees.append(exp.alias_(tree, self.lets[text]))
        return exp.column(self.lets[text], table="t")


@dataclass(frozen=True)
class RowScope:
    """What a column's treatment leans on."""

    select: Select
    domain: str

    def parameter(self, binding: str, type_: str) -> exp.Expression:
        return self.select.parameters(binding, type_)

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        return build(self.select.let(self.select.parameters.digest(self.domain, value)))

    def mapped(self, value: exp.Expression, format_: str) -> exp.Expression:
        return fragment(
            "(SELECT m.replacement FROM :map WHERE m.original = :value)",
            map=relation(map_name(self.domain), alias="m"), value=value,
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


def map_name(domain: str) -> Name:
    return Name(SCRATCH, "map_" + "".join(c if c.isalnum() else "_" for c in domain.lower()))


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
    return fragment("CASE WHEN :keep THEN :v ELSE :r END", keep=exp.or_(*reasons), v=value, r=result)


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


def heap_select(
    heap: Table, columns: tuple[Column, ...], treatments: dict[str, Treatment], exempt: exp.Expression | None
) -> Statement:
    """The SELECT that reads a heap and gives its new rows, in the order of `columns`."""
    select = Select()
    kept = None if exempt is None else select.let(fragment("COALESCE(:e, FALSE)", e=exempt))
    outputs = [
        treated(select, treatments[column.name], column, kept) if column.name in treatments else column_of("t", column.name)
        for column in columns
    ]
    source: exp.Expression = relation(heap.name, only=True)
    if select.trees:
        # OFFSET 0 keeps the planner from pulling the digests up into every place that uses them.
        inner = exp.select("t.*", *select.trees).from_(source).offset(0)
        source = inner.subquery("t")
    return Statement(sql_text(exp.select(*outputs).from_(source)), tuple(select.parameters.bindings))


_MAPPING = """
WITH source AS (
    SELECT v, bool_or(exempt) AS exempt FROM (:sources) AS s(v, exempt) WHERE v IS NOT NULL AND v <> '' GROUP BY v
), shaped AS (
    SELECT v, exempt, regexp_replace(v, '[0-9]', '0', 'g') AS shape, regexp_replace(v, '[^0-9]', '', 'g') AS digits,
           :digest AS h
    FROM source
), bounded AS (
    SELECT v, exempt, h, shape, length(digits) AS width, nullif(digits, '')::numeric AS number,
           :low AS low, :high AS high
    FROM shaped
), placed AS (
    SELECT b.*, row_number() OVER (PARTITION BY shape, exempt ORDER BY h, v) - 1 AS place,
           count(*) OVER (PARTITION BY shape) AS total,
           lead(number) OVER (PARTITION BY shape, exempt ORDER BY h, v) AS next,
           first_value(number) OVER (PARTITION BY shape, exempt ORDER BY h, v) AS first,
           lag(number, 1, low - 1) OVER (PARTITION BY shape ORDER BY number) + 1 AS free_from,
           number AS free_to, max(number) OVER (PARTITION BY shape) AS top
    FROM bounded AS b
), gap AS (
    SELECT DISTINCT ON (shape) shape, gap_low, size
    FROM (SELECT shape, greatest(free_from, low) AS gap_low, least(free_to, high) - greatest(free_from, low) AS size FROM placed
          UNION ALL SELECT shape, greatest(top + 1, low), high - greatest(top + 1, low) FROM placed) AS g
    ORDER BY shape, size DESC, gap_low
), numbered AS (
    SELECT v, exempt, h, shape, width,
           CASE WHEN size >= total THEN gap_low + floor((size - total) * :start) + place ELSE :dense END AS number
    FROM placed LEFT JOIN gap USING (shape)
)
SELECT v AS original,
       CASE WHEN exempt THEN v
            WHEN number IS NULL AND width > 0 THEN NULL
            WHEN width = 0 THEN concat('u', left(encode(h, 'hex'), 20))
            ELSE (SELECT string_agg(CASE WHEN c = '0' THEN substr(filled, nth::int, 1) ELSE c END, '' ORDER BY i)
                  FROM (SELECT c, i, count(*) FILTER (WHERE c = '0') OVER (ORDER BY i) AS nth,
                               lpad(number::text, width, '0') AS filled
                        FROM unnest(string_to_array(shape, NULL)) WITH ORDINALITY AS u(c, i)) AS d)
       END AS replacement
FROM numbered
"""
"""Values of one shape (digits as 0) get consecutive numbers, in the order of their digests, from a secret place
in the largest gap between the originals: a bijection whose results are nobody's originals. Where the originals
leave no such gap, each takes the next one's number in digest order, so that still nobody keeps his own. Values
of exempt rows stay, wherever they are referenced."""


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
    low, high = _bounds(format_, [column for _, column, _ in columns])
    dense = "NULL::numeric" if format_ == "ssn" else "coalesce(next, first)"
    tree = fragment(
        _MAPPING.strip(), sources=union, digest=parameters.digest(domain, exp.column("v")), low=fragment(low),
        high=fragment(high), dense=fragment(dense), start=parameters(f"start:{domain}", "numeric"),
    )
    return Mapping(domain, map_name(domain), Statement(sql_text(tree), tuple(parameters.bindings)))


_LARGEST = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}


def _bounds(format_: str, columns: list[Column]) -> tuple[str, str]:
    """The numbers a replacement may be, from the first to before the second, as SQL over `digits`."""
    if format_ == "ssn":
        return "666000000::numeric", "667000000::numeric"
    if all(column.base in TEXT for column in columns):
        return "0::numeric", "10::numeric ^ length(digits)"
    # A number drops leading zeros, so it must not get any; and it must fit the narrowest column.
    largest = min((_LARGEST[column.base] for column in columns if column.base in _LARGEST), default=10**30)
    return (
        "CASE WHEN length(digits) > 1 THEN 10::numeric ^ (length(digits) - 1) ELSE 0 END",
        f"least(10::numeric ^ length(digits), {largest + 1}::numeric)",
    )
