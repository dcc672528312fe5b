"""Identifiers with right check digits, from ranges in which none is ever issued.

Check digits are computed by arithmetic over the digest's bytes. A byte gives two decimal digits, 0 to 99.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    TEXT,
    Digest,
    Keyed,
    KeyedParams,
    Scope,
    Uniqueness,
    as_base,
    fragment,
    text_of,
    unlike,
)

Of = Literal["ssn", "npi", "mbi", "iban", "card", "vin", "imei", "license_plate", "passport", "uuid"]
Make = Callable[[Digest, exp.Expression], tuple[exp.Expression, ...]]
"""Digest and original, both as SQL, to the parts of an identifier that separators may stand between."""


class IdentifierParams(KeyedParams):
    of: Of
    """What to make: see the treatment's description for the range of each."""


class Identifier(Keyed):
    """Replaces an identifier by one that passes the usual checks, from a range that is never issued.

    ssn: areas 900 to 999 with groups that are neither tax nor internal revenue numbers (31 million).
    npi: begins with 9, Luhn digit right (100 million). mbi: begins with 0 (10^12).
    iban: the original's country and length, mod 97 right, bank TEST or zeros (10^6 to 10^10).
    card: begins with 4000 00, the original's length, Luhn digit right (100 million).
    vin: begins with 000, check digit right (10^13). imei: begins with 000000, Luhn digit right (100 million).
    uuid: version 4 (10^36). No range is known to be free for the other two, which are of a shape seldom seen:
    license_plate: letters I, O, Q and four digits (270 thousand). passport: XX and seven digits (10 million).

    Dashes and spaces stay where the original has them. The numbers in brackets say how many there are: only
    `uuid` is unique where the values are, unique columns of other sorts take `{kind: unique}`.
    """

    kind = "identifier"
    family = "surrogate"
    params = IdentifierParams
    accepts = TEXT | {"int4", "int8", "uuid"}
    follows_subject = "one_row"
    first_byte = 8

    def uniqueness(self, params: IdentifierParams) -> Uniqueness:
        return "preserved" if params.of == "uuid" else "not_guaranteed"

    def reserved(self, params: IdentifierParams) -> str:
        return _SORTS[params.of].reserved

    def summary(self, params: IdentifierParams) -> str:
        sort = _SORTS[params.of]
        return f"{sort.title} {'that was never issued' if sort.reserved else '(invented)'}"

    def problems(self, column: Column, params: IdentifierParams) -> Iterator[str]:
        sort = _SORTS[params.of]
        if column.max_length is not None and column.max_length < sort.length:
            yield f"{sort.title} needs {sort.length} characters, {column.type} is too short"
        if column.base not in TEXT | sort.types:
            yield f"{sort.title} does not fit the type {column.type}"

    def expression(
        self, column: Column, params: IdentifierParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        sort, original = _SORTS[params.of], text_of(column, value)

        def build(digest: Digest) -> exp.Expression:
            choices = (replace(digest, start=digest.start + sort.at + step) for step in (0, 1))
            one, other = (sort.make(choice, original) for choice in choices)
            separated = column.base in TEXT and (column.max_length or 63) >= sort.length + len(one) - 1
            mark = _mark(original) if separated else None
            return unlike(original, _joined(one, mark), _joined(other, mark))

        # However it is written, it is the same identifier.
        return as_base(column, scope.keyed(fragment("translate(:v, '- ', '')", v=original), build))


@dataclass(frozen=True)
class _Sort:
    """One sort of identifier."""

    title: str
    length: int
    """Its characters without separators, the fewest where there is a choice."""
    make: Make
    at: int
    """The byte it begins to read at, so that two sorts made from one digest differ."""
    reserved: str = ""
    """What it matches, where a range is reserved or never issued."""
    types: frozenset[str] = frozenset()
    """What it fits besides text."""


def _joined(parts: tuple[exp.Expression, ...], mark: exp.Expression | None) -> exp.Expression:
    if len(parts) == 1:
        return parts[0]
    names = {f"p{place}": part for place, part in enumerate(parts)}
    between = ", :mark, " if mark else ", "
    return fragment(f"concat({between.join(f':{name}' for name in names)})", **names, mark=mark or "")


def _mark(original: exp.Expression) -> exp.Expression:
    """The separator that the original has, '' where it has none."""
    return fragment(
        "CASE WHEN strpos(:v, '-') > 0 THEN '-' WHEN strpos(:v, ' ') > 0 THEN ' ' ELSE '' END", v=original
    )


def _pair(digest: Digest, at: int) -> exp.Expression:
    """Two digits, 0 to 99."""
    return fragment("(:b * 100 / 256)", b=digest.byte(at))


def _number(digest: Digest, places: range, high: int) -> exp.Expression:
    """The digits `high`, then a pair from each byte, as a number."""
    pairs = [_pair(digest, at) for at in places]
    start = fragment(":high" if len(places) < 5 else ":high::bigint", high=high)
    return reduce(lambda number, pair: fragment("((:n) * 100 + :p)", n=number, p=pair), pairs, start)


def _digits(digest: Digest, places: range) -> exp.Expression:
    """A pair of digits from each byte, as text."""
    return fragment("right((:n)::text, :count)", n=_number(digest, places, 1), count=2 * len(places))


def _luhn(digest: Digest, before: exp.Expression | int) -> exp.Expression:
    """The check digit after four pairs, when the digits in front of them add `before`.

    Of each pair ab, b is doubled: mod 10 that is 11 b / 5.
    """
    sums = [fragment("(:p / 10 + :p % 10 * 11 / 5)", p=_pair(digest, at)) for at in range(4)]
    total = reduce(lambda left, right: fragment(":l + :r", l=left, r=right), sums)
    return fragment("((:before + :total) * 9 % 10)", before=before, total=total)


def _letter(alphabet: str, digest: Digest, at: int) -> exp.Expression:
    number = fragment(":b * :n / 256", b=digest.byte(at), n=len(alphabet))
    return fragment("chr(get_byte(:alphabet::bytea, :n))", alphabet=alphabet, n=number)


def _ssn(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    group = fragment(":b * :n / 256", b=digest.byte(1), n=len(_GROUPS))
    return (
        fragment("(900 + :pair)", pair=_pair(digest, 0)),
        fragment("get_byte(:groups::bytea, :group)", groups=rf"\x{bytes(_GROUPS).hex()}", group=group),
        fragment("right((10001 + :n % 9999)::text, 4)", n=digest.integer(2)),
    )


def _npi(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    # 24 for the digits 80840 that are thought before it, and 9 for the 9 doubled.
    return (fragment("concat(:n, :check)", n=_number(digest, range(4), 9), check=_luhn(digest, 24 + 9)),)


def _mbi(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    kinds = {"A": _MBI_LETTERS, "N": _DECIMAL, "X": _DECIMAL + _MBI_LETTERS}
    a, b, c, d, e, f, g, h, i, j = (_letter(kinds[kind], digest, at) for at, kind in enumerate("AXNAXNAANN"))
    return (
        fragment("concat('0', :a, :b, :c)", a=a, b=b, c=c),
        fragment("concat(:d, :e, :f)", d=d, e=e, f=f),
        fragment("concat(:g, :h, :i, :j)", g=g, h=h, i=i, j=j),
    )


def _card(digest: Digest, original: exp.Expression) -> tuple[exp.Expression, ...]:
    whole = _stepwise(
        """CASE WHEN length(:v) = n OR length(:v) < n + CASE WHEN n = 15 THEN 2 ELSE 3 END THEN bare
                WHEN n = 15 THEN concat(left(bare, 4), :mark, substr(bare, 5, 6), :mark, substr(bare, 11))
                ELSE concat(left(bare, 4), :mark, substr(bare, 5, 4), :mark, substr(bare, 9, 4), :mark,
                            substr(bare, 13)) END""",
        {
            "n": "least(greatest(length(:v) - length(translate(:v, '0123456789', '')), 15), 19)",
            "bare": "concat(left('4000000000', n - 9), :digits, :check)",
        },
        v=original,
        mark=_mark(original),
        digits=_digits(digest, range(4)),
        # The 4 in front is doubled where the number of digits is even.
        check=_luhn(digest, fragment("8 - n % 2 * 4")),
    )
    return (whole,)


def _iban(digest: Digest, original: exp.Expression) -> tuple[exp.Expression, ...]:
    whole = _stepwise(
        """CASE WHEN strpos(:v, ' ') > 0 AND length(:v) >= length(iban) + (length(iban) - 1) / 4
                THEN regexp_replace(iban, '(....)(?=.)', '\\1 ', 'g') ELSE iban END""",
        {
            "bare": "replace(:v, ' ', '')",
            "old": """CASE WHEN translate(left(bare, 2), :letters, '') = '' AND length(bare) BETWEEN 15 AND 34
                      THEN bare ELSE 'NO0000000000000' END""",
            "bank": "left('TEST', length(old) - 4 - length(ltrim(substr(old, 5), :letters)))",
            "number": "lpad(right(:low, least(10, length(old) - 9)), length(old) - 4 - length(bank), '0')",
            # Letters count from A = 10; those of TEST are 29, 14, 28, 29. The check digits come last.
            "rest": """concat(left('29142829', 2 * length(bank)), number, ascii(old) - 55,
                              ascii(substr(old, 2)) - 55, '00')::numeric % 97""",
            "iban": "concat(left(old, 2), right((198 - rest)::text, 2), bank, number)",
        },
        v=original,
        letters=_LETTERS,
        low=_digits(digest, range(5)),
    )
    return (whole,)


def _stepwise(result: str, steps: dict[str, str], **parts: exp.Expression | str) -> exp.Expression:
    """The result over names that are computed one after the other, each of them once."""
    source = ""
    for name, template in steps.items():
        source = f"FROM (SELECT {'i.*, ' * bool(source)}{template} AS {name} {source} OFFSET 0) AS i"
    return fragment(f"(SELECT {result} {source})", **parts)


def _vin(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    numbers = [fragment("(:b / 8)", b=digest.byte(at)) for at in range(5)]
    pairs = [_pair(digest, at) for at in (5, 6, 7)]
    sums = [
        *(
            fragment("(get_byte(:scores::bytea, :n) - 48) * :w", scores=_VIN_VALUES, n=number, w=weight)
            for number, weight in zip(numbers, (5, 4, 3, 2, 10), strict=True)
        ),
        *(
            fragment("(:p / 10 * :w + :p % 10 * (:w - 1))", p=pair, w=weight)
            for pair, weight in zip(pairs, (7, 5, 3), strict=True)
        ),
    ]
    a, b, c, d, e = (
        fragment("chr(get_byte(:letters::bytea, :n))", letters=_VIN_LETTERS, n=number) for number in numbers
    )
    total = reduce(lambda left, right: fragment(":l + :r", l=left, r=right), sums)
    # M0 is a year and a plant; they add 36.
    check = fragment("chr(get_byte('0123456789X'::bytea, (36 + :total) % 11))", total=total)
    serial = _digits(digest, range(5, 8))
    return (
        fragment(
            "concat('000', :a, :b, :c, :d, :e, :check, 'M0', :serial)",
            a=a, b=b, c=c, d=d, e=e, check=check, serial=serial,
        ),
    )  # fmt: skip


def _imei(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    return (
        fragment("'00'"),
        fragment("concat('0000', :n)", n=_digits(digest, range(1))),
        _digits(digest, range(1, 4)),
        _luhn(digest, 0),
    )


def _license_plate(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    a, b, c = (_letter("IOQ", digest, at) for at in range(3))
    return fragment("concat(:a, :b, :c)", a=a, b=b, c=c), _digits(digest, range(3, 5))


def _passport(digest: Digest, _: exp.Expression) -> tuple[exp.Expression, ...]:
    return (fragment("concat('XX', right((10000000 + :n % 10000000)::text, 7))", n=digest.integer(0)),)


def _uuid(digest: Digest, original: exp.Expression) -> tuple[exp.Expression, ...]:
    bare = fragment(
        "encode(set_byte(set_byte(substr(:h, :first, 16), 6, 64 + :g % 16), 8, 128 + :i % 64), 'hex')",
        h=digest.tree,
        first=digest.start + 1,
        g=digest.byte(6),
        i=digest.byte(8),
    )
    return (
        fragment("CASE WHEN length(:v) < 36 THEN :bare ELSE :bare::uuid::text END", v=original, bare=bare),
    )


_DECIMAL = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GROUPS = (*range(11, 17), *range(20, 28), *range(30, 37), *range(40, 50))
"""Of areas 900 to 999; from 50 on they are tax numbers, the others below internal revenue numbers."""
_MBI_LETTERS = "ACDEFGHJKMNPQRTUVWXY"
_VIN_LETTERS = "0123456789ABCDEFGHJKLMNPRSTUVWXY"
_VIN_VALUES = "01234567891234567812345792345678"
_SORTS = {
    "ssn": _Sort(
        "an SSN",
        9,
        _ssn,
        0,
        "^9[0-9]{2}[- ]?(1[1-6]|2[0-7]|3[0-6]|4[0-9])[- ]?[0-9]{4}$",
        frozenset({"int4", "int8"}),
    ),
    "npi": _Sort("an NPI", 10, _npi, 4, "^9[0-9]{9}$", types=frozenset({"int8"})),
    "mbi": _Sort("an MBI", 11, _mbi, 6, "^0[A-Z][0-9A-Z][0-9][- ]?[A-Z][0-9A-Z][0-9][- ]?[A-Z]{2}[0-9]{2}$"),
    "iban": _Sort("an IBAN", 15, _iban, 13, "^[A-Z]{2}[0-9]{2} ?(TEST|TES0|TE00|T000|0000 ?0)"),
    "card": _Sort("a card number", 15, _card, 8, "^4000[- ]?00[0-9 -]{9,16}$", types=frozenset({"int8"})),
    "vin": _Sort("a VIN", 17, _vin, 5, "^000[0-9A-Z]{14}$"),
    "imei": _Sort("an IMEI", 15, _imei, 12, "^00[- ]?0000[0-9 -]{9,11}$"),
    "license_plate": _Sort("a license plate", 7, _license_plate, 14),
    "passport": _Sort("a passport number", 9, _passport, 15),
    "uuid": _Sort("a UUID", 32, _uuid, 0, types=frozenset({"uuid"})),
}
