"""Keyed pseudonyms: equal values get equal replacements in one domain, and only the key could tell which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    INTEGER,
    TEXT,
    Digest,
    Keyed,
    KeyedParams,
    Scope,
    Uniqueness,
    as_base,
    cast,
    fragment,
    text_of,
    unlike,
)

_SHAPED = """
(SELECT string_agg(CASE WHEN u.c BETWEEN 48 AND 57 THEN chr(48 + :byte % 10)
                        WHEN u.c BETWEEN 65 AND 90 THEN chr(65 + :byte % 26)
                        WHEN u.c BETWEEN 97 AND 122 OR u.c > 126 THEN chr(97 + :byte % 26)
                        ELSE chr(u.c) END, '')
 FROM (SELECT ascii(s.c), (s.n - 1)::int
       FROM unnest(string_to_array(:v, NULL)) WITH ORDINALITY AS s(c, n)) AS u(c, i))
"""
"""Each character is replaced from its own byte of the digest; past 32 characters the bytes come round again,
which tells nothing about the original: the digest is all that goes in. Code points, because comparing
characters costs twice as much; those beyond ASCII become letters whatever the locale calls them."""
_TURN = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         "1234567890BCDEFGHIJKLMNOPQRSTUVWXYZAbcdefghijklmnopqrstuvwxyza")  # fmt: skip


class Pseudonym(Keyed):
    """Letters become letters and digits digits, ASCII punctuation and length stay. UUIDs stay UUIDs."""

    kind = "pseudonym"
    family = "pseudonymization"
    accepts = TEXT | {"uuid"}

    def summary(self, params: Any) -> str:
        return "keyed pseudonym in the value's shape"

    def expression(
        self, column: Column, params: KeyedParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        original = text_of(column, value)
        if column.base == "uuid":
            return scope.keyed(original, lambda h: cast(h.hexadecimal(32), "uuid"))

        def build(digest: Digest) -> exp.Expression:
            shaped = fragment(_SHAPED, byte=digest.byte(exp.column("i", table="u")), v=original)
            turned = fragment("translate(:s, :from_, :to)", s=original, from_=_TURN[0], to=_TURN[1])
            return unlike(original, shaped, turned)

        return scope.keyed(original, build)


class UniqueParams(KeyedParams):
    format: Literal["digits", "ssn", "token"] = "digits"
    """`digits` changes a value's digits and keeps the rest, `ssn` uses the never-issued area 666,
    `token` is an opaque word (a UUID for uuid columns)."""


class Unique(Keyed):
    """A bijection: different values stay different, in every column of the domain. For whatever is unique."""

    kind = "unique"
    family = "pseudonymization"
    params = UniqueParams
    accepts = TEXT | INTEGER | {"uuid", "numeric"}
    elementwise = False

    def uniqueness(self, params: UniqueParams) -> Uniqueness:
        return "preserved"

    def reserved(self, params: UniqueParams) -> str:
        return "^(666|000)" if params.format == "ssn" else ""

    def summary(self, params: UniqueParams) -> str:
        return {
            "digits": "keyed bijection of the digits",
            "ssn": "keyed bijection into area 666",
            "token": "unique token",
        }[params.format]

    def problems(self, column: Column, params: UniqueParams) -> Iterator[str]:
        shortest = {"digits": 1, "ssn": _SSN, "token": _TOKEN}[params.format]
        if column.max_length is not None and column.max_length < shortest:
            yield f"{params.format} needs {shortest} characters, {column.type} is too short"
        if params.format == "token" and column.base in INTEGER | {"numeric"}:
            yield f"a token is not a number, the column is {column.type}: use format: digits"
        if params.format == "ssn" and (column.base == "int2" or (column.precision or _SSN) < _SSN):
            yield f"an ssn has {_SSN} digits, {column.type} is too narrow"
        if params.format != "token" and column.base == "uuid":
            yield "a uuid has no digits format: use format: token"
        if column.scale:
            yield f"a bijection is for whole numbers, the column is {column.type}"

    def expression(
        self, column: Column, params: UniqueParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        original = text_of(column, value)
        if params.format != "token":
            return as_base(column, scope.mapped(original, params.format))
        if column.base == "uuid":
            return scope.keyed(original, lambda h: cast(h.hexadecimal(32), "uuid"))
        return scope.keyed(original, lambda h: fragment("concat('u', :h)", h=h.hexadecimal(_TOKEN - 1)))


_TOKEN = 21
"""One letter and 80 bits."""
_SSN = 9
