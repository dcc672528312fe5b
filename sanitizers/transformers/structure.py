"""JSON documents: an allow-list of paths is kept or treated, everything else is erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, field_validator
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import Params, Scope, Transformer, Uniqueness, fragment

_LEAF = Column(name="", position=0, type="text", base="text", category="S")
"""What a scalar inside a document is to its treatment: unbounded text."""


class JsonParams(Params):
    paths: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Dotted paths and their treatments, `{kind: keep}` for a whole subtree; what is not listed is erased."""

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @field_validator("paths")
    @classmethod
    def _kinds(cls, paths: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for path, treat in paths.items():
            if "" in path.split("."):
                raise ValueError(
                    f"path {path}: keys are separated by single dots, an empty key cannot be named"
                )
            if "kind" not in treat:
                raise ValueError(f"path {path}: a treatment needs a kind")
            if any(other != path and other.startswith(f"{path}.") for other in paths):
                raise ValueError(f"path {path}: another path lies below it")
        return paths


class Json(Transformer):
    """Keeps or treats the listed paths of a JSON document and erases all others."""

    kind = "json"
    family = "suppression"
    params = JsonParams
    accepts = frozenset({"json", "jsonb"})

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: JsonParams) -> str:
        return (
            f"JSON: {len(params.paths)} paths kept or treated, the rest erased"
            if params.paths
            else "JSON erased"
        )

    def problems(self, column: Column, params: JsonParams) -> Iterator[str]:
        return (
            f"path {path} cannot hold a bijection"
            for path, t in params.paths.items()
            if t["kind"] == "unique"
        )

    def expression(
        self, column: Column, params: JsonParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        tree: dict[str, Any] = {}
        for path, treat in params.paths.items():
            *above, leaf = path.split(".")
            node = tree
            for key in above:
                node = node.setdefault(key, {})
            node[leaf] = treat
        if column.base == "jsonb":
            return _object(tree, value, (), scope)
        # Parsed once, not once a path.
        document = exp.column("d", table="j")
        return fragment(
            "(SELECT :object::json FROM (SELECT :v::jsonb AS d OFFSET 0) AS j)",
            v=value,
            object=_object(tree, document, (), scope),
        )


def _object(
    tree: dict[str, Any], document: exp.Expression, above: tuple[str, ...], scope: Scope
) -> exp.Expression:
    result = fragment("'{}'::jsonb")
    for key, below in tree.items():
        path = (*above, key)
        content = (
            _leaf(below, document, path, scope) if _is_leaf(below) else _branch(below, document, path, scope)
        )
        result = fragment(
            """(:before || CASE WHEN :here IS NULL THEN '{}'::jsonb
                                ELSE jsonb_build_object(:key, :content) END)""",
            before=result,
            here=_at(document, path, "#>"),
            key=key,
            content=content,
        )
    return result


def _is_leaf(below: dict[str, Any]) -> bool:
    return isinstance(below.get("kind"), str)


def _branch(
    tree: dict[str, Any], document: exp.Expression, path: tuple[str, ...], scope: Scope
) -> exp.Expression:
    # Anything but an object where one was promised is erased with all it holds.
    return fragment(
        "CASE WHEN jsonb_typeof(:here) = 'object' THEN :object ELSE 'null'::jsonb END",
        here=_at(document, path, "#>"),
        object=_object(tree, document, path, scope),
    )


def _leaf(
    treat: dict[str, Any], document: exp.Expression, path: tuple[str, ...], scope: Scope
) -> exp.Expression:
    if treat["kind"] == "keep":
        return _at(document, path, "#>")
    text = _at(document, path, "#>>")
    treated = fragment("to_jsonb(:t::text)", t=scope.nested(treat, _LEAF, text))
    # An object or array where a scalar was promised is erased, not stringified.
    return fragment(
        "CASE WHEN jsonb_typeof(:here) IN ('string', 'number') THEN :treated ELSE 'null'::jsonb END",
        here=_at(document, path, "#>"),
        treated=treated,
    )


def _at(document: exp.Expression, path: tuple[str, ...], operator: str) -> exp.Expression:
    keys = exp.Array(expressions=[exp.Literal.string(key) for key in path])
    return fragment(f"(:d {operator} :keys::text[])", d=document, keys=keys)
