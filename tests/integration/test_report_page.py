"""The report stage on a real control database, and its page in a real browser."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from sanitizers.audit import build_record, render_page
from sanitizers.control import Control, NewRun
from sanitizers.endpoints.base import Destination
from sanitizers.errors import EndpointFailed, PlanRefused
from sanitizers.keys import RunKey
from sanitizers.settings import Target
from sanitizers.stages import report
from sanitizers.stages.base import Options, Run
from tests import sample_runs
from tests.conftest import unavailable
from tests.sample_runs import GENERATION, PREVIOUS, STARTED

OUTCOMES = (sample_runs.released, sample_runs.rehearsed, sample_runs.refused, sample_runs.failed)
ENDED = STARTED + timedelta(seconds=40)


class Fixed:
    """An endpoint that points where it is told."""

    def __init__(self, generation: str) -> None:
        self.generation = generation

    def current(self) -> Destination | None:
        if not self.generation:
            raise EndpointFailed("the endpoint does not answer")
        return Destination(self.generation, "127.0.0.1", 5432, "clinic", "staging")


def night(dsn: str, home: Path, sample: sample_runs.Sample, serving: str) -> Run:
    """A run as the pipeline has it when the report is due."""
    facts, policy, results = sample
    control = Control(dsn)
    control.prepare()
    run_id = control.start_run(
        NewRun("clinic", "schedule", policy.digest, policy.text, "staging-1", 1), STARTED
    )
    if facts.error is not None:
        control.stage_started(run_id, facts.stage, STARTED)
        control.stage_failed(run_id, facts.stage, ENDED, dict(facts.error))
    unused: Any = None
    return Run(
        run_id,
        GENERATION,
        "clinic",
        cast(Target, unused),
        policy,
        home,
        control,
        unused,
        cast(Any, Fixed(serving)),
        RunKey(bytes(32)),
        STARTED,
        lambda: ENDED,
        unused,
        options=Options(trigger="schedule"),
        results=results,
    )


def test_writes_record_and_page_for_their_owner_alone(postgres_database: str, tmp_path: Path) -> None:
    run = night(postgres_database, tmp_path / "home", sample_runs.released(), GENERATION)
    result = report.run(run, status="released", error=None, timings={"snapshot": 3.1})
    record, page = Path(result.record), Path(result.page)
    assert (record.name, page.name) == (f"{GENERATION}.json", f"{GENERATION}.html")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (record.parent, record, page)] == [
        0o700,
        0o600,
        0o600,
    ]
    assert hashlib.sha256(record.read_bytes()).hexdigest() == result.digest
    assert result.digest in page.read_text(encoding="utf-8")
    assert run.control.report(run.id).digest == result.digest
    content = json.loads(record.read_bytes())
    assert (content["status"], content["serving"], content["runner"]["trigger"]) == (
        "released",
        GENERATION,
        "schedule",
    )


def test_a_refused_run_names_the_stage_and_what_still_serves(postgres_database: str, tmp_path: Path) -> None:
    run = night(postgres_database, tmp_path, sample_runs.refused(), PREVIOUS)
    error = PlanRefused("the policy does not fit").to_json()
    result = report.run(run, status="refused", error=error, timings={})
    content = json.loads(Path(result.record).read_bytes())
    assert (content["error"]["stage"], content["serving"]) == ("plan", PREVIOUS)


def test_an_endpoint_that_does_not_answer_costs_no_evidence(postgres_database: str, tmp_path: Path) -> None:
    run = night(postgres_database, tmp_path, sample_runs.failed(), "")
    error = EndpointFailed("the endpoint does not answer").to_json()
    result = report.run(run, status="failed", error=error, timings={})
    assert json.loads(Path(result.record).read_bytes())["serving"] == ""


def test_may_run_again_and_leaves_no_scraps(postgres_database: str, tmp_path: Path) -> None:
    run = night(postgres_database, tmp_path, sample_runs.released(), GENERATION)
    first = report.run(run, status="released", error=None, timings={})
    later = replace(run, clock=lambda: ENDED + timedelta(minutes=1))
    second = report.run(later, status="released", error=None, timings={})
    assert (first.record, first.page) == (second.record, second.page)
    assert first.digest != second.digest == run.control.report(run.id).digest
    assert sorted(path.suffix for path in Path(second.record).parent.iterdir()) == [".html", ".json"]


@pytest.fixture
def browse() -> Iterator[Callable[..., str]]:
    """Runs Chromium without a window on a file; returns what it prints."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        unavailable("looking at the page takes a Chromium, which is not installed")
    with tempfile.TemporaryDirectory() as profile:
        options = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
        )

        def run(file: Path, *more: str) -> str:
            command = [str(program), *options, *more, file.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
            return done.stdout

        yield run


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.__name__)
def test_nothing_sticks_out_on_desktop_and_phone(
    outcome: Callable[[], sample_runs.Sample], browse: Callable[..., str], tmp_path: Path
) -> None:
    """The page stands in frames of both widths, and the document around them asks how wide it wants to be."""
    page = html.escape(render_page(build_record(*outcome())))
    frames = "".join(
        f'<iframe width="{width}" height="800" srcdoc="{page}"></iframe>' for width in (1280, 390)
    )
    around = tmp_path / "around.html"
    around.write_text(
        f"<!DOCTYPE html><meta charset='utf-8'><p id='widths'></p>{frames}{_MEASURE}", encoding="utf-8"
    )
    found = re.search(
        r'<p id="widths">([^<]+)</p>', browse(around, "--dump-dom", "--virtual-time-budget=10000")
    )
    assert found is not None
    for wanted, given in (pair.split("/") for pair in found[1].split()):
        assert int(wanted) <= int(given)


_MEASURE = """<script>
onload = () => {
  const roots = [...document.querySelectorAll("iframe")].map(frame => frame.contentDocument.documentElement);
  document.getElementById("widths").textContent =
    roots.map(root => root.scrollWidth + "/" + root.clientWidth).join(" ");
};
</script>"""


def test_prints_on_paper(browse: Callable[..., str], tmp_path: Path) -> None:
    page, paper = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(render_page(build_record(*sample_runs.released())), encoding="utf-8")
    browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 4
