"""Keyed pseudonyms: equal values get equal replacements in one domain, and only the key could tell which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import model_validator
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
    follows_subject = "one_row"

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
    by: str | None = None
    """For `ssn`: a kept integer column that is unique in the table, from which the number is made instead.
    Nothing of the original goes in and no mapping is needed, which is much faster; equal numbers in other
    tables do not stay equal."""

    @model_validator(mode="after")
    def _by_what(self) -> UniqueParams:
        if self.by is not None and self.format != "ssn":
            raise ValueError("by: is for format: ssn")
        return self

    @property
    def mapped(self) -> bool:
        """Whether a mapping of all values is made first."""
        return self.format != "token" and self.by is None


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
        return r"^(666|000|9\d\d[- ]?[0-4])" if params.format == "ssn" else ""

    def summary(self, params: UniqueParams) -> str:
        return {
            "digits": "keyed bijection of the digits",
            "ssn": "keyed bijection into numbers never issued" + (f", from {params.by}" if params.by else ""),
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
        if params.by is not None:
            return as_base(column, _numbered(scope.column(params.by), original, scope))
        if params.format != "token":
            return as_base(column, scope.mapped(original, params.format))
        if column.base == "uuid":
            return scope.keyed(original, lambda h: cast(h.hexadecimal(32), "uuid"))
        return scope.keyed(original, lambda h: fragment("concat('u', :h)", h=h.hexadecimal(_TOKEN - 1)))


_TOKEN = 21
"""One letter and 80 bits."""
_SSN = 9
SSN_ROOM = 50_000_000
"""Numbers of areas 900 to 999 with groups 00 to 49, which are neither social security nor tax numbers."""


def _numbered(by: exp.Expression, original: exp.Expression, scope: Scope) -> exp.Expression:
    """The number of a row, as x -> (a x + b) mod N with a secret a prime to N: a bijection, and cheap.

    It need not be hard to invert: all that could be found is the kept column beside it.
    """
    number = fragment(
        "(((:by % :room + :room) % :room) * :a + :b) % :room",
        by=cast(by, "int8"),
        room=SSN_ROOM,
        a=scope.parameter(f"multiplier:{SSN_ROOM}:{scope.domain}", "int8"),
        b=scope.parameter(f"addend:{SSN_ROOM}:{scope.domain}", "int8"),
    )
    digits = fragment("(900000000 + (:n) / 500000 * 1000000 + (:n) % 500000)::text", n=scope.once(number))
    return fragment(
        """CASE WHEN strpos(:v, '-') > 0
                THEN overlay(overlay(:digits PLACING '-' FROM 6 FOR 0) PLACING '-' FROM 4 FOR 0)
                ELSE :digits END""",
        v=original,
        digits=digits,
    )
