"""Permutation: the values of a column dealt out anew among the rows of its table."""

from __future__ import annotations

from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    TEXT,
    Names,
    Params,
    Scope,
    Transformer,
    Uniqueness,
    fragment,
)


class PermutationParams(Params):
    within: Names = ()
    """Column or columns: values go to rows that are equal in them only. To the whole table's otherwise."""


class Permutation(Transformer):
    """Deals the values of a column out anew among the rows of the table, or of each group of rows.

    Every value stays exactly as frequent as it was, in the table and in each group, and every row gets the
    value of another one; only a row that is alone in its group keeps its own. Values that many rows have can
    come back by chance: never to let them would tell what somebody is not. NULLs and empty texts stay where
    they are; exempt rows neither give nor take. In a table with partitions each deals for itself.

    The values remain real values of real people, only not of those they stand beside. So it is refused for
    direct identifiers, credentials, documents and free text, and what is rare enough to name somebody (a
    salary nobody else has) still does. Small groups say who is among whom.
    """

    kind = "permutation"
    family = "permutation"
    params = PermutationParams
    elementwise = False
    deterministic = False
    real_values = True

    def uniqueness(self, params: PermutationParams) -> Uniqueness:
        return "preserved"

    def reads(self, params: PermutationParams) -> frozenset[str]:
        return frozenset(params.within)

    def summary(self, params: PermutationParams) -> str:
        return "dealt out anew" + (f" within equal {', '.join(params.within)}" if params.within else "")

    def expression(
        self, column: Column, params: PermutationParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        # Rows are told apart by where they lie: what is in them decides nothing, so nothing of it shows.
        row = fragment("concat(:heap, :at)", heap=scope.column("tableoid"), at=scope.column("ctid"))
        order = scope.secret(f"permutation:{scope.domain}:{column.name}", row).tree
        window = fragment(_NEXT, v=value, order=order, place=scope.place)
        empty = "(:v IS NULL OR :v = '')" if column.base in TEXT and not column.array else ":v IS NULL"
        groups = [fragment(':c::text COLLATE "C"', c=scope.column(name)) for name in params.within]
        for over in window.find_all(exp.Window):
            for part in (fragment(empty, v=value), *groups, *scope.exempt):
                over.append("partition_by", part.copy())
        return scope.once(window)


_NEXT = "coalesce(lead(:v) OVER (ORDER BY :order, :place), first_value(:v) OVER (ORDER BY :order, :place))"
"""In a ring, in secret order, each row takes the next one's value: nobody comes round to himself."""
