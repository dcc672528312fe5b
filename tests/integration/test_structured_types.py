"""Types that only a complete installation has: citext, hstore, xml; on the host's own PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.errors import FeatureNotSupported

from sanitizers.policy.compile import treatment
from sanitizers.postgres.binaries import all_binaries
from sanitizers.postgres.cluster import create_cluster
from sanitizers.transformers import TRANSFORMERS
from tests.conftest import passable_folder, unavailable
from tests.scrubbing import OTHER_KEY, policy, scrubbed, shared_session, treat

KEEP, PSEUDONYM = {"kind": "keep"}, {"kind": "pseudonym"}
CV = '<cv id="7"><name lang="en">Ada &lt;L&gt;</name><skills><s>x</s><!--c--></skills><secret>1</secret></cv>'
DOCUMENTS = [
    CV, "", "abc<cv/>", "<cv><name>Ada</name></cv><cv><name>Bob</name></cv>", "  <cv/>",
    "<cv><?php echo ?></cv>",
    '<?xml version="1.0" encoding="ISO-8859-1"?><cv><name>é</name></cv>',
    '<?xml version="1.0" encoding="UTF-16"?><cv><name>é</name></cv>',
    '<?xml version="1.0"?>\n<?xml-stylesheet href="a"?>\n<cv/>',
    '<!DOCTYPE a [<!ENTITY x "boo">]><cv><name>&x;</name></cv>', '<!DOCTYPE a SYSTEM "no.dtd"><cv>&x;</cv>',
    "<cv><name><![CDATA[<x>&]]></name></cv>", "<cv><name><b>deep</b></name></cv>",
    '<cv id="a&quot;b&#10;c"><name/><name>x</name><name>&#13;</name></cv>',
    # Namespaces declared, undeclared and malformed: XPath would fail on most of them.
    '<cv xmlns="urn:d" xmlns:z="urn:z"><z:name z:lang="q">n</z:name><skills z:a="1"/></cv>',
    '<z:cv z:id="1"><z:name/></z:cv>', '<cv xmlns:z=""><z:name>x</z:name></cv>', '<cv xmlns="relative/uri"/>',
    "<a:b:cv/>", '<cv a:b:c="1"/>', '<cv :b="1"/>', '<cv a:="1"/>', "<:cv/>", "<cv:/>", "<xmlns:cv/>",
    "<é:cv/>",
    '<cv xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="de"/>', '<cv xmlns:p="%%%"/>',
    '<cv x:q="1" y:q="2" xmlns:x="u" xmlns:y="u"/>', '<cv xmlns="http://www.w3.org/2000/xmlns/"/>',
    'note: a:b="1" 5:c="x" <cv/>', "<cv>_.-._</cv>", "<cv>" + "<a>" * 255 + "</a>" * 255 + "</cv>",
]  # fmt: skip
"""All of them values of type xml."""


@pytest.fixture(scope="module")
def server(default_home: Path) -> Iterator[Connection[Any]]:
    whole = [found for found in all_binaries() if not found.lacks(["citext", "hstore"])]
    if not whole:
        unavailable("no PostgreSQL with its contrib modules on this machine")
    with passable_folder() as folder:
        cluster = create_cluster(folder / "host", whole[0], listen="127.0.0.1", durable=False)
        with shared_session(cluster, "structured") as connection:
            connection.execute(
                "CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION citext"
            )
            yield connection


def xml(server: Connection[Any], documents: list[str], **params: Any) -> list[str]:
    try:
        return treat(server, "xml", documents, {"kind": "xml", **params})
    except FeatureNotSupported:
        unavailable("this PostgreSQL was built without XML")


class TestXml:
    def test_only_listed_elements_and_attributes_stay(self, server: Connection[Any]) -> None:
        paths = {"/cv/name": PSEUDONYM, "/cv/@id": KEEP, "/cv/name/@lang": KEEP, "/cv/skills": KEEP}
        (name,) = treat(server, "text", ["Ada <L>"], PSEUDONYM)
        escaped = name.replace("<", "&lt;").replace(">", "&gt;")
        assert xml(server, [CV], paths=paths) == [
            f'<cv id="7"><name lang="en">{escaped}</name><skills><s>x</s><!--c--></skills></cv>'
        ]

    def test_all_elements_of_a_path(self, server: Connection[Any]) -> None:
        document = "<cv><job><at>A</at><pay>1</pay></job><x/><job/><job><at>B</at><at>C</at></job></cv>"
        after = xml(server, [document], paths={"/cv/job/at": KEEP})
        assert after == ["<cv><job><at>A</at></job><job></job><job><at>B</at><at>C</at></job></cv>"]

    def test_text_without_what_is_inside(self, server: Connection[Any]) -> None:
        after = xml(server, ["<cv a='1'>Ada</cv>", "<cv>Ada<b>Bob</b></cv>"], paths={"/cv/text()": KEEP})
        assert after == ["<cv>Ada</cv>", "<cv></cv>"]

    def test_suppression_inside(self, server: Connection[Any]) -> None:
        paths = {
            "/cv/name": {"kind": "null"}, "/cv/@id": {"kind": "null"},
            "/cv/name/@lang": {"kind": "constant", "value": "<\"&'>"},
        }  # fmt: skip
        after = xml(server, [CV, "<cv><name/></cv>"], paths=paths)
        assert after == ['<cv><name lang="&lt;&quot;&amp;\'&gt;"></name></cv>', "<cv><name></name></cv>"]

    def test_namespaces(self, server: Connection[Any]) -> None:
        document = '<c:cv xmlns:c="urn:c" xmlns="urn:d"><name c:x="1">12:30</name><secret/></c:cv>'
        namespaces = {"c": "urn:c?a&b", "": "urn:d"}
        after = xml(server, [document], paths={"/c:cv/name": KEEP}, namespaces=namespaces)
        assert after == ['<c:cv xmlns:c="urn:c?a&amp;b" xmlns="urn:d"><name c:x="1">12:30</name></c:cv>']

    @pytest.mark.parametrize("paths", [
        {}, {"/cv": KEEP}, {"/cv/name": KEEP},
        {"/cv/name": PSEUDONYM, "/cv/@id": PSEUDONYM, "/cv/skills/s": KEEP},
    ])  # fmt: skip
    def test_no_document_fails(self, server: Connection[Any], paths: dict[str, Any]) -> None:
        after = xml(server, DOCUMENTS, paths=paths)
        assert len(after) == len(DOCUMENTS)
        assert all(after)
        assert "secret" not in "".join(after) or "/cv" in paths
        if not paths:
            assert set(after) == {"<empty/>"}

    def test_arrays_and_null(self, server: Connection[Any]) -> None:
        spec = {"kind": "xml", "paths": {"/a/b": KEEP}}
        values = [None, "{}", '{NULL,"<a><b>1</b><c/></a>"}']
        assert treat(server, "xml[]", values, spec) == [None, "{}", "{NULL,<a><b>1</b></a>}"]


class TestHstore:
    def test_only_listed_keys_stay(self, server: Connection[Any]) -> None:
        spec = {"kind": "hstore", "keys": {"a": PSEUDONYM, "b": PSEUDONYM, "c": PSEUDONYM, "it's": KEEP}}
        values = ['a=>Ada, b=>NULL, c=>"", "it\'s"=>"x=>y", z=>Zed', "z=>1", "", None]
        (name,) = treat(server, "text", ["Ada"], PSEUDONYM)
        assert treat(server, "ext.hstore", values, spec) == [
            f'"a"=>"{name}", "b"=>NULL, "c"=>"", "it\'s"=>"x=>y"', "", "", None,
        ]  # fmt: skip

    def test_erased(self, server: Connection[Any]) -> None:
        for kind in ("hstore", "placeholder"):
            assert treat(server, "ext.hstore", ["a=>1", None], {"kind": kind}) == ["", None]

    def test_arrays(self, server: Connection[Any]) -> None:
        spec = {"kind": "hstore", "keys": {"a": KEEP}}
        after = treat(server, "ext.hstore[]", ['{"a=>1,b=>2",NULL}'], spec)
        assert after == ['{"\\"a\\"=>\\"1\\"",NULL}']


class TestCitext:
    VALUES = ("", "Ada", "ADA", "ada@Example.com", "Straße 7", "001-2", "x" * 500, "山田 9", None)

    @pytest.mark.parametrize("spec", [
        {"kind": "constant", "value": "x"}, {"kind": "placeholder"},
        {"kind": "text"}, PSEUDONYM,
        {"kind": "known_password"}, {"kind": "choice", "values": ["a", "b"]},
        *({"kind": "unique", "format": format_} for format_ in ("digits", "ssn", "token")),
        *({"kind": "surrogate", "of": of} for of in ("full_name", "email", "phone", "street", "url")),
    ], ids=lambda spec: " ".join(map(str, spec.values())))  # fmt: skip
    def test_every_treatment_of_text(self, server: Connection[Any], spec: dict[str, Any]) -> None:
        assert "citext" in TRANSFORMERS[spec["kind"]].accepts
        before = list(self.VALUES)
        after = treat(server, "citext", before, spec)
        assert all((old is None) == (new is None) for old, new in zip(before, after, strict=True))
        # Equal to the type, whatever the case.
        assert (after[1] or "").lower() == (after[2] or "").lower()

    @pytest.mark.parametrize("format_", ["digits", "token"])
    def test_what_is_unique_stays_so_whatever_the_case(
        self, server: Connection[Any], format_: str, tmp_path: Path
    ) -> None:
        server.execute("DROP TABLE IF EXISTS t, child, person")
        server.execute("CREATE TABLE person (login citext PRIMARY KEY)")
        server.execute("CREATE TABLE child (login citext REFERENCES person)")
        server.execute(
            "INSERT INTO person SELECT chr(65 + n % 26) || chr(97 + n / 26) FROM generate_series(1, 600) n"
        )
        server.execute("INSERT INTO child SELECT lower(login::text) FROM person")
        rule = f"{{category: account_number, treat: {{kind: unique, format: {format_}}}}}"
        tables = "".join(f"  public.{name}: {{columns: {{login: {rule}}}}}\n" for name in ("person", "child"))
        before = server.execute("SELECT login::text FROM person").fetchall()
        scrubbed(server, policy(tmp_path, tables), OTHER_KEY)
        linked = server.execute("SELECT count(*), count(DISTINCT login) FROM person JOIN child USING (login)")
        assert linked.fetchone() == (600, 600)
        after = server.execute("SELECT login::text FROM person").fetchall()
        assert not set(before) & set(after)


def test_types_of_an_extension_are_named_with_their_schema(server: Connection[Any]) -> None:
    found = treatment({"kind": "hstore", "keys": {"a": KEEP}}, "json")
    assert treat(server, "ext.hstore", ["a=>1"], {"kind": "hstore", "keys": {"a": KEEP}}) == ['"a"=>"1"']
    assert found.transformer.accepts == {"hstore"}
