"""What a treatment is: one definition gives the SQL, the safety facts, the parameters and the help text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from sqlglot import exp, parse_one

from sanitizers.catalog import Column

Uniqueness = Literal["preserved", "not_guaranteed", "lossy"]

TEXT = frozenset({"text", "varchar", "bpchar", "citext", "name"})
INTEGER = frozenset({"int2", "int4", "int8"})
NUMBER = INTEGER | {"numeric", "float4", "float8"}
TIME = frozenset({"date", "timestamp", "timestamptz"})
ANY: frozenset[str] = frozenset()
"""As `accepts`: every type."""


class Params(BaseModel):
    """Parameters of a treatment, as written under `treat:` beside `kind`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _several(names: Any) -> Any:
    return (names,) if isinstance(names, str) else names


_NAMES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Names = Annotated[tuple[str, ...], BeforeValidator(_several), WithJsonSchema(_NAMES)]
"""A parameter that names one column or a list of them."""


PARTS = {"paths": "path", "keys": "key", "fields": "field"}
"""Parameters that hold the treatments of parts of a value, and what such a part is called."""


Treats = dict[str, dict[str, Any]]
"""Parts of a value by name, and the treatment of each."""


class PartsParams(Params):
    """Parameters that hold mappings, such as the treatments of parts of a value."""

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def bijections(treats: Treats, called: str) -> Iterator[str]:
    """What is wrong with parts that ask for a mapping: one is made of whole columns only."""
    for name, treat in treats.items():
        if treat["kind"] == "unique" and treat.get("format") != "token":
            yield f"{called} {name} cannot hold a bijection"


def as_trees(treats: Iterable[tuple[Sequence[Any], dict[str, Any]]]) -> dict[Any, Any]:
    """Treatments by the steps that lead to them, as trees: of the places below a place, or its treatment."""
    tree: dict[Any, Any] = {}
    for (*above, leaf), treat in treats:
        node = tree
        for step in above:
            node = node.setdefault(step, {})
        node[leaf] = treat
    return tree


class KeyedParams(Params):
    """Parameters of a treatment that replaces a value by a keyed function of it."""

    domain: str | None = None
    """Linkage domain: equal values in one domain stay equal. The category's name when left out."""


class Scope(Protocol):
    """What an expression may lean on while it is being built: parameters, the keyed digest, mappings."""

    @property
    def domain(self) -> str:
        """The linkage domain."""
        ...

    def parameter(self, binding: str, type_: str) -> exp.Expression:
        """A numbered parameter for a binding (see `policy.plan.Statement`), cast to a type."""
        ...

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        """`build(h)`, where h is HMAC-SHA-256 of the value's text in the scope's domain, computed once.

        Where the policy names a `subject` for the table, h is that person's instead, shared by the row.
        """
        ...

    def once(self, value: exp.Expression) -> exp.Expression:
        """The same expression, computed once a row before all others; it may lean on what else is, and use
        window functions, ordered by `place` at last and partitioned by `exempt` too.

        Not inside arrays and documents.
        """
        ...

    def secret(self, purpose: str, value: exp.Expression) -> Digest:
        """HMAC-SHA-256 of a text under the key of this purpose, computed once a row; never a subject's."""
        ...

    @property
    def place(self) -> exp.Expression:
        """Where the row lies in its heap. Who asks for it has the rows come out in the same order: in that of
        a window they would tell who stood beside whom.
        """
        ...

    @property
    def exempt(self) -> tuple[exp.Expression, ...]:
        """Whether the row is exempt, where any are: rows that windows must not mix with others."""
        ...

    def treated(self, name: str) -> exp.Expression:
        """The replacement of another column of the same row, one that the treatment `combines`."""
        ...

    def mapped(self, value: exp.Expression, format_: str) -> exp.Expression:
        """The value's replacement in the scope's mapping, a bijection over all columns of the domain."""
        ...

    def column(self, name: str) -> exp.Expression:
        """Another column of the same row."""
        ...

    def linked(self, key: str, name: str) -> exp.Expression:
        """A column of the row that a foreign-key column leads to, as it is in production."""
        ...

    def computed(self, name: str) -> exp.Expression:
        """The result of the Python function that treats the column of that name, or text (see `Python`)."""
        ...

    def nested(self, treat: dict[str, Any], column: Column, value: exp.Expression) -> exp.Expression:
        """A part of the value under a treatment of its own; NULL and '' stay what they are."""
        ...

    def accepts(self, treat: dict[str, Any], base: str) -> bool:
        """Whether a treatment takes values of a base type."""
        ...


class Transformer(ABC):
    """One kind of treatment. Sees a column's catalog entry, never a connection and never a value."""

    kind: ClassVar[str]
    family: ClassVar[str]
    """ISO/IEC 20889: suppression, generalization, pseudonymization, surrogate, noise or permutation."""
    version: ClassVar[int] = 1
    params: ClassVar[type[Any]] = Params
    """Its parameters' model, a kind of `Params`."""
    accepts: ClassVar[frozenset[str]] = ANY
    may_null: ClassVar[bool] = False
    """Whether it can make NULL of a value."""
    keeps_empty: ClassVar[bool] = True
    """Whether NULL stays NULL and '' stays ''; suppression of the whole column does neither."""
    elementwise: ClassVar[bool] = True
    """Whether an array is treated element by element."""
    deterministic: ClassVar[bool] = True
    """Whether equal values become equal values within one linkage domain."""

    follows_subject: ClassVar[Literal["always", "one_row", "never"]] = "never"
    """Whether a table's `subject` may stand for the value: also where a person has many rows, only where he
    has one, or not at all because the result has to follow the value."""
    first_byte: ClassVar[int] = 0
    """Where in a subject's digest its bits begin. Those of `date_shift` serve nothing else: whatever other
    columns show must not tell how far dates moved."""

    real_values: ClassVar[bool] = False
    """Whether results are originals of other rows: nothing for what must not survive, and a unique index over
    several columns holds only where all others are among the params' `within`."""

    may_equal: ClassVar[bool] = False
    """Whether a result may rightly be its original: it does not depend on it, or nothing had to go."""

    def carries(self, params: Any) -> frozenset[str]:
        """Of the columns it reads, those whose originals may show in the result: none that is treated."""
        return frozenset()

    def uniqueness(self, params: Any) -> Uniqueness:
        """What becomes of a unique column."""
        return "not_guaranteed"

    def reads(self, params: Any) -> frozenset[str]:
        """Other columns of the row whose originals it looks at."""
        return frozenset()

    combinable: ClassVar[frozenset[str]] = ANY
    """Types of the columns it combines, where they are others than those it accepts."""

    def combines(self, params: Any) -> tuple[str, ...]:
        """Other columns of the row whose replacements make its result; of types that it accepts itself."""
        return ()

    def one_heap(self, params: Any) -> tuple[str, ...]:
        """Columns: rows that are equal in them are looked at together, so one partition has to hold them."""
        return ()

    def reserved(self, params: Any) -> str:
        """A regular expression every result matches, when results come from a reserved range."""
        return ""

    def summary(self, params: Any) -> str:
        """The treatment in words, for plans and reports."""
        return self.kind.replace("_", " ")

    def problems(self, column: Column, params: Any) -> Iterator[str]:
        """What makes it unsafe for this column beyond type, NULL and uniqueness, for instance its length."""
        return iter(())

    @abstractmethod
    def expression(self, column: Column, params: Any, value: exp.Expression, scope: Scope) -> exp.Expression:
        """The replacement of `value` (never NULL or '' when `keeps_empty`), as SQL of the column's type."""


class Keyed(Transformer):
    """A treatment that derives its result from the value's keyed digest."""

    params: ClassVar[type[Any]] = KeyedParams


@cache
def _parsed(template: str) -> exp.Expression:
    tree = parse_one(template, dialect="postgres")
    if isinstance(tree, exp.Command) or not isinstance(tree, exp.Expression):
        raise ValueError(f"not an expression: {template}")
    return tree


def fragment(template: str, **parts: exp.Expr | int | str) -> exp.Expression:
    """PostgreSQL text with `:name` for every part; strings and numbers become literals."""
    return _filled(_parsed(template), {name: _tree(part) for name, part in parts.items()})


def _tree(part: exp.Expr | int | str) -> exp.Expression:
    tree = part if isinstance(part, exp.Expression) else exp.convert(part)
    assert isinstance(tree, exp.Expression)
    return tree


def _filled(node: exp.Expression, parts: Mapping[str, exp.Expression] | None) -> exp.Expression:
    # A plan makes thousands of these; sqlglot's own copy and transform take five times as long.
    if parts is not None and type(node) is exp.Placeholder:
        return owned(parts[node.this])
    arguments: dict[str, Any] = {}
    for name, argument in node.args.items():
        if isinstance(argument, exp.Expression):
            arguments[name] = _filled(argument, parts)
        elif isinstance(argument, list):
            arguments[name] = [_filled(a, parts) if isinstance(a, exp.Expression) else a for a in argument]
        else:
            arguments[name] = argument
    return type(node)(**arguments)


def owned(tree: exp.Expression) -> exp.Expression:
    """The tree itself while it is nobody's part, a copy otherwise: a node has one parent."""
    return tree if tree.parent is None else _filled(tree, None)


@cache
def _type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="postgres", udt=True)


def cast(tree: exp.Expression, type_: str) -> exp.Expression:
    """The tree's value as a PostgreSQL type."""
    return exp.Cast(this=owned(tree), to=_filled(_type(type_), None))


@dataclass(frozen=True)
class Digest:
    """256 secret bits of a value or of a person, as SQL. Columns that share them begin at different bytes."""

    tree: exp.Expression
    start: int = 0
    """The byte this column begins at; past the last byte the first follows."""

    def byte(self, at: int | exp.Expression) -> exp.Expression:
        """8 bits, 0 to 255; `at` counts from the column's first byte and may be any SQL number."""
        if isinstance(at, int):
            return fragment("get_byte(:h, :at)", h=self.tree, at=(self.start + at) % 32)
        place = fragment("(:at + :start) % 32" if self.start else "(:at) % 32", at=at, start=self.start)
        return fragment("get_byte(:h, :at)", h=self.tree, at=place)

    def short(self, at: int) -> exp.Expression:
        """16 bits, 0 to 65535, from byte `at` on: enough to choose among a thousand words, and cheaper."""
        return fragment("(:a * 256 + :b)", a=self.byte(at), b=self.byte(at + 1))

    def integer(self, at: int) -> exp.Expression:
        """24 bits, 0 to 16777215, from byte `at` on."""
        return fragment(
            "(:a * 65536 + :b * 256 + :c)", a=self.byte(at), b=self.byte(at + 1), c=self.byte(at + 2)
        )

    def hexadecimal(self, characters: int) -> exp.Expression:
        """Up to 64 characters of 4 bits each."""
        if self.start == 0:
            return fragment("left(encode(:h, 'hex'), :n)", h=self.tree, n=characters)
        whole = fragment("substr(:h, :next) || :h", h=self.tree, next=self.start + 1)
        if self.start * 2 + characters <= 64:
            whole = fragment("substr(:h, :next)", h=self.tree, next=self.start + 1)
        return fragment("left(encode(:h, 'hex'), :n)", h=whole, n=characters)


Build = Callable[[Digest], exp.Expression]


def unlike(value: exp.Expression, result: exp.Expression, other: exp.Expression) -> exp.Expression:
    """`result`, or `other` where the result happens to equal the value: nobody is replaced by himself."""
    return fragment("coalesce(nullif(:r, :v), :o)", r=result, v=value, o=other)


def as_base(column: Column, expression: exp.Expression) -> exp.Expression:
    """A text expression as the column's base type."""
    if column.base in TEXT:
        return expression
    return cast(expression, column.base)


def text_of(column: Column, value: exp.Expression) -> exp.Expression:
    """The value as text; equal values of a type that ignores case give equal text."""
    if column.base == "citext":
        return fragment("lower(:v::text)", v=value)
    return value if column.base == "text" and not column.array else fragment(":v::text", v=value)
