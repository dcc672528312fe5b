"""What stands behind `unique`: a mapping of all values of a domain, made before tables are rewritten, or the
demand that another column has numbers enough."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from sanitizers.catalog import Column, Name
from sanitizers.policy.compile import column_of, digest, map_name, numbered, parameter, relation, sql_text
from sanitizers.policy.plan import Demand, Mapping
from sanitizers.transformers.base import TEXT, fragment, text_of
from sanitizers.transformers.pseudonym import SSN_ROOM

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
    # Whatever is no number of nine digits becomes one. None of these are issued: first all of area 666, then
    # area 000, then groups 00 to 49 of areas 900 to 999 (groups from 50 on are tax numbers).
    shape=f"CASE WHEN {_SSN} THEN {_ZEROS} ELSE '000000000' END",
    number=f"CASE WHEN v LIKE '666%' AND {_SSN} THEN {_DIGITS} - 666000000"
    f" WHEN v LIKE '000%' AND {_SSN} THEN {_DIGITS} + 1000000"
    f" WHEN v LIKE '9%' AND {_SSN} AND mod({_DIGITS}, 1000000) < 500000"
    f" THEN 2000000 + div({_DIGITS} - 900000000, 1000000) * 500000 + mod({_DIGITS}, 1000000) END",
    low="0",
    high="52000000",
    spare=51000000,
    dense="NULL::text",
    result="CASE WHEN number < 1000000 THEN 666000000 + number WHEN number < 2000000 THEN number - 1000000"
    " ELSE 900000000 + div(number - 2000000, 500000) * 1000000 + mod(number - 2000000, 500000) END",
)


def room_demand(table: Name, column: str, by: str, where: str) -> Demand:
    """That the numbers a column is made from do not span more than there is room for."""
    span = fragment(
        "SELECT max(:by)::numeric - min(:by) < :room FROM :t",
        by=column_of("t", by), room=SSN_ROOM, t=relation(table),
    )  # fmt: skip
    return Demand(
        where,
        numbered(sql_text(span)),
        f"{table}.{column}: unique by {by}: its numbers span more than the {SSN_ROOM:,} there is room for",
        "leave by: out, so that a mapping of the values is made",
    )


def mapping(domain: str, format_: str, columns: list[tuple[Name, Column, exp.Expression | None]]) -> Mapping:
    """The mapping of one domain: a bijection over the values of all its columns, exempt rows' values kept."""
    sources = " UNION ALL ".join(_values(*entry) for entry in columns)
    found = _format(format_, [column for _, column, _ in columns])
    text = _bijection(domain, found).replace(_SOURCES, sources)
    return Mapping(domain, map_name(domain, format_), numbered(text))


def _values(table: Name, column: Column, exempt: exp.Expression | None) -> str:
    value = sql_text(text_of(column, column_of("t", column.name)))
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
