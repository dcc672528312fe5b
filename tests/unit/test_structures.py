"""Treatments of structured values: what they ask of a policy, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sanitizers.catalog import Column
from sanitizers.errors import PlanRefused
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.compile import treatment
from tests.catalogs import catalog, table
from tests.scrubbing import policy

KEEP = {"kind": "keep"}
MOOD = Column("v", 1, "mood", "enum", "E", labels=("low", "high"))
PAIR = Column(
    "v", 1, "pair", "composite", "C",
    fields=(Column("x", 1, "integer", "int4"), Column("y", 2, "code", "text", not_null=True)),
)  # fmt: skip


def problems(spec: dict[str, Any], column: Column) -> list[str]:
    found = treatment(spec, "email")
    return list(found.transformer.problems(column, found.params))


class TestJsonPaths:
    @pytest.mark.parametrize(
        "path",
        ["", ".", "a..b", ".a", "a.", "a.[].b", '"a', '"a"b', '""', 'a."b', "[].[]"],
    )
    def test_what_is_no_path(self, path: str) -> None:
        with pytest.raises(ValidationError, match="single dots"):
            treatment({"kind": "json", "paths": {path: KEEP}}, "json")

    @pytest.mark.parametrize(
        "paths",
        [("a", "a.b"), ("a", "a[]"), ("a[]", "a[].b"), ('"a"', "a"), ("[]", "[].a"), ("a[][]", "a[]")],
    )
    def test_paths_below_paths(self, paths: tuple[str, str]) -> None:
        with pytest.raises(ValidationError, match="another path lies below it"):
            treatment({"kind": "json", "paths": dict.fromkeys(paths, KEEP)}, "json")

    def test_neighbours(self) -> None:
        treatment(
            {"kind": "json", "paths": dict.fromkeys(("a[].b", "a.b", "ab", '"a.b"', "b[]"), KEEP)}, "json"
        )


class TestXmlPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/",
            "cv",
            "//cv",
            "/cv/",
            "/cv//name",
            "/cv[1]",
            "/cv/@a/b",
            "/cv/text()/b",
            "/@a",
            '/c"v',
            "/1",
        ],
    )
    def test_what_is_no_path(self, path: str) -> None:
        with pytest.raises(ValidationError, match="write /root"):
            treatment({"kind": "xml", "paths": {path: KEEP}}, "xml")

    def test_paths_below_paths(self) -> None:
        for below in ("/cv/name", "/cv/@id", "/cv/text()"):
            with pytest.raises(ValidationError, match="another path lies below it"):
                treatment({"kind": "xml", "paths": {"/cv": KEEP, below: KEEP}}, "xml")
        with pytest.raises(ValidationError, match="another path lies below it"):
            treatment({"kind": "xml", "paths": {"/cv": {"kind": "null"}, "/cv/text()": KEEP}}, "xml")
        treatment(
            {"kind": "xml", "paths": {"/cv": {"kind": "null"}, "/cv/name": KEEP, "/cv/@id": KEEP}}, "xml"
        )

    def test_prefixes_are_declared(self) -> None:
        paths = {"/x:cv": KEEP}
        with pytest.raises(ValidationError, match="declare the prefix x"):
            treatment({"kind": "xml", "paths": paths}, "xml")
        treatment({"kind": "xml", "paths": paths, "namespaces": {"x": "urn:x"}}, "xml")


@pytest.mark.parametrize("spec", [{"kind": "json", "paths": {"a": {}}}, {"kind": "hstore", "keys": {"a": {}}},
                                  {"kind": "xml", "paths": {"/a": {}}}])  # fmt: skip
def test_parts_need_a_kind(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="needs a kind"):
        treatment(spec, "json")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"kind": "json", "paths": {"a": {"kind": "unique"}}}, ["path a cannot hold a bijection"]),
        ({"kind": "json", "paths": {"a": {"kind": "unique", "format": "token"}}}, []),
        ({"kind": "hstore", "keys": {"a": {"kind": "unique"}}}, ["key a cannot hold a bijection"]),
        ({"kind": "xml", "paths": {"/a": {"kind": "unique"}}}, ["path /a cannot hold a bijection"]),
    ],
)
def test_bijections_are_for_columns(spec: dict[str, Any], said: list[str]) -> None:
    assert problems(spec, Column("v", 1, "jsonb", "jsonb")) == said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"y": KEEP}, []),
        ({}, ["field y of pair cannot be NULL: give it a treatment"]),
        ({"y": {"kind": "null"}}, ["field y of pair cannot be NULL: give it a treatment"]),
        ({"y": KEEP, "z": KEEP}, ["pair has no field z"]),
        ({"y": {"kind": "unique"}}, ["field y cannot hold a bijection"]),
    ],
)
def test_fields_of_a_composite_type(fields: dict[str, Any], said: list[str]) -> None:
    assert problems({"kind": "composite", "fields": fields}, PAIR) == said


@pytest.mark.parametrize(
    ("spec", "column", "said"),
    [
        ({"kind": "constant", "value": "low"}, MOOD, []),
        ({"kind": "constant", "value": "none"}, MOOD, ["the constant is no label of mood"]),
        ({"kind": "choice", "values": ["low", "none"]}, MOOD, ["none is no label of mood"]),
        ({"kind": "choice", "values": ["a", "bb"]}, Column("v", 1, "char(1)", "bpchar", max_length=1),
         ["bb is longer than char(1)"]),
        ({"kind": "choice", "values": [1, 32768, "x", True]}, Column("v", 1, "smallint", "int2"),
         ["32768 is no smallint", "x is no smallint"]),
        ({"kind": "choice", "values": [True, "no"]}, Column("v", 1, "boolean", "bool"), ["no is no boolean"]),
    ],
)  # fmt: skip
def test_values_that_a_column_takes(spec: dict[str, Any], column: Column, said: list[str]) -> None:
    assert problems(spec, column) == said


@pytest.mark.parametrize(
    ("spec", "summary"),
    [
        ({"kind": "hstore"}, "hstore erased"), ({"kind": "xml"}, "XML erased"),
        ({"kind": "composite"}, "all fields erased"),
        ({"kind": "hstore", "keys": {"a": KEEP}}, "hstore: 1 keys kept or treated, the rest erased"),
        ({"kind": "xml", "paths": {"/a": KEEP}}, "XML: 1 paths kept or treated, the rest erased"),
        ({"kind": "composite", "fields": {"a": KEEP}}, "1 fields kept or treated, the rest erased"),
        ({"kind": "choice", "values": [1, 2], "by": "id"}, "one of 2 values by id"),
        ({"kind": "known_password", "format": "argon2"}, "known staging password, argon2"),
    ],
)  # fmt: skip
def test_summaries(spec: dict[str, Any], summary: str) -> None:
    found = treatment(spec, "json")
    assert found.transformer.summary(found.params) == summary
    assert found.transformer.uniqueness(found.params) in ("lossy", "not_guaranteed")


class TestPartsInPolicies:
    def said(self, folder: Path, column: Column, treat: str) -> list[str]:
        rule = f"  public.t: {{columns: {{v: {{category: json, treat: {treat}}}}}}}\n"
        try:
            compile_plan(policy(folder, rule), catalog(table("public.t", column)))
        except PlanRefused as refused:
            return [problem.what for problem in refused.problems]
        return []

    def test_a_part_may_name_a_category(self, tmp_path: Path) -> None:
        hstore = Column("v", 1, "hstore", "hstore", "U")
        assert self.said(tmp_path, hstore, "{kind: hstore, keys: {a: email, b: keep}}") == []
        assert self.said(tmp_path, hstore, "{kind: hstore, keys: {a: no_such}}") == [
            "public.t.v key a: unknown category 'no_such'"
        ]
        assert self.said(tmp_path, PAIR, "{kind: composite, fields: {y: name.first}}") == []

    def test_a_field_is_as_particular_as_a_column(self, tmp_path: Path) -> None:
        assert self.said(tmp_path, PAIR, "{kind: composite, fields: {x: email, y: {kind: 'null'}}}") == [
            "public.t.v: field y of pair cannot be NULL: give it a treatment",
            "public.t.v: field x: surrogate does not fit the type integer",
            "public.t.v: field y: null would put NULL into a NOT NULL column: use constant or placeholder",
        ]

    def test_numbers_in_documents(self, tmp_path: Path) -> None:
        document = Column("v", 1, "jsonb", "jsonb", "U")
        assert self.said(tmp_path, document, "{kind: json, paths: {a: {kind: scale}}}") == []
        assert self.said(tmp_path, document, "{kind: json, paths: {a: {kind: date_shift}}}") == [
            "public.t.v path a: date_shift does not fit the text inside a document"
        ]
        xml = Column("v", 1, "xml", "xml", "U")
        assert self.said(tmp_path, xml, "{kind: xml, paths: {/a: {kind: scale}}}") == [
            "public.t.v path /a: scale does not fit the text inside a document"
        ]

    def test_a_search_vector_is_built_from_text(self, tmp_path: Path) -> None:
        columns = [
            Column("v", 1, "tsvector", "tsvector"),
            Column("a", 2, "text", "text"),
            Column("n", 3, "integer", "int4"),
        ]
        rest = "a: email, n: non_identifying"
        for of, said in (("a", []), ("n", ["public.t.v: tsvector: column n is integer, which does not fit"])):
            rule = f"v: {{category: free_text, treat: {{kind: tsvector, columns: [{of}]}}}}, {rest}"
            loaded = policy(tmp_path, f"  public.t: {{columns: {{{rule}}}}}\n")
            try:
                compile_plan(loaded, catalog(table("public.t", *columns)))
                found = []
            except PlanRefused as refused:
                found = [problem.what for problem in refused.problems]
            assert found == said
