"""Redaction: the row's own names, numbers and dates leave its texts, and what looks like an identifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from sanitizers.policy.compile import heap_select, treatment
from sanitizers.postgres.cluster import Cluster
from tests.scrubbing import run, shared_session, table, treat

OWN = ["first", "last", "born", "mrn", "phone"]


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "redaction") as connection:
        connection.execute(
            "CREATE TABLE r (id int, first text, last varchar(40), born date, mrn text, phone text, v text)"
        )
        yield connection


def redacted(server: Connection[Any], text: str, style: str = "ISO, MDY", **person: str | None) -> str:
    known = {"first": "Ada", "last": "King-Noël", "born": "1970-05-07", "mrn": "MRN-00012345", "phone": None}
    values = [(known | person)[name] for name in OWN]
    server.execute("TRUNCATE r")
    server.execute("INSERT INTO r VALUES (1, %s, %s, %s, %s, %s, %s)", [*values, text])
    server.execute(f"SET DateStyle = '{style}'".encode())
    rows = table(server, "public.r")
    found = treatment({"kind": "redact", "columns": OWN, "patterns": []}, "free_text")
    (row,) = run(server, heap_select(rows, (rows.by_name["v"],), {"v": found}, None))
    return str(row[0])


class TestNames:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Ada came.", "[NAME] came."),
            ("ADA KING-NOËL, King; ada's", "[NAME]; [NAME]'s"),
            ("Noël, Ada", "[NAME]"),
            ("Ada M. Noël and Ada-King", "[NAME] and [NAME]"),
            ("Ada\n  King", "[NAME]"),
            ("Adam, Canada, Noëlla, Kings, xAda, Ada1", "Adam, Canada, Noëlla, Kings, xAda, Ada1"),
            ("(Ada)", "([NAME])"),
            ("nobody", "nobody"),
        ],
    )
    def test_alone_together_and_reversed(self, server: Connection[Any], text: str, expected: str) -> None:
        assert redacted(server, text) == expected

    @pytest.mark.parametrize("name", [None, "", " ", "-", "'", "A", "A. B.", "J.", "||", "%", "_"])
    def test_that_say_nothing_take_nothing(self, server: Connection[Any], name: str | None) -> None:
        text = "A text: b | c % _ \\ ' [x] (y) A."
        assert redacted(server, text, first=name, last=name) == text

    @pytest.mark.parametrize(
        "name",
        ["a(b", "x[", "Bob)", "c\\d", "e*f", "g+h", "^i$j", "k|l", "m{2}", "n?o", "***=Ada", "(?i)", "\\y"],
    )
    def test_are_no_regular_expressions(self, server: Connection[Any], name: str) -> None:
        assert redacted(server, "a text, (b) [c]", first=name) == "a text, (b) [c]"

    def test_with_apostrophes(self, server: Connection[Any]) -> None:
        assert redacted(server, "O'Brien, O’Brien and Brien", last="O'Brien") == "[NAME] and [NAME]"

    def test_in_other_scripts(self, server: Connection[Any]) -> None:
        assert redacted(server, "患者 山田 太郎 です", first="太郎", last="山田") == "患者 [NAME] です"


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("MRN-00012345", "[ID]"),
            ("mrn 0001 2345 here", "[ID] here"),
            ("no. 00012345.", "no. [ID]."),
            ("900012345 and 000123456", "900012345 and 000123456"),
            ("call (212)867.0123 or 2128670123", "call ([ID] or [ID]"),
        ],
    )
    def test_punctuated_anyhow(self, server: Connection[Any], text: str, expected: str) -> None:
        assert redacted(server, text, phone="212-867-0123") == expected

    def test_short_ones_stay(self, server: Connection[Any]) -> None:
        assert redacted(server, "room 12, 3 doses of A1", mrn="12", phone="A1") == "room 12, 3 doses of A1"


class TestDates:
    @pytest.mark.parametrize("style", ["ISO, MDY", "SQL, DMY", "German"])
    @pytest.mark.parametrize(
        "text",
        [
            "1970-05-07", "1970-05-07T10:00", "19700507", "1970/5/7", "05/07/1970", "5/7/70", "07.05.1970",
            "May 7, 1970", "MAY 7", "7 May 1970", "7th of May", "May 7th",
        ],
    )  # fmt: skip
    def test_in_many_spellings(self, server: Connection[Any], text: str, style: str) -> None:
        assert redacted(server, f"born {text}.", style).startswith("born [DATE]")

    @pytest.mark.parametrize("text", ["1970-05-08", "May 8, 1970", "17 May 1970", "1970", "12/5/7001"])
    def test_others_stay(self, server: Connection[Any], text: str) -> None:
        assert redacted(server, text) == text

    @pytest.mark.parametrize("born", ["infinity", "0044-03-15 BC", "12001-01-01", None])
    def test_that_have_no_usual_spelling(self, server: Connection[Any], born: str | None) -> None:
        assert redacted(server, "a text of 15 words", born=born) == "a text of 15 words"


class TestPatterns:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("see https://x.example/a?b=1 or www.x.example", "see [URL] or [URL]"),
            ("to ada.king+x@mail.example.com, Bob", "to [EMAIL], Bob"),
            ("from 192.0.2.1. and 2001:db8::1 or 00:1b:63:84:45:e6", "from [IP]. and [IP] or [IP]"),
            ("SSN 123-45-6789", "SSN [SSN]"),
            ("MRN: 12345, acct no. A-9981", "[MRN], [MRN]"),
            ("(212) 867-0123, +1 212.867.0123 x12, 867-0123", "[PHONE], [PHONE], [PHONE]"),
            ("3/4/2020, 2020-03-04, Feb. 2, 2019, 2nd of March, May 2020", ", ".join(["[DATE]"] * 5)),
            ("no 123456 or 12 34 56 78", "no [NUMBER] or [NUMBER]"),
            (
                "BP 120/80 at 12:30, 2.5 mg, 98.6 F, 1,000,000",
                "BP 120/80 at 12:30, 2.5 mg, 98.6 F, 1,000,000",
            ),
            ("", ""),
            (None, None),
        ],
    )
    def test_leave_marks(self, server: Connection[Any], text: str | None, expected: str | None) -> None:
        assert treat(server, "text", [text], {"kind": "redact"}) == [expected]

    def test_one_at_a_time(self, server: Connection[Any]) -> None:
        spec = {"kind": "redact", "patterns": ["email"]}
        assert treat(server, "text", ["a@b.example 123-45-6789"], spec) == ["[EMAIL] 123-45-6789"]


def test_a_mark_that_does_not_fit_is_cut(server: Connection[Any]) -> None:
    assert treat(server, "varchar(8)", ["a@b.io"], {"kind": "redact"}) == ["[EMAIL]"]
    assert treat(server, "varchar(6)", ["a@b.io"], {"kind": "redact"}) == ["[EMAIL"]


def test_inside_arrays_and_documents(server: Connection[Any]) -> None:
    assert treat(server, "text[]", ["{a@b.example,x}"], {"kind": "redact"}) == ["{[EMAIL],x}"]
    spec = {"kind": "json", "paths": {"note": {"kind": "redact"}}}
    assert treat(server, "jsonb", ['{"note": "a@b.example"}'], spec) == ['{"note": "[EMAIL]"}']


def test_nothing_to_remove_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing to remove"):
        treatment({"kind": "redact", "patterns": []}, "free_text")
