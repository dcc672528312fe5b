"""The page of a run: valid, self-contained, readable without colour, honest about what happened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest

from sanitizers.audit import build_record, render_page
from sanitizers.policy.document import load_profile
from sanitizers.results import ApproveResult, Residue, Surface, ValidateResult
from tests import sample_runs
from tests.sample_runs import CANARY, GENERATION, PREVIOUS, Sample

OUTCOMES = (sample_runs.released, sample_runs.rehearsed, sample_runs.refused, sample_runs.failed)
Outcome = Callable[[], Sample]
VOID = {"meta", "br", "col", "wbr", "img", "input", "link", "hr"}
outcomes = pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.__name__)


def page_of(outcome: Outcome) -> str:
    return render_page(build_record(*outcome()))


class Page(HTMLParser):
    """Elements and text of a page; whatever is opened must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> twice"
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())

    def all(self, *tags: str) -> Iterator[dict[str, str]]:
        return (attributes for tag, attributes in self.elements if tag in tags)


@outcomes
def test_is_well_formed_and_every_link_leads_somewhere(outcome: Outcome) -> None:
    page = Page(page_of(outcome))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [attributes["href"] for attributes in page.all("a")]
    assert all(target.startswith("#") for target in targets)
    assert {target[1:] for target in targets} <= set(ids)
    labels = [
        attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes
    ]
    assert set(labels) <= set(ids)


@outcomes
def test_needs_nothing_from_anywhere_and_runs_nothing(outcome: Outcome) -> None:
    text = page_of(outcome)
    page = Page(text)
    assert not list(page.all("script", "link", "img", "iframe", "object", "embed", "form", "base"))
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", text)
    policy = next(m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


@outcomes
def test_holds_no_data_value(outcome: Outcome) -> None:
    assert CANARY not in page_of(outcome)


@outcomes
def test_never_claims_too_much(outcome: Outcome) -> None:
    words = Page(page_of(outcome)).words.lower()
    assert not re.search(r"anonymi[sz]|de-?identified|hipaa[- ]compliant", words)
    assert "remains protected health information (phi)" in words


@outcomes
def test_every_required_category_appears(outcome: Outcome) -> None:
    page = Page(page_of(outcome))
    ids = {attributes.get("id") for attributes in page.all("tr")}
    for name, rule in load_profile("hipaa-lds").categories.items():
        assert f"category-{name}" in ids
        assert rule.title in page.words


@outcomes
def test_tables_are_named_and_headed(outcome: Outcome) -> None:
    text = page_of(outcome)
    page = Page(text)
    tables = list(page.all("table"))
    assert len(re.findall(r"<table[^>]*>\s*<caption", text)) == len(tables)
    assert all(attributes.get("scope") in {"col", "row"} for attributes in page.all("th"))
    assert len(list(page.all("main"))) == len(list(page.all("h1"))) == 1
    assert [attributes["aria-label"] for attributes in page.all("nav")] == ["Contents"]


def test_released_says_what_it_is_and_what_serves() -> None:
    words = Page(page_of(sample_runs.released)).words
    assert "Released, with exceptions" in words
    assert f"Staging serves {GENERATION}" in words
    assert "psql service=clinic_staging" in words
    assert "kept" in words
    assert "the front desk's published number" in words


def test_a_rehearsal_never_looks_like_a_release() -> None:
    words = Page(page_of(sample_runs.rehearsed)).words
    assert "Rehearsed, not released" in words
    assert f"The endpoint still serves {PREVIOUS}. Clients never saw this generation." in words
    assert "Staging serves" not in words
    assert "were treated as listed" not in words


def test_refused_shows_every_problem_what_to_do_and_what_still_serves() -> None:
    words = Page(page_of(sample_runs.refused)).words
    assert "Refused at plan" in words
    assert "3 problems" in words
    for column in ("nickname", "employer", "twitter"):
        assert f"no rule covers column public.patients.{column} (text)" in words
    assert "Correct the policy and try again." in words
    assert f"The endpoint still serves {PREVIOUS}. Clients never saw this generation." in words
    assert "were treated as listed" not in words


def test_failed_says_where_and_that_the_clone_may_hold_originals() -> None:
    words = Page(page_of(sample_runs.failed)).words
    assert "Failed at scrub" in words
    assert "may hold production’s rows unscrubbed" in words
    assert "This run did not complete the validate stage." in words


def test_a_value_left_in_a_column_is_marked() -> None:
    record = build_record(*sample_runs.released())
    next(column for column in record["columns"] if column["column"] == "email")["unchanged"] = 12
    assert len(re.findall(r'<tr role="row" class="attention">', render_page(record))) == 1


def test_a_refused_approval_says_who_refused_and_why() -> None:
    facts, policy, found = sample_runs.released()
    refusal = ApproveResult(True, False, "Kim Novak", "not before the audit", sample_runs.STARTED)
    page = render_page(build_record(facts, policy, {**found, ApproveResult: refusal}))
    assert "Refused by Kim Novak" in page
    assert "not before the audit" in page


def test_text_of_others_is_escaped() -> None:
    record = build_record(*sample_runs.refused())
    record["error"]["problems"][0]["what"] = "<script>alert(1)</script>"
    record["columns"][0]["column"] = "a_<b>&"
    page = Page(render_page(record))
    assert not list(page.all("script", "b"))
    assert "a_<b>&" in page.words


@pytest.mark.parametrize(
    ("serving", "said"),
    [("", "No generation is known to be served."), (GENERATION, "the switch was made before the run ended")],
)
def test_says_what_serves_when_it_is_not_the_previous_one(serving: str, said: str) -> None:
    record = {**build_record(*sample_runs.failed()), "serving": serving}
    assert said in Page(render_page(record)).words


def test_bars_lie_one_after_the_other() -> None:
    page = Page(page_of(sample_runs.released))
    bars = [
        (int(bar["x"]), int(bar["width"])) for bar in page.all("rect") if "x" in bar and "class" not in bar
    ]
    assert len(bars) == 10
    assert bars == sorted(bars)
    assert max(x + width for x, width in bars) <= 1002


def test_windows_are_drawn_and_their_end_is_told() -> None:
    page = Page(page_of(sample_runs.released))
    assert "Attentionint8 headroom of public.patients.id ends in about 40 nights" in page.words
    [drawn] = [svg for svg in page.all("svg") if svg.get("class") == "range"]
    assert "; 1 earlier window" in drawn["aria-label"]


def test_colours_contrast_in_light_and_dark() -> None:
    """WCAG 2 AA: 4.5 to 1 for text, on the page and on the washes behind verdicts."""
    style = page_of(sample_runs.released).partition("<style>")[2].partition("</style>")[0]
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block))
        for block in re.findall(r":root \{([^}]*)\}", style)
    )
    for colours in (light, dark):
        plain = product(("ink", "soft", "accent", "good", "bad", "warn"), ("paper",))
        washed = product(("ink", "soft", "accent", "good", "bad"), ("good-wash", "bad-wash"))
        for front, back in [*plain, *washed]:
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_search_for_originals_says_what_it_proves() -> None:
    words = Page(page_of(sample_runs.released)).words
    assert "No original was found" in words
    assert "340 originals from 2 columns" in words
    assert "public.patients.email 300 95 %" in words
    assert "public.claims.desk_phone: 2." in words
    assert "public.patients.ssn 300 of 300 too short to be told from chance" in words


def searched(**changes: Any) -> str:
    """The words of a released night's page whose search came out otherwise."""
    facts, policy, results = sample_runs.released()
    validated: ValidateResult = results[ValidateResult]
    assert validated.forensics is not None
    changed = replace(validated, forensics=replace(validated.forensics, **changes))
    return Page(render_page(build_record(facts, policy, {**results, ValidateResult: changed}))).words


def test_what_was_found_is_named_by_place_and_column() -> None:
    words = searched(residue=(Residue("files", "index public.key", "public.patients.email", "base64", 7),))
    assert "Originals were found" in words
    assert "index public.key public.patients.email base64 7" in words
    assert "found in 1 place" in words


def test_a_clone_in_anothers_server_says_that_its_files_were_not_searched() -> None:
    assert "files were not searched" in searched(surfaces=(Surface("rows", 1000, 0.1),))


def test_a_record_of_an_earlier_version_still_makes_a_page() -> None:
    record = build_record(*sample_runs.released())
    del record["forensics"]
    assert "Search for originals" in Page(render_page(record)).words
