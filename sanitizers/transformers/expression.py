"""A data engineer's own expression in SQL: read strictly, allowed only what one row can answer by itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import field_validator
from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError
from sqlglot.parsers.postgres import PostgresParser

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    TEXT,
    Digest,
    KeyedParams,
    Scope,
    Transformer,
    Uniqueness,
    fragment,
    owned,
    text_of,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMMUTABLE = _words("""
    abs array_append array_length array_lower array_position array_prepend array_remove array_replace
    array_upper ascii btrim cardinality cbrt ceil ceiling char_length character_length chr
    decode degrees div encode exp factorial floor gcd get_byte host initcap isfinite
    json_array_length json_extract_path json_extract_path_text json_typeof jsonb_array_length
    jsonb_extract_path jsonb_extract_path_text jsonb_set jsonb_strip_nulls jsonb_typeof justify_days
    justify_hours justify_interval lcm left ln log lower lpad ltrim make_date make_interval make_time
    make_timestamp masklen min_scale mod network normalize octet_length power radians regexp_match
    regexp_replace regexp_split_to_array repeat replace reverse right round rpad rtrim scale set_byte
    set_masklen sign split_part sqrt starts_with string_to_array strpos substr to_hex translate trim_scale
    trunc upper width_bucket
    """)
"""Functions of `pg_catalog` that see nothing but their arguments, safe in parallel workers."""
SESSION = _words("""
    array_to_string concat concat_ws convert_from convert_to date_part date_trunc format json_build_array
    json_build_object jsonb_build_array jsonb_build_object length to_char to_date to_json to_jsonb to_number
    to_timestamp
    """)
"""The same, but how dates, numbers and text are encoded is the session's, one for the whole scrub."""
_GRAMMAR = frozenset({"coalesce", "greatest", "least", "nullif"})
"""Look like functions, belong to no schema."""
_KEYED = "keyed_int"
_MOST_KEYED = 5
"""Calls of `keyed_int`: a digest's 32 bytes hold that many times six."""
_HASHES = _words("crc32 crc32c hashtext hashtextextended hmac md5 sha224 sha256 sha384 sha512")
_AGGREGATES = _words(
    "array_agg avg bool_and bool_or count every json_agg jsonb_agg max min mode string_agg sum"
)
_WINDOWS = _words("dense_rank first_value lag last_value lead nth_value ntile rank row_number")
_VOLATILE = _words("""
    age clock_timestamp current_setting currval dblink gen_random_uuid lastval nextval now pg_read_file
    pg_sleep query_to_xml random random_normal set_config setseed setval statement_timestamp timeofday
    transaction_timestamp txid_current uuidv4 uuidv7 version
    """)

_PARTS = (
    exp.Add, exp.And, exp.Anonymous, exp.Any, exp.Array, exp.AtTimeZone, exp.Between, exp.BitwiseAnd,
    exp.BitwiseLeftShift, exp.BitwiseNot, exp.BitwiseOr, exp.BitwiseRightShift, exp.BitwiseXor, exp.Boolean,
    exp.Bracket, exp.Case, exp.Cast, exp.Collate, exp.Column, exp.DPipe, exp.DataType, exp.DataTypeParam,
    exp.Div, exp.EQ, exp.Escape, exp.Extract, exp.GT, exp.GTE, exp.ILike, exp.Identifier, exp.If, exp.In,
    exp.Interval, exp.Is, exp.JSONBExtract, exp.JSONBExtractScalar, exp.LT, exp.LTE, exp.Like, exp.Literal,
    exp.Mod, exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or,
    exp.Overlay, exp.Paren, exp.RegexpILike, exp.RegexpLike, exp.SimilarTo, exp.StrPosition, exp.Sub,
    exp.Substring, exp.Trim, exp.Var,
)  # fmt: skip
"""What an expression may be made of: comparisons, arithmetic, CASE, casts, literals, columns, calls."""
_CLOCKS = frozenset({"now", "today", "tomorrow", "yesterday"})
_SPECIAL = (
    (exp.Window, "a window function looks at other rows"),
    (exp.Filter, "an aggregate looks at other rows"),
    ((exp.Query, exp.Subquery, exp.Exists), "a subquery looks at other rows"),
    ((exp.Parameter, exp.Placeholder), "parameters have no value here"),
    ((exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp),
     "it reads the clock, and a scrub that is run again must give the same"),
    ((exp.CurrentUser, exp.CurrentRole, exp.SessionUser, exp.CurrentCatalog, exp.CurrentSchema),
     "it reads the session, not the row"),
    ((exp.ByteString, exp.RawString, exp.UnicodeString), "write strings in single quotes, without prefix"),
    (exp.Pow, "write power(a, b) for a ^ b"),
    ((exp.JSONExtract, exp.JSONExtractScalar), "write value #>> '{key,key}' for -> and ->>"),
    (exp.Dot, "functions of pg_catalog only, written without a schema"),
    (exp.ObjectIdentifier, "a cast to an object's identifier reads the catalog"),
)  # fmt: skip
"""Refusals that deserve a reason of their own."""
_TYPES = _words("""
    bigint bool boolean bpchar bytea char character date decimal double float inet int int2 int4 int8 integer
    interval json jsonb numeric real smallint text time timestamp timestamptz timetz uuid varchar
    """)


class _Calls(PostgresParser):
    """Reads function calls as they are written: nothing is renamed, reordered or taken for a synonym."""

    FUNCTIONS = {}  # noqa: RUF012
    FUNCTION_PARSERS = {  # noqa: RUF012
        name: PostgresParser.FUNCTION_PARSERS[name]
        for name in ("CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTRING", "TRIM")
    }


@lru_cache(maxsize=1_000)
def parsed(text: str) -> exp.Expression:
    """The expression as a tree. ValueError (one sentence, what and what to do) where it is not allowed."""
    dialect = Dialect.get_or_raise("postgres")
    try:
        tokens = dialect.tokenize(text)
        trees = _Calls(dialect=dialect).parse(tokens, text)
    except SqlglotError:
        raise ValueError(f"not an expression PostgreSQL could read: {text}") from None
    if any(token.comments for token in tokens) or (tokens == [] and text.strip()):
        raise ValueError("comments are not allowed; say it in reason: or beside it in the policy")
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise ValueError("one expression is wanted, not several statements or none")
    for node in trees[0].walk():
        assert isinstance(node, exp.Expression)
        _check(node)
    calls = sum(_name(call) == _KEYED for call in trees[0].find_all(exp.Anonymous))
    if calls > _MOST_KEYED:
        raise ValueError(f"{_KEYED} can be called {_MOST_KEYED} times, a digest has no more bits")
    return trees[0]


def _check(node: exp.Expression) -> None:
    for kinds, reason in _SPECIAL:
        if isinstance(node, kinds):
            raise ValueError(f"{_said(node)} is not allowed: {reason}")
    if isinstance(node, exp.Anonymous):
        _check_call(node)
    elif isinstance(node, exp.Column) and node.table:
        raise ValueError(f"{_said(node)} is not allowed: name a column of the same row without its table")
    elif isinstance(node, exp.DataType) and not _is_plain(node):
        raise ValueError(f"a cast to {_said(node)} is not allowed: only to built-in types of plain values")
    elif isinstance(node, exp.Literal) and node.is_string and node.name.strip().lower() in _CLOCKS:
        raise ValueError(f"{_said(node)} is not allowed: where a date is meant it reads the clock")
    elif not isinstance(node, _PARTS):
        raise ValueError(f"{_said(node)} is not allowed: only what can be told from one row's own values")


def _said(node: exp.Expression) -> str:
    return node.sql(dialect="postgres", normalize_functions=False, comments=False)


def _is_plain(type_: exp.DataType) -> bool:
    name = type_.sql(dialect="postgres").lower().partition("(")[0]
    return name.replace("[]", "").split(" ")[0] in _TYPES


def _name(call: exp.Anonymous) -> str:
    return call.this.lower() if isinstance(call.this, str) else f'"{call.name}"'


def _check_call(call: exp.Anonymous) -> None:
    name = _name(call)
    if name == _KEYED:
        _check_keyed(call)
    elif name not in IMMUTABLE | SESSION | _GRAMMAR:
        raise ValueError(_refusal(name))


def _refusal(name: str) -> str:
    if name in _AGGREGATES:
        return f"{name}() is not allowed: an aggregate looks at other rows"
    if name in _WINDOWS:
        return f"{name}() is not allowed: a window function looks at other rows"
    if name in _HASHES:
        hint = f"use {_KEYED}(n) or {{kind: pseudonym}}"
        return f"{name}() is not allowed: without a key, trying all values undoes it; {hint}"
    if name in _VOLATILE or name.startswith(("current_", "local", "pg_", "lo_")):
        return f"{name}() is not allowed: its result is not decided by the row alone"
    near = difflib.get_close_matches(name, sorted(IMMUTABLE | SESSION | _GRAMMAR | {_KEYED}), 1)
    hint = f"did you mean {near[0]}()?" if near else "what it lacks, {kind: python} can say"
    return f"{name}() is not among the functions an expression may call; {hint}"


def _check_keyed(call: exp.Anonymous) -> None:
    given = call.expressions
    whole = len(given) == 1 and isinstance(given[0], exp.Literal) and given[0].is_int
    if not whole or not 2 <= int(given[0].name) <= 2**31 - 1:
        raise ValueError(f"{_KEYED}(n) takes one whole number from 2 to 2147483647, written out")


def _column(node: exp.Column) -> str | None:
    """The column that is meant; None for the value itself."""
    quoted = bool(node.this.args.get("quoted"))
    if not quoted and node.name.lower() == "value":
        return None
    return node.name if quoted else node.name.lower()


class SqlParams(KeyedParams):
    expression: str
    """SQL over `value` and columns of the same row, for instance `upper(left(value, 1)) || '.'`."""
    originals: tuple[str, ...] = ()
    """Treated columns that it may read all the same: it sees their originals and may carry them along."""
    unique: bool = False
    """Promises that different values become different results, so that a unique column may be treated."""

    @field_validator("expression")
    @classmethod
    def _allowed(cls, text: str) -> str:
        parsed(text)
        return text

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the row it names, its own perhaps among them."""
        found = map(_column, parsed(self.expression).find_all(exp.Column))
        return frozenset(name for name in found if name is not None)


class Sql(Transformer):
    """Computes the replacement by an SQL expression of your own.

    `value` is the column's value (in arrays each element's), other names are columns of the same row; all of
    them as they are in production. A column that is treated itself can be read only when `originals` names
    it, for its original would come along. `"value"` in quotes is a column of that name.
    Allowed are literals, operators, CASE, casts and the functions of PostgreSQL that depend on nothing but
    their arguments. `keyed_int(n)` is a secret whole number from 0 to n - 1, the same for equal values of a
    domain, another one for each call that is written. No subqueries, aggregates, windows, other tables, time,
    randomness or settings.
    The result is cast to the column's type. NULL stays NULL and '' stays ''. A result that is too long, NULL
    in a NOT NULL column, or there twice in a unique one makes the scrub refuse. Whether anything of the
    original survives is up to the expression.
    """

    kind = "sql"
    family = "surrogate"
    params = SqlParams

    def uniqueness(self, params: SqlParams) -> Uniqueness:
        return "preserved" if params.unique else "not_guaranteed"

    def summary(self, params: SqlParams) -> str:
        return f"SQL expression {' '.join(params.expression.split())}"

    def reads(self, params: SqlParams) -> frozenset[str]:
        return params.columns | frozenset(params.originals)

    def carries(self, params: SqlParams) -> frozenset[str]:
        return params.columns - frozenset(params.originals)

    def problems(self, column: Column, params: SqlParams) -> Iterator[str]:
        unread = sorted(set(params.originals) - params.columns)
        if unread:
            yield f"originals: the expression does not read {', '.join(unread)}"

    def expression(
        self, column: Column, params: SqlParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        tree = parsed(params.expression)
        if _KEYED not in {_name(call) for call in tree.find_all(exp.Anonymous)}:
            return typed(column, _Row(value, scope).bound(tree))
        return scope.keyed(
            text_of(column, value), lambda digest: typed(column, _Row(value, scope, digest).bound(tree))
        )


class _Row:
    """Puts columns, schema and secret numbers into a parsed expression."""

    def __init__(self, value: exp.Expression, scope: Scope, digest: Digest | None = None) -> None:
        self._value, self._scope, self._digest, self._drawn = value, scope, digest, 0

    def bound(self, node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column):
            name = _column(node)
            return owned(self._value) if name is None else self._scope.column(name)
        if isinstance(node, exp.Anonymous) and _name(node) == _KEYED:
            return self._keyed(node)
        arguments: dict[str, Any] = {key: self._argument(given) for key, given in node.args.items()}
        made = type(node)(**arguments)
        if isinstance(node, exp.Anonymous) and _name(node) not in _GRAMMAR:
            # Whatever functions of that name the database has in other schemas.
            return exp.Dot(this=exp.to_identifier("pg_catalog"), expression=made)
        # `a !~ b` is printed as NOT a ~ b, which binds looser.
        return exp.paren(made, copy=False) if isinstance(node, exp.Not) else made

    def _argument(self, given: Any) -> Any:
        if isinstance(given, list):
            return [self._argument(item) for item in given]
        return self.bound(given) if isinstance(given, exp.Expression) else given

    def _keyed(self, call: exp.Anonymous) -> exp.Expression:
        assert self._digest is not None
        at, self._drawn = 6 * self._drawn, self._drawn + 1
        # Not a cast: where the tree tells an integer, sqlglot counts array subscripts from another end.
        return fragment(
            "pg_catalog.int4((:high::bigint * 16777216 + :low) % :n)",
            high=self._digest.integer(at),
            low=self._digest.integer(at + 3),
            n=int(call.expressions[0].name),
        )


def typed(column: Column, result: exp.Expression) -> exp.Expression:
    """The result as the column's type, its length left to the table: a cast would cut what is too long."""
    type_ = exp.DataType(this=exp.DType.USERDEFINED, kind=_unlimited(column))
    return exp.Cast(this=exp.paren(result, copy=False), to=type_)


def _unlimited(column: Column) -> str:
    """The name of the column's type without a length."""
    if column.base in TEXT:
        return "text"
    if column.base == "bit":
        return "varbit"
    # The server's own spelling knows the schema; where it has a length, the name has to do.
    spelled = column.type not in ("", column.base) and "(" not in column.type
    return column.type if spelled else f'"{column.base}"'
