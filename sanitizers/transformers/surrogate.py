"""Surrogates: believable values that belong to nobody.

Words come from lists by keyed choice; everything that could reach somebody (phone, e-mail, network address)
comes from a range reserved for examples: 555-0100..0199, RFC 2606 `example.com`, RFC 5737 and 3849, RFC 9542.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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

Of = Literal[
    "first_name",
    "last_name",
    "full_name",
    "user_name",
    "company",
    "job",
    "street",
    "city",
    "state",
    "country",
    "phone",
    "fax",
    "email",
    "url",
    "ip",
    "ipv4",
    "ipv6",
    "mac",
    "sentence",
    "paragraph",
]
_AT = {
    "first_name": 0,
    "last_name": 3,
    "street": 6,
    "company": 6,
    "job": 9,
    "sentence": 9,
    "city": 12,
    "state": 15,
    "country": 18,
    "phone": 12,
    "fax": 16,
    "ip": 16,
    "mac": 19,
    "tag": 22,
}
"""The byte of the digest at which each source begins to read, always the same one: where the columns of a row
share a digest, the parts of a name agree in all of them. No source reads past byte 27."""
_NAME = 63
"""Characters that PostgreSQL's `name`, and so a word of a list, may have."""
_TAG = 12
"""Hexadecimal digits that tell apart people of the same name: 48 bits."""
_SHORTEST = {
    "first_name": 8,
    "last_name": 10,
    "full_name": 20,
    "user_name": 13,
    "company": 24,
    "job": 20,
    "street": 24,
    "city": 12,
    "state": 2,
    "country": 2,
    "phone": 10,
    "fax": 10,
    "email": 25,
    "url": 33,
    "ip": 14,
    "ipv4": 14,
    "ipv6": 24,
    "mac": 17,
    "sentence": 40,
    "paragraph": 127,
    "named user_name": 8 + 1 + 8 + 1 + _TAG,
    "named email": 8 + 1 + 8 + 1 + _TAG + len("@example.com"),
}
"""Characters a column must hold for each; words that are too long for it are not chosen."""
_PLACE = 14
"""Characters from which on a column is given the names of states and countries, not their codes."""
_PHONE = r"^[+0-9 ().-]*555[ .-]?01[0-9]{2}( *(x|ext[.]?) *[0-9]+)?$"
_FOUR, _SIX = r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.", "2001:db8:"
_NAMES_HOST = r"([a-z0-9-]+\.)*(example\.(com|org|net)|[a-z0-9-]+\.(invalid|test|example))"
RESERVED = {
    "phone": _PHONE,
    "fax": _PHONE,
    "email": rf"@{_NAMES_HOST}$",
    "url": rf"^[a-z]+://{_NAMES_HOST}([:/?#]|$)",
    "ip": rf"^({_FOUR}|{_SIX})",
    "ipv4": f"^({_FOUR})",
    "ipv6": f"^{_SIX}",
    "mac": "^00[:-]?00[:.-]?5[Ee][:-]?([Ff]{2}[:-]?[Ff][Ee][:-]?)?00[:.-]?53[:-]?[0-9a-fA-F]{2}$",
}
_UNIQUE = frozenset({"email", "user_name", "url"})
"""Carry 48 or more bits of the digest: a collision among a million values has odds below 1 in 500."""
_IP = frozenset({"ip", "ipv4", "ipv6"})
_TYPED = {
    "inet": (_IP, "a network address"),
    "cidr": (_IP, "a network address"),
    "macaddr": (frozenset({"mac"}), "a hardware address"),
    "macaddr8": (frozenset({"mac"}), "a hardware address"),
    "int8": (frozenset({"phone", "fax"}), "a number"),
}
"""What types other than text can hold, and what that is."""


class SurrogateParams(KeyedParams):
    of: Of
    """What to invent."""
    named: bool = False
    """For `email` and `user_name`: made of the first and last name that `first_name`, `last_name` and
    `full_name` give the same person (`ada.lovelace.3f9a0c5d72e1`) where the table has a `subject:`."""

    @model_validator(mode="after")
    def _who_has_a_name(self) -> SurrogateParams:
        if self.named and self.of not in {"email", "user_name"}:
            raise ValueError("named: is for of: email and of: user_name")
        return self

    @property
    def source(self) -> str:
        return f"named {self.of}" if self.named else self.of


class Surrogate(Keyed):
    """Replaces a value by an invented one of the same sort, the same one for equal values of a domain.

    E-mail addresses and user names that differ in case only are equal. Phone numbers keep their bare digits,
    hardware addresses their separators, states and countries whether they are codes. An inet keeps its prefix
    length, a cidr too from /24 (IPv6: /48) on; below that it gets that one. Only `email`, `user_name` and
    `url` are unique where the values are.
    """

    kind = "surrogate"
    family = "surrogate"
    params = SurrogateParams
    accepts = TEXT | frozenset(_TYPED)
    follows_subject = "always"

    def uniqueness(self, params: SurrogateParams) -> Uniqueness:
        return "preserved" if params.of in _UNIQUE else "not_guaranteed"

    def reserved(self, params: SurrogateParams) -> str:
        return RESERVED.get(params.of, "")

    def summary(self, params: SurrogateParams) -> str:
        return f"surrogate {params.of.replace('_', ' ')}{' made of the name' if params.named else ''}"

    def problems(self, column: Column, params: SurrogateParams) -> Iterator[str]:
        needed, room = _SHORTEST[params.source], _room(column)
        if room is not None and room < needed:
            yield f"a surrogate {params.source} needs {needed} characters, {column.type} is too short"
        sources, what = _TYPED.get(column.base, (None, ""))
        if sources is not None and params.of not in sources:
            yield f"a surrogate {params.of} is not {what}, the column is {column.type}"

    def expression(
        self, column: Column, params: SurrogateParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        make = getattr(_Maker(column, scope), params.source.replace(" ", "_"))
        network = column.base in {"inet", "cidr"}
        original = fragment("host(:v)", v=value) if network else text_of(column, value)
        folded = fragment("lower(:v)", v=original) if params.of in {"email", "user_name"} else original

        def build(digest: Digest) -> exp.Expression:
            first, second = make(digest, original, 0), make(digest, original, 1)
            if network:
                first, second = (_prefixed(column, params.of, value, made) for made in (first, second))
                return unlike(value, first, second)
            return unlike(original, first, second)

        return scope.keyed(folded, build) if network else as_base(column, scope.keyed(folded, build))


def _room(column: Column) -> int | None:
    return _NAME if column.base == "name" else column.max_length


def _prefixed(column: Column, of: Of, value: exp.Expression, address: exp.Expression) -> exp.Expression:
    """The address with the value's prefix length; a network of more than the reserved range gets smaller."""
    length = "masklen(:v)" if column.base == "inet" else "greatest(masklen(:v), family(:v) * 12 - 24)"
    kept = f"set_masklen(:a, {length})"
    if of != "ip":
        kept = f"CASE WHEN family(:v) = {of[-1]} THEN {kept} ELSE :a END"
    whole = kept if column.base == "inet" else f"network({kept})"
    return fragment(whole, v=value, a=cast(address, "inet"))


def _hex(number: exp.Expression) -> exp.Expression:
    # Qualified: sqlglot takes the bare name for another dialect's `hex`.
    return fragment("pg_catalog.to_hex(:n)", n=number)


class _Maker:
    """One method a source: digest, original and step (0, or 1 for the next choice) to text."""

    def __init__(self, column: Column, scope: Scope) -> None:
        self._room = _room(column) or _NAME
        self._bare = column.base in INTEGER or self._room < len("201-555-0100")
        self._sentences = min(5, (column.max_length + 1) // (_NAME + 1)) if column.max_length else 5
        self._scope = scope

    def _word(
        self, name: str, digest: Digest, at: int, step: int, room: int, kind: str = "pool"
    ) -> exp.Expression:
        words = self._scope.parameter(f"{kind}:{name}:{min(room, _NAME)}", "name[]")
        return fragment(
            "((:words)[1 + (:n + :step) % cardinality(:words)])::text",
            words=words,
            n=digest.short(at),
            step=step,
        )

    def first_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("first_name", digest, _AT["first_name"], step, self._room)

    def last_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("last_name", digest, _AT["last_name"], step, self._room)

    def full_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        half = (self._room - 1) // 2
        first = self._word("first_name", digest, _AT["first_name"], 0, half)
        last = self._word("last_name", digest, _AT["last_name"], step, half)
        return fragment("concat(:a, ' ', :b)", a=first, b=last)

    def user_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        length = min(16, self._room) - 1
        return fragment("concat(:letter, :h)", letter="uv"[step], h=digest.hexadecimal(length))

    def named_user_name(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._named(digest, self._room, step)

    def named_email(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        local = self._named(digest, self._room - len("@example.com"), step)
        return fragment("concat(:local, '@example.com')", local=local)

    def _named(self, digest: Digest, room: int, step: int) -> exp.Expression:
        half = min((room - _TAG - 2) // 2, 16)
        return fragment(
            "concat(:first, '.', :last, :mark, :tag)",
            first=self._word("first_name", digest, _AT["first_name"], 0, half, "ascii_pool"),
            last=self._word("last_name", digest, _AT["last_name"], 0, half, "ascii_pool"),
            mark=".-"[step],
            tag=replace(digest, start=digest.start + _AT["tag"]).hexadecimal(_TAG),
        )

    def company(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("company", digest, _AT["company"], step, self._room)

    def job(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("job", digest, _AT["job"], step, self._room)

    def street(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        name = self._word("street_name", digest, _AT["street"] + 3, step, self._room - 5)
        return fragment("concat(1 + :n % 9899, ' ', :name)", n=digest.short(_AT["street"]), name=name)

    def city(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("city", digest, _AT["city"], step, self._room)

    def state(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        return self._place("state", "state_abbr", digest, original, step)

    def country(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        return self._place("country", "country_code", digest, original, step)

    def _place(
        self, name: str, code: str, digest: Digest, original: exp.Expression, step: int
    ) -> exp.Expression:
        short = self._word(code, digest, _AT[name], step, 2)
        if self._room < _PLACE:
            return short
        whole = self._word(name, digest, _AT[name], step, self._room)
        return fragment(
            "CASE WHEN length(:v) <= 3 THEN :short ELSE :whole END", v=original, short=short, whole=whole
        )

    def phone(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        return self._number(_AT["phone"], digest, original, step)

    def fax(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        return self._number(_AT["fax"], digest, original, step)

    def _number(self, at: int, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        bare, number = (
            fragment(
                f"concat(201 + :area % 789, '{middle}', right((100 + (:line + :step) % 100)::text, 2))",
                area=digest.short(at),
                line=digest.byte(at + 3),
                step=step,
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
        four = self.ipv4(digest, original, step)
        if self._room < _SHORTEST["ipv6"]:
            return four
        six = self.ipv6(digest, original, step)
        return fragment("CASE WHEN :v LIKE '%:%' THEN :six ELSE :four END", v=original, four=four, six=six)

    def ipv4(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        # The next choice is in another network: where only a prefix is kept, it is no other otherwise.
        return fragment(
            """concat((ARRAY['192.0.2.', '198.51.100.', '203.0.113.'])[1 + (:net + :step) % 3],
                      1 + :host % 254)""",
            net=digest.byte(_AT["ip"]),
            host=digest.integer(_AT["ip"] + 1),
            step=step,
        )

    def ipv6(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return fragment(
            "concat('2001:db8:', :a, ':', :b, '::', :c)",
            a=_hex(fragment("1 + (:n + :step) % 65535", n=digest.integer(_AT["ip"]), step=step)),
            b=_hex(fragment("1 + :n % 65535", n=digest.integer(_AT["ip"] + 3))),
            c=_hex(fragment("1 + :n", n=digest.byte(_AT["ip"] + 6))),
        )

    def mac(self, digest: Digest, original: exp.Expression, step: int) -> exp.Expression:
        last = _hex(fragment("256 + (:n + :step) % 256", n=digest.byte(_AT["mac"]), step=step))
        return fragment(
            """CASE WHEN :v LIKE '%:%' THEN overlay('00:00:5e:00:53:' PLACING substr(:last, 2) FROM 16)
                    WHEN :v LIKE '%-%' THEN overlay('00-00-5E-00-53-' PLACING upper(substr(:last, 2)) FROM 16)
                    WHEN :v LIKE '%.%' THEN overlay('0000.5e00.53' PLACING substr(:last, 2) FROM 13)
                    ELSE overlay('00005e0053' PLACING substr(:last, 2) FROM 11) END""",
            v=original,
            last=last,
        )

    def sentence(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self._word("sentence", digest, _AT["sentence"], step, self._room)

    def paragraph(self, digest: Digest, _: Any, step: int) -> exp.Expression:
        return self.sentences(digest, self._sentences, step)

    def sentences(self, digest: Digest, count: int, step: int = 0) -> exp.Expression:
        """As many sentences of any length."""
        at = _AT["sentence"]
        words = {
            f"w{n}": self._word("sentence", digest, at + 3 * n, step * (n == 0), _NAME) for n in range(count)
        }
        spaced = ", ' ', ".join(f":{word}" for word in words)
        return fragment(f"concat({spaced})", **words)


class Text(Keyed):
    """Replaces free text by invented sentences, more of them where there was more text."""

    kind = "text"
    family = "surrogate"
    accepts = TEXT
    follows_subject = "one_row"

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
            short = unlike(original, maker.sentence(digest, original, 0), maker.sentence(digest, original, 1))
            if column.max_length is not None and column.max_length < 3 * (_NAME + 1):
                return short
            return fragment(
                "CASE WHEN length(:v) <= 80 THEN :short ELSE :long END",
                v=original,
                short=short,
                long=maker.sentences(digest, 3),
            )

        return scope.keyed(original, build)
