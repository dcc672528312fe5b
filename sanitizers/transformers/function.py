"""A data engineer's own function in Python, over Arrow arrays: for what SQL cannot say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import field_validator
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import TEXT, Params, Scope, Transformer, Uniqueness


class PythonParams(Params):
    function: str
    """`package.module:name`, on the PYTHONPATH of whoever plans and scrubs."""
    reads: tuple[str, ...] = ()
    """Kept columns of the same row that it gets too, by name."""
    originals: tuple[str, ...] = ()
    """Treated columns that it gets all the same: it sees their originals and may carry them along."""
    unique: bool = False
    """Promises that different values become different results, so that a unique column may be treated."""

    @field_validator("function")
    @classmethod
    def _names_a_function(cls, function: str) -> str:
        module, _, name = function.partition(":")
        if not (name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
            raise ValueError("write it as package.module:name")
        return function


class Python(Transformer):
    """Computes the replacement by a Python function of your own.

    `def name(values, **columns)` gets pyarrow arrays, many rows at a time: the column's values, and by
    name the columns of `reads` and `originals`, all as they are in production. It returns an array of the
    same length. Integers, floats, booleans, dates, timestamps and bytes have Arrow types of their own; all
    other types, numeric, uuid, arrays and documents among them, arrive and return as text.
    NULL and '' stay what they are, the function does not get them. A result that is too long, NULL in a NOT
    NULL column, or there twice in a unique one makes the scrub refuse. What the function raises is told by
    type and line, never by its words; what it prints or logs is told nobody. Needs the extra `functions`. Not
    for columns that foreign keys tie.
    """

    kind = "python"
    family = "surrogate"
    params = PythonParams
    elementwise = False
    deterministic = False

    def uniqueness(self, params: PythonParams) -> Uniqueness:
        return "preserved" if params.unique else "not_guaranteed"

    def summary(self, params: PythonParams) -> str:
        return f"Python function {params.function}"

    def reads(self, params: PythonParams) -> frozenset[str]:
        return frozenset(params.reads + params.originals)

    def carries(self, params: PythonParams) -> frozenset[str]:
        return frozenset(params.reads)

    def problems(self, column: Column, params: PythonParams) -> Iterator[str]:
        try:
            load(params.function)
        except ValueError as error:
            yield str(error)

    def expression(
        self, column: Column, params: PythonParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        type_ = exp.DataType(this=exp.DType.USERDEFINED, kind=_unlimited(column) + "[]" * column.array)
        return exp.Cast(this=scope.computed(column.name), to=type_)


def _unlimited(column: Column) -> str:
    """The name of the column's type, of an array its element's, without a length: a cast would cut."""
    if column.base in TEXT:
        return "text"
    if column.base == "bit":
        return "varbit"
    spelled = not column.array and column.type not in ("", column.base) and "(" not in column.type
    return column.type if spelled else f'"{column.base}"'


def load(name: str) -> Callable[..., Any]:
    """The function of that name. ValueError (one sentence) when it cannot be had."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute, None)
    except Exception as error:
        missing = f" ({error.name})" if isinstance(error, ModuleNotFoundError) else ""
        raise ValueError(f"{module} cannot be imported: {type(error).__name__}{missing}") from None
    if not callable(found):
        raise ValueError(f"{module} has no function {attribute}")
    return found  # type: ignore[no-any-return]


def source_digest(name: str) -> str:
    """SHA-256 of the source file of the function's module, which says what code a plan was made with."""
    path = import_module(name.partition(":")[0]).__file__
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
