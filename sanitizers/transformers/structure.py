"""Documents of keys and values, JSON and hstore: an allow-list is kept or treated, the rest is erased."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from pydantic import Field, field_validator
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    PartsParams,
    Scope,
    Transformer,
    Treats,
    Uniqueness,
    as_trees,
    bijections,
    cast,
    fragment,
    owned,
)

_LEAF = Column(name="", position=0, type="text", base="text", category="S")
"""What a scalar inside a document is to its treatment: unbounded text."""
_NUMBER = Column(name="", position=0, type="numeric", base="numeric", category="N")


class JsonParams(PartsParams):
    paths: Treats = Field(default_factory=dict)
    """Paths and their treatments, `{kind: keep}` for a whole subtree; what is not listed is erased. Keys are
    separated by dots, `[]` stands for every element of an array: `contacts[].email`, `[].name`. A key with
    dots goes in double quotes: `"a.b".c`."""

    @field_validator("paths")
    @classmethod
    def _sound(cls, paths: Treats) -> Treats:
        steps = {path: _steps(path) for path in _with_kinds(paths)}
        for one, other in permutations(steps, 2):
            if steps[other][: len(steps[one])] == steps[one]:
                raise ValueError(f"path {one}: another path lies below it")
        return paths


def _with_kinds(treats: Treats) -> Treats:
    for name, treat in treats.items():
        if "kind" not in treat:
            raise ValueError(f"path {name}: a treatment needs a kind")
    return treats


Step = str | None
"""A key, or None for every element of an array."""
_STEP = re.compile(r'(?:"((?:[^"]|"")+)"|([^".][^.]*?))??((?:\[\])*)\.')


def _steps(path: str) -> tuple[Step, ...]:
    """The keys on the way. ValueError for what is no path."""
    steps: list[Step] = []
    rest = f"{path}."
    while rest:
        found = _STEP.match(rest)
        quoted, plain, items = found.groups() if found else (None, None, "")
        if found is None or (quoted is None and plain is None and (steps or not items)):
            raise ValueError(
                f"path {path}: single dots between keys, [] right after one; an empty key cannot be named"
            )
        if quoted or plain:
            steps.append(quoted.replace('""', '"') if quoted else plain)
        steps += [None] * (len(items) // 2)
        rest = rest[found.end() :]
    return tuple(steps)


class Json(Transformer):
    """Keeps or treats the listed paths of a JSON document and erases all others.

    Strings, numbers and booleans stay what they are where their treatment gives such: a `constant` comes out
    as it is written in the policy, a `placeholder` is the empty value of the same type, digits in the place
    of a number are a number again. Whatever else stands where a scalar was promised becomes null.

    In columns of type json (not jsonb) keys may come out in another order, of equal keys the last one stays,
    and a document with numbers that no numeric can hold is erased.
    """

    kind = "json"
    family = "suppression"
    may_equal = True
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
        return bijections(params.paths, "path")

    def expression(
        self, column: Column, params: JsonParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        tree: _Tree = as_trees((_steps(path), treat) for path, treat in params.paths.items())
        if column.base == "jsonb":
            return _root(tree, _Place(value, scope))
        if not tree:
            return fragment("'{}'::json")
        # Parsed once, not once a path.
        document = _Place(exp.column("d", table="j"), scope)
        return fragment(
            "(SELECT :result::json FROM (SELECT :d AS d OFFSET 0) AS j)",
            d=_parsed(value),
            result=_root(tree, document),
        )


_UNHEARD = r"(^|[[,:[:space:]])-?[0-9][0-9.]*([eE][+-]?[0-9]{5}|[0-9]{250})"
"""Numbers, perhaps, with more digits than a numeric can have: 16,383 after the point. Slow to look for."""
_NUL = r"(?<!\\)((\\\\)*)\\u0000"


def _parsed(value: exp.Expression) -> exp.Expression:
    """A json document as jsonb, which holds neither the character NUL nor numbers of any length."""
    return fragment(
        r"""CASE WHEN (:text ~ '[0-9][eE][+-]?[0-9]{5}' OR octet_length(:text) > 16000) AND :text ~ :unheard
                 THEN '{}'::jsonb
                 WHEN strpos(:text, '\u0000') > 0
                 THEN regexp_replace(:text, :nul, '\1\ufffd', 'g')::jsonb
                 ELSE :v::jsonb END""",
        text=fragment(":v::text", v=value),
        unheard=_UNHEARD,
        nul=_NUL,
        v=value,
    )


_Tree = dict[Step, Any]
"""What is known about a place: trees of the places below it, or its treatment."""


@dataclass(frozen=True)
class _Place:
    """A place in a document, as SQL."""

    document: exp.Expression
    scope: Scope
    path: tuple[str, ...] = ()
    depth: int = 0
    """How many arrays lie above."""

    @property
    def here(self) -> exp.Expression:
        return self._at("#>") if self.path else self.document

    @property
    def text(self) -> exp.Expression:
        return self._at("#>>")

    def _at(self, operator: str) -> exp.Expression:
        keys = exp.Array(expressions=[exp.Literal.string(key) for key in self.path])
        return fragment(f"(:d {operator} :keys::text[])", d=self.document, keys=keys)

    def below(self, key: str) -> _Place:
        return _Place(self.document, self.scope, (*self.path, key), self.depth)

    @property
    def element(self) -> _Place:
        depth = self.depth + 1
        return _Place(exp.column("d", table=f"e{depth}"), self.scope, (), depth)


def _root(tree: _Tree, place: _Place) -> exp.Expression:
    # An erased document is still one of the kind that was promised.
    empty = "'[]'::jsonb" if set(tree) == {None} else "'{}'::jsonb"
    return _branch(tree, place, fragment(empty)) if tree else fragment(empty)


def _content(tree: _Tree, place: _Place) -> exp.Expression:
    if isinstance(tree.get("kind"), str):
        return _leaf(tree, place)  # type: ignore[arg-type]
    return _branch(tree, place, fragment("'null'::jsonb"))


def _branch(tree: _Tree, place: _Place, otherwise: exp.Expression) -> exp.Expression:
    """Anything but the object or array that was promised is erased with all it holds."""
    keys = {key: below for key, below in tree.items() if key is not None}
    result = otherwise
    if None in tree:
        result = _when(place, "array", _items(tree[None], place), result)
    return _when(place, "object", _object(keys, place), result) if keys else result


def _when(place: _Place, type_: str, result: exp.Expression, otherwise: exp.Expression) -> exp.Expression:
    template = "CASE WHEN jsonb_typeof(:here) = :type THEN :result ELSE :otherwise END"
    return fragment(template, here=place.here, type=type_, result=result, otherwise=otherwise)


def _object(tree: dict[str, Any], place: _Place) -> exp.Expression:
    result = fragment("'{}'::jsonb")
    for key, below in tree.items():
        inner = place.below(key)
        result = fragment(
            """(:before || CASE WHEN :here IS NULL THEN '{}'::jsonb
                                ELSE jsonb_build_object(:key, :content) END)""",
            before=result,
            here=inner.here,
            key=key,
            content=_content(below, inner),
        )
    return result


def _items(tree: _Tree, place: _Place) -> exp.Expression:
    element = place.element
    elements = f"jsonb_array_elements(:here) AS e{element.depth}(d)"
    return fragment(
        f"(SELECT coalesce(jsonb_agg(:content), '[]') FROM {elements})",
        content=_content(tree, element),
        here=place.here,
    )


_EMPTY = {"string": '""', "number": "0", "boolean": "false", "array": "[]", "object": "{}"}


def _leaf(treat: dict[str, Any], place: _Place) -> exp.Expression:
    if treat["kind"] == "keep":
        return place.here
    if treat["kind"] == "placeholder":
        return _typed(place, {type_: fragment(":e::jsonb", e=empty) for type_, empty in _EMPTY.items()})
    if treat["kind"] == "constant" and not isinstance(treat.get("value"), str):
        constant = fragment(
            "CASE WHEN :text = '' THEN :here ELSE :value::jsonb END",
            text=place.text,
            here=place.here,
            value=json.dumps(treat.get("value")),
        )
        return _typed(place, dict.fromkeys(("string", "number", "boolean"), constant))
    if not place.scope.accepts(treat, "text"):
        number = fragment(":t::numeric", t=place.text)
        treated = place.scope.nested(treat, _NUMBER, number)
        return _typed(place, {"number": fragment("to_jsonb(:n)", n=treated)})
    return fragment(
        """CASE WHEN jsonb_typeof(:here) IN ('string', 'number')
                THEN (SELECT CASE WHEN jsonb_typeof(:here) = 'number' AND n.t ~ '^-?[0-9]+([.][0-9]+)?$'
                                  THEN to_jsonb(n.t::numeric) ELSE to_jsonb(n.t) END
                      FROM (SELECT :t::text AS t OFFSET 0) AS n)
                ELSE 'null'::jsonb END""",
        here=place.here,
        t=place.scope.nested(treat, _LEAF, place.text),
    )


def _typed(place: _Place, results: dict[str, exp.Expression]) -> exp.Expression:
    """What each type of JSON becomes; an object where a scalar was promised is erased, not stringified."""
    branches = [
        exp.If(this=exp.Literal.string(type_), true=owned(result)) for type_, result in results.items()
    ]
    of_type = fragment("jsonb_typeof(:here)", here=place.here)
    return exp.Case(this=of_type, ifs=branches, default=fragment("'null'::jsonb"))


class HstoreParams(PartsParams):
    keys: Treats = Field(default_factory=dict)
    """Keys and their treatments; what is not listed is erased."""

    @field_validator("keys")
    @classmethod
    def _sound(cls, keys: Treats) -> Treats:
        return _with_kinds(keys)


class Hstore(Transformer):
    """Keeps or treats the listed keys of an hstore and erases all others, keys and values."""

    kind = "hstore"
    family = "suppression"
    params = HstoreParams
    accepts = frozenset({"hstore"})
    may_equal = True

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: HstoreParams) -> str:
        count = len(params.keys)
        return f"hstore: {count} keys kept or treated, the rest erased" if count else "hstore erased"

    def problems(self, column: Column, params: HstoreParams) -> Iterator[str]:
        return bijections(params.keys, "key")

    def expression(
        self, column: Column, params: HstoreParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        if not params.keys:
            return cast(exp.Literal.string(""), column.cast_type)
        # The extension may live in a schema that is not searched.
        schema = column.cast_type.removesuffix("hstore")

        def treated(key: str, treat: dict[str, Any]) -> exp.Expression:
            found = fragment(f"{schema}fetchval(:v, :key)", v=value, key=key)
            return fragment(":t::text", t=scope.nested(treat, _LEAF, found))

        return fragment(
            f"{schema}slice({schema}hstore(:names, :contents), {schema}akeys(:v))",
            names=exp.Array(expressions=[exp.Literal.string(key) for key in params.keys]),
            contents=exp.Array(expressions=[treated(*entry) for entry in params.keys.items()]),
            v=value,
        )
