"""Coarser places: ZIP codes cut to three digits, coordinates moved to the middle of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.postgres.statements import data_root
from sanitizers.transformers.base import (
    INTEGER,
    TEXT,
    Params,
    Scope,
    Transformer,
    Uniqueness,
    as_base,
    cast,
    fragment,
    text_of,
)


@dataclass(frozen=True)
class Sparse:
    """Three-digit ZIP prefixes with so few people that not even they may be told."""

    version: str
    prefixes: tuple[str, ...]


@cache
def sparse_prefixes() -> Sparse:
    """The list in policies/lists/zip3_sparse.txt."""
    text = (data_root("policies") / "lists" / "zip3_sparse.txt").read_text(encoding="utf-8")
    version, *lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return Sparse(version.removeprefix("version "), tuple(line[:3] for line in lines))


class Zip3Params(Params):
    digits: Literal[3, 5] = 3
    """3 gives `100`, 5 gives `10000`, for columns that demand five digits."""
    also: tuple[Annotated[str, Field(pattern="^[0-9]{3}$")], ...] = ()
    """More prefixes that become 000, for instance by a Census later than the list's."""


class Zip3(Transformer):
    """Cuts US ZIP codes to their first three digits; where few people live, to 000.

    Few are 20,000 or fewer by the Census, in the versioned list policies/lists/zip3_sparse.txt. ZIP+4 and
    codes that have lost their leading zeros are read, too; what is no ZIP code becomes 000.
    """

    kind = "zip3"
    family = "generalization"
    params = Zip3Params
    accepts = TEXT | INTEGER | {"numeric"}

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: Zip3Params) -> str:
        more = f" and {len(params.also)} more" if params.also else ""
        return f"ZIP code cut to 3 digits, sparse areas 000 (list {sparse_prefixes().version}{more})"

    def problems(self, column: Column, params: Zip3Params) -> Iterator[str]:
        if column.max_length is not None and column.max_length < params.digits:
            yield f"zip3 needs {params.digits} characters, the column is {column.type}"

    def expression(
        self, column: Column, params: Zip3Params, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        sparse = [*sparse_prefixes().prefixes, *params.also]
        if column.base not in TEXT:
            factor = 100 if params.digits == 5 else 1
            listed = cast(exp.Literal.string(f"{{{','.join(str(int(p)) for p in sparse)}}}"), "int4[]")
            return cast(fragment(_NUMBER, v=value, sparse=listed, factor=factor), column.base)
        listed = cast(exp.Literal.string(f"{{{','.join(sparse)}}}"), "text[]")
        prefix = fragment(_TEXT, t=text_of(column, value), sparse=listed)
        return as_base(column, fragment(":p || '00'", p=prefix) if params.digits == 5 else prefix)


_TEXT = """
CASE WHEN translate(:t, '123456789', '000000000') IN ('00000', '00000-0000', '000', '000000000', '00000 0000')
          THEN CASE WHEN left(:t, 3) = ANY (:sparse) THEN '000' ELSE left(:t, 3) END
     WHEN translate(:t, '123456789', '000000000') IN ('0000', '0000-0000')
          THEN CASE WHEN concat('0', left(:t, 2)) = ANY (:sparse) THEN '000' ELSE concat('0', left(:t, 2)) END
     ELSE '000' END
"""
_PREFIX = """
CASE WHEN :v BETWEEN 0 AND 99999 THEN :v::int / 100
     WHEN :v BETWEEN 100000 AND 999999999 THEN :v::int / 1000000 ELSE 0 END
"""
_NUMBER = f"CASE WHEN ({_PREFIX}) = ANY (:sparse) THEN 0 ELSE ({_PREFIX}) * :factor END"


def _divides(degrees: float) -> float:
    if 90 / degrees != round(90 / degrees):
        raise ValueError("90 degrees have to be a whole number of cells")
    return degrees


class CentroidParams(Params):
    degrees: Annotated[float, Field(ge=0.001, le=90), AfterValidator(_divides)] = 0.5
    """Height and width of a cell; half a degree of latitude is 56 km."""


class Centroid(Transformer):
    """Moves coordinates in degrees to the middle of a cell of a fixed grid.

    For latitudes, longitudes and points. Treat both columns of a pair. Middles lie within -90 to 90 and -180
    to 180 as their originals did; what is no coordinate becomes 0.
    """

    kind = "centroid"
    family = "generalization"
    params = CentroidParams
    accepts = frozenset({"numeric", "float4", "float8", "point"})

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: CentroidParams) -> str:
        return f"moved to the middle of a cell of {params.degrees:g} degrees"

    def problems(self, column: Column, params: CentroidParams) -> Iterator[str]:
        if column.precision is not None and column.scale is not None and column.precision - column.scale < 2:
            yield f"centroid needs two digits before the decimal point, the column is {column.type}"

    def expression(
        self, column: Column, params: CentroidParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        if column.base != "point":
            return cast(_middle(value, params), column.base)
        across, up = (_middle(fragment(f"(:v)[{axis}]", v=value), params) for axis in (0, 1))
        return fragment("point(:across, :up)", across=cast(across, "float8"), up=cast(up, "float8"))


def _middle(degree: exp.Expression, params: CentroidParams) -> exp.Expression:
    # Cells are closed on the side away from zero, so that 90 and 180 fall into the last ones.
    return fragment(
        """CASE WHEN :v BETWEEN -180 AND 180
                THEN (CASE WHEN :v < 0 THEN -1 ELSE 1 END)
                     * (greatest(ceil(abs(:v::numeric) / :cell), 1) * :cell - :half)
                ELSE 0 END""",
        v=degree,
        cell=exp.Literal.number(repr(params.degrees)),
        half=exp.Literal.number(repr(params.degrees / 2)),
    )
