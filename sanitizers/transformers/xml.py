"""XML documents: the listed elements and attributes are kept or treated, everything else is erased."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from pydantic import Field, model_validator
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
)

_LEAF = Column(name="", position=0, type="text", base="text", category="S")
"""What the text of an element or attribute is to its treatment."""
_NAME = r"(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*"
_PATH = re.compile(rf"(?:/{_NAME})+(?:/@{_NAME}|/text\(\))?", re.ASCII)


class XmlParams(PartsParams):
    paths: Treats = Field(default_factory=dict)
    """Where to find what stays: elements (`/cv/person/name`), attributes (`/cv/person/@id`) or an element's
    own text (`/cv/person/text()`), and the treatment of each. `{kind: keep}` on an element keeps all inside.
    Names are matched whatever their prefix."""
    namespaces: dict[str, str] = Field(default_factory=dict)
    """Declared on the new root element: the prefixes that paths and kept elements use, and "" for the default
    namespace."""

    @model_validator(mode="after")
    def _sound(self) -> XmlParams:
        for path, treat in self.paths.items():
            if not _PATH.fullmatch(path):
                raise ValueError(f"path {path}: write /root/element/element, at the end perhaps /@attribute")
            if "kind" not in treat:
                raise ValueError(f"path {path}: a treatment needs a kind")
            for prefix in re.findall(r"([\w.-]+):", path):
                if prefix not in self.namespaces:
                    raise ValueError(f"path {path}: declare the prefix {prefix} under namespaces")
        for one, other in permutations(self.paths, 2):
            if _steps(other, self.paths[other])[: len(_steps(one, self.paths[one]))] == _steps(
                one, self.paths[one]
            ):
                raise ValueError(f"path {one}: another path lies below it")
        return self


_TEXT = "text()"


def _steps(path: str, treat: dict[str, Any]) -> tuple[str, ...]:
    """The names on the way; treating an element is treating its text."""
    steps = tuple(path[1:].split("/"))
    whole = treat["kind"] == "keep" or steps[-1] == _TEXT or steps[-1].startswith("@")
    return steps if whole else (*steps, _TEXT)


class Xml(Transformer):
    """Builds a document anew from the listed elements and attributes, kept or treated; the rest is erased.

    Elements stay in their order among those of the same path, and paths come out in the order of the policy.
    An element that was to be treated but holds elements comes out empty. Comments and processing instructions
    survive inside kept elements only. A document with a DOCTYPE or without a listed element becomes
    `<empty/>`.
    """

    kind = "xml"
    family = "suppression"
    params = XmlParams
    accepts = frozenset({"xml"})
    may_equal = True

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: XmlParams) -> str:
        count = len(params.paths)
        return f"XML: {count} paths kept or treated, the rest erased" if count else "XML erased"

    def problems(self, column: Column, params: XmlParams) -> Iterator[str]:
        return bijections(params.paths, "path")

    def expression(
        self, column: Column, params: XmlParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        tree: _Tree = as_trees((_steps(path, treat), treat) for path, treat in params.paths.items())
        if not tree:
            return cast(exp.Literal.string(_EMPTY), "xml")
        document = _Node(exp.column("v", table="x0"), scope)
        return fragment(
            """(SELECT coalesce(nullif(:result, ''), :empty)::xml
                FROM (SELECT CASE WHEN xml_is_well_formed_content(t) AND xml_is_well_formed_document(t)
                                       AND strpos(:v::text, :colon) = 0 THEN t::xml END AS v
                      FROM (SELECT :document AS t OFFSET 0) AS d OFFSET 0) AS x0)""",
            result=_decoded(_concat([_element(*entry, document, params) for entry in tree.items()])),
            empty=_EMPTY,
            v=value,
            colon=_COLON,
            document=fragment(_DOCUMENT, v=value, colon=_COLON, xmlns=_XMLNS),
        )


_COLON, _XMLNS = "_.-._", "xm_.-._lns"
"""What stands for a colon, and for `xmlns`, while a document is worked on. XPath fails on namespaces that are
not declared or declared wrongly, however well-formed the document; so it gets to see none."""
_DOCUMENT = """
concat('<x>', replace(replace(regexp_replace(:v::text, '^[[:space:]]*<[?]xml[[:space:]][^>]*>', ''),
                              ':', :colon), 'xmlns', :xmlns), '</x>')
"""


def _decoded(text: exp.Expression) -> exp.Expression:
    template = "replace(replace(:t, :xmlns, 'xmlns'), :colon, ':')"
    return fragment(template, t=text, xmlns=_XMLNS, colon=_COLON)


_EMPTY = "<empty/>"
_Tree = dict[str, Any]
"""Trees of the names below an element, or a treatment."""


@dataclass(frozen=True)
class _Node:
    """A document, or an element of it as a document of its own, as SQL."""

    value: exp.Expression
    scope: Scope
    depth: int = 0

    @property
    def child(self) -> _Node:
        return _Node(exp.column("v", table=f"x{self.depth + 1}"), self.scope, self.depth + 1)


def _concat(parts: list[exp.Expression]) -> exp.Expression:
    return exp.Anonymous(this="concat", expressions=parts)


def _element(name: str, tree: _Tree, above: _Node, params: XmlParams) -> exp.Expression:
    """All elements of that name right below, as text; NULL when there are none."""
    child = above.child
    kept = tree.get("kind") == "keep"
    result = fragment(":v::text", v=child.value) if kept else _rebuilt(name, tree, child, params)
    path = f"/*/*{_named(name)}"
    return fragment(
        f"(SELECT string_agg(:result, '') FROM unnest(xpath(:path, :v)) AS x{child.depth}(v))",
        result=result,
        path=path,
        v=above.value,
    )


def _rebuilt(name: str, tree: _Tree, node: _Node, params: XmlParams) -> exp.Expression:
    declared = "" if node.depth > 1 else "".join(map(_declaration, params.namespaces.items()))
    inside = {key: below for key, below in tree.items() if not key.startswith("@")}
    parts = [
        exp.Literal.string(f"<{name}{declared}"),
        *(_attribute(key[1:], tree[key], node) for key in tree if key.startswith("@")),
        exp.Literal.string(">"),
        *(
            _text(below, node) if key == _TEXT else _element(key, below, node, params)
            for key, below in inside.items()
        ),
        exp.Literal.string(f"</{name}>"),
    ]
    return _concat(parts)


def _declaration(namespace: tuple[str, str]) -> str:
    prefix, uri = namespace
    escaped = uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f' xmlns{":" if prefix else ""}{prefix}="{escaped}"'


def _attribute(name: str, treat: dict[str, Any], node: _Node) -> exp.Expression:
    path = f"/*/@*{_named(name)}"
    found = fragment("(xpath(:path, :v))[1]::text", path=path, v=node.value)
    return fragment(
        """(:open || replace(:text, '"', '&quot;') || '"')""",
        open=f' {name}="',
        text=_treated(treat, found, node.scope),
    )


def _text(treat: dict[str, Any], node: _Node) -> exp.Expression:
    found = fragment("(xpath('string(/*[not(*)])', :v))[1]::text", v=node.value)
    return _treated(treat, found, node.scope)


def _treated(treat: dict[str, Any], found: exp.Expression, scope: Scope) -> exp.Expression:
    """Treatments see text as it reads; it comes out of XPath encoded, and with its markup escaped."""
    if treat["kind"] == "keep":
        return found
    read = "replace(replace(replace(replace(:t, '&lt;', '<'), '&gt;', '>'), '&#x0d;', chr(13)), '&amp;', '&')"
    written = "replace(replace(replace(:t::text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
    return fragment(written, t=scope.nested(treat, _LEAF, _decoded(fragment(read, t=found))))


def _named(name: str) -> str:
    local = name.rpartition(":")[2]
    return f'[name()="{local}" or substring-after(name(), "{_COLON}")="{local}"]'
