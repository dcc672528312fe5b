"""Surrogates: believable values that belong to nobody.

Words come from lists by keyed choice; everything that could reach somebody (phone, e-mail, network address)
comes from a range reserved for examples: 555-0100..0199, RFC 2606 `example.com`, RFC 5737, RFC 3849.
"""

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
    fragment,
    text_of,
    unlike,
)

Of = Literal[
    "first_name",
    "last_name",
    "full_name",
    "user_name",
    "company",
    "job",
    "street",
    "phone",
    "email",
    "url",
    "ip",
    "sentence",
]
_SHORTEST = {
    "first_name": 8,
    "last_name": 10,
    "full_name": 20,
    "user_name": 13,
    "company": 24,
    "job": 20,
    "street": 24,
    "phone": 10,
    "email": 25,
    "url": 33,
    "ip": 14,
    "sentence": 40,
}
"""Characters a column must hold for each; words that are too long for it are not chosen."""
_NAMES_HOST = r"([a-z0-9-]+\.)*(example\.(com|org|net)|[a-z0-9-]+\.(invalid|test|example))"
RESERVED = {
    "phone": r"^[+0-9 ().-]*555[ .-]?01[0-9]{2}( *(x|ext[.]?) *[0-9]+)?$",
    "email": rf"@{_NAMES_HOST}$",
    "url": rf"^[a-z]+://{_NAMES_HOST}([:/?#]|$)",
    "ip": r"^(192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:)",
}
_UNIQUE = frozenset({"email", "user_name", "url"})
"""Carry 48 or more bits of the digest: a collision among a million values has odds below 1 in 500."""


class SurrogateParams(KeyedParams):
    of: Of


class Surrogate(Keyed):
    """Replaces a value by an invented one of the same sort, the same one for equal values of a domain.

    E-mail addresses and user names that differ in case only are equal.
    """

    kind = "surrogate"
    family = "surrogate"
    params = SurrogateParams
    accepts = TEXT | {"inet", "cidr", "int8"}

    def uniqueness(self, params: SurrogateParams) -> Uniqueness:
        return "preserved" if params.of in _UNIQUE else "not_guaranteed"

    def reserved(self, params: SurrogateParams) -> str:
        return RESERVED.get(params.of, "")

    def summary(self, params: SurrogateParams) -> str:
        return f"surrogate {params.of.replace('_', ' ')}"

    def problems(self, column: Column, params: SurrogateParams) -> Iterator[str]:
        needed = _SHORTEST[params.of]
        if column.max_length is not None and column.max_length < needed:
            yield f"a surrogate {params.of} needs {needed} characters, {column.type} is too short"
        if column.base in {"inet", "cidr"} and params.of != "ip":
            yield f"a surrogate {params.of} is not a network address, the column is {column.type}"
        if column.base in INTEGER and params.of != "phone":
            yield f"a surrogate {params.of} is not a number, the column is {column.type}"

    def expression(
        self, column: Column, params: SurrogateParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        maker = _Maker(column, scope)
        original = text_of(column, value)
        if column.base in {"inet", "cidr"}:
            original = fragment("host(:v)", v=value)
        folded = fragment("lower(:v)", v=original) if params.of in {"email", "user_name"} else original

        def build(digest: Digest) -> exp.Expression:
            make = getattr(maker, params.of)
            return unlike(original, make(digest, original, 0), make(digest, original, 1))

        return as_base(column, scope.keyed(folded, build))


class _Maker:
    """One method a source: digest, original and step (0, or 1 for the next choice) to text."""

    def __init__(self, column: Column, scope: Scope) -> None:
        self._room = column.max_length or 63
        self._bare = column.base in INTEGER or self._room < len("201-555-0100")
        self._scope = scope

    def _word(self, name: str, digest: Digest, offset: int, step: int, room: int) -> exp.Expression:
        words = self._scope.parameter(f"pool:{name}:{min(room, 63)}", "name[]")
        return fragment(
            "((:words)[1 + (:n + :step) % cardinality(:words)])::text",
            words=words,
            n=digest.integer(offset),
            step=step,
        )

    def first_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("first_name", digest, 0, step, self._room)

    def last_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("last_name", digest, 0, step, self._room)

    def full_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        half = (self._room - 1) // 2
        first = self._word("first_name", digest, 0, 0, half)
        return fragment("concat(:a, ' ', :b)", a=first, b=self._word("last_name", digest, 3, step, half))

    def user_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        length = min(16, self._room) - 1
        return fragment("concat(:letter, :h)", letter="uv"[step], h=digest.hexadecimal(length))

    def company(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("company", digest, 0, step, self._room)

    def job(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("job", digest, 0, step, self._room)

    def street(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        name = self._word("street_name", digest, 3, step, self._room - 5)
        return fragment("concat(1 + :n % 9899, ' ', :name)", n=digest.integer(0), name=name)

    def phone(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        area, line = digest.integer(0), digest.integer(3)
        parts: dict[str, exp.Expression | int] = {"area": area, "line": line, "step": step}
        bare, number = (
            fragment(
                f"(201 + :area % 789)::text || '{middle}' || right((100 + (:line + :step) % 100)::text, 2)",
                **parts,
            )
            for middle in ("55501", "-555-01")
        )
        if self._bare:
            return bare
        return fragment(
            "CASE WHEN translate(:v, '0123456789', '') = '' THEN :bare ELSE :number END",
            v=original,
            bare=bare,
            number=number,
        )

    def email(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        length = min(20, self._room - len("@example.com") - 1)
        return fragment(
            "concat(:letter, :h, '@example.com')", letter="uv"[step], h=digest.hexadecimal(length)
        )

    def url(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        length = min(17, self._room - len("https://.example.com")) - 1
        return fragment(
            "concat('https://', :letter, :h, '.example.com')",
            letter="uv"[step],
            h=digest.hexadecimal(length),
        )

    def ip(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        four = fragment(
            "concat((ARRAY['192.0.2.', '198.51.100.', '203.0.113.'])[1 + :net % 3], (:host + :step) % 256)",
            net=digest.integer(0),
            host=digest.integer(3),
            step=step,
        )
        six = fragment(
            "concat('2001:db8::', 1 + :a % 9999, ':', 1 + (:b + :step) % 9999)",
            a=digest.integer(0),
            b=digest.integer(3),
            step=step,
        )
        if self._room < len("2001:db8::ffff:ffff"):
            return four
        return fragment("CASE WHEN :v LIKE '%:%' THEN :six ELSE :four END", v=original, four=four, six=six)

    def sentence(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("sentence", digest, 0, step, self._room)


class Text(Keyed):
    """Replaces free text by invented sentences, more of them where there was more text."""

    kind = "text"
    family = "surrogate"
    accepts = TEXT

    def summary(self, params: Any) -> str:
        return "replaced by invented sentences"

    def problems(self, column: Column, params: KeyedParams) -> Iterator[str]:
        if column.max_length is not None and column.max_length < _SHORTEST["sentence"]:
            yield f"replacement text needs {_SHORTEST['sentence']} characters, {column.type} is too short"

    def expression(
        self, column: Column, params: KeyedParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        maker, original = _Maker(column, scope), text_of(column, value)

        def build(digest: Digest) -> exp.Expression:
            one = maker.sentence(digest, original, 0)
            if column.max_length is not None and column.max_length < 3 * 64:
                return unlike(original, one, maker.sentence(digest, original, 1))
            more = [maker._word("sentence", digest, offset, 0, 63) for offset in (3, 6)]
            return fragment(
                "CASE WHEN length(:v) <= 80 THEN :short ELSE concat(:a, ' ', :b, ' ', :c) END",
                v=original,
                short=unlike(original, one, maker.sentence(digest, original, 1)),
                a=one,
                b=more[0],
                c=more[1],
            )

        return scope.keyed(original, build)
