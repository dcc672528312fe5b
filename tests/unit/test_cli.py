"""The command line without a database: help, errors, machine output, lint, doctor, displays of a run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from sanitizers import results
from sanitizers.catalog import Name
from sanitizers.cli import cli
from sanitizers.cli.live import LineDisplay, LiveDisplay, display
from sanitizers.cli.refresh import Approval
from sanitizers.cli.terminal import CommandLine, jsonable
from sanitizers.cli.words import describe, number, seconds, size
from sanitizers.endpoints.base import Destination
from sanitizers.errors import (
    DiskShort,
    GateFailed,
    NotFound,
    PolicyInvalid,
    Problem,
    SettingsInvalid,
    WrongState,
)
from sanitizers.postgres.statements import data_root
from sanitizers.snapshots.base import CloneRef, Snapshot
from sanitizers.stages.base import Decision
from sanitizers.transformers import TRANSFORMERS

HOSPITAL = data_root("policies") / "hospital.yaml"
COMMANDS = [
    "demo",
    "doctor",
    "init",
    "lint",
    "plan",
    "preview",
    "treatments",
    "refresh",
    "status",
    "report",
    "drift",
    "offsets",
    "forensics",
    "rollback",
    "destroy",
    "abandon",
    "start",
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test in a folder of its own, with a home of its own and nobody's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("UNDERSTUDY_SETTINGS", raising=False)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def machine(result: Result) -> Any:
    """The JSON document on stdout, which must be all there is."""
    assert result.stderr == ""
    return json.loads(result.stdout)


class TestHelp:
    def test_lists_the_commands_in_the_order_of_use(self) -> None:
        shown = run("--help")
        assert shown.exit_code == 0
        listed = [
            line.split()[0] for line in shown.stdout.partition("Commands:")[2].splitlines() if line.strip()
        ]
        assert listed[: len(COMMANDS)] == COMMANDS

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_examples_and_machine_output(self, command: str) -> None:
        shown = run(command, "--help")
        assert shown.exit_code == 0
        assert f"  understudy {command}" in shown.stdout.partition("Examples:")[2]
        assert "--json" in shown.stdout


class TestErrors:
    def test_are_one_block_on_stderr_with_the_exit_code_of_the_tree(self) -> None:
        told = run("status")
        assert told.exit_code == NotFound.exit_code
        assert told.stdout == ""
        assert told.stderr.startswith("Error: no settings file understudy.yaml\n  What to do: ")

    def test_are_json_on_stdout_when_asked(self) -> None:
        told = machine(run("status", "--json"))
        assert (told["error"], told["exit_code"]) == ("NotFound", 41)
        assert told["hint"]

    def test_of_the_settings_name_file_and_line(self, elsewhere: Path) -> None:
        (elsewhere / "understudy.yaml").write_text("targets:\n  shop:\n    polcy: shop.yaml\n")
        told = run("refresh", "shop")
        assert told.exit_code == SettingsInvalid.exit_code
        assert "understudy.yaml:3: unknown key targets.shop.polcy" in told.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            ["refresh"],
            ["refresh", "shop", "--approve-as", "Kim"],
            ["destroy", "shop"],
            ["destroy", "shop", "shop-20260101-001", "--all"],
            ["destroy", "shop", "--all"],
            ["lint", HOSPITAL, HOSPITAL, "--dsn", "dbname=shop"],
            ["demo", "dance"],
        ],
    )
    def test_of_usage_exit_with_2_and_can_be_json(self, arguments: list[str]) -> None:
        assert run(*arguments).exit_code == 2
        told = run(*arguments, "--json")
        assert (told.exit_code, machine(told)["error"]) == (2, "UsageError")

    def test_of_our_own_never_show_what_the_exception_said(self) -> None:
        @click.group(cls=CommandLine)
        def line() -> None: ...

        @line.command()
        def stumble() -> None:
            name = "da".join("A ")
            raise ValueError(f"the patient is {name}")

        told = CliRunner().invoke(line, ["stumble"])
        assert told.exit_code == 1
        assert "ValueError in stumble" in told.stderr
        assert "Ada" not in told.output

    def test_of_a_run_say_where_its_report_lies(self) -> None:
        @click.group(cls=CommandLine)
        def line() -> None: ...

        @line.command()
        @click.option("--json", is_flag=True)
        def fail(json: bool) -> None:
            error: Any = GateFailed("2 gates failed", problems=(Problem("rows", "12 are missing"),))
            error.report = results.ReportResult("/r.json", "/r.html", "abc")
            raise error

        told = CliRunner().invoke(line, ["fail"])
        assert told.stderr == "Error: 2 gates failed\n  - rows: 12 are missing\n  Report: /r.html\n"
        assert machine(CliRunner().invoke(line, ["fail", "--json"]))["report"]["page"] == "/r.html"

    def test_an_interrupt_has_an_exit_code_of_its_own(self) -> None:
        @click.group(cls=CommandLine)
        def line() -> None: ...

        @line.command()
        def wait() -> None:
            raise KeyboardInterrupt

        assert CliRunner().invoke(line, ["wait"]).exit_code == 130


class TestTreatments:
    def test_lists_all_there_are(self) -> None:
        listed = run("treatments").stdout
        assert all(f"\n{kind} " in listed for kind in TRANSFORMERS if kind != "keep")
        assert {facts["kind"] for facts in machine(run("treatments", "--json"))} == set(TRANSFORMERS)

    @pytest.mark.parametrize("kind", TRANSFORMERS)
    def test_tells_what_the_definition_says(self, kind: str) -> None:
        told = run("treatments", kind).stdout
        facts = machine(run("treatments", kind, "--json"))
        assert facts["family"] in told
        assert facts["description"].split()[0] in told
        for name, about in facts["parameters"].items():
            assert f"\n  {name}  " in told
            # A parameter without words would leave the reader guessing.
            assert about["description"]

    def test_knows_the_nearest(self) -> None:
        told = run("treatments", "surogate")
        assert told.exit_code == NotFound.exit_code
        assert "did you mean surrogate?" in told.stderr


class TestLint:
    def test_of_a_good_policy(self) -> None:
        good = run("lint", HOSPITAL)
        assert good.exit_code == 0
        assert "hospital.yaml: good (" in good.stdout
        told = machine(run("lint", HOSPITAL, "--json"))
        assert told["ok"]
        assert told["files"][0]["columns"] > 100

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("policy: shop\nversion: 1\ntables: {\n", "broken YAML"),
            (
                "policy: shop\nversion: 1\ntabels: {}\n",
                "bad.yaml:3: unknown key tabels (did you mean tables?)",
            ),
            ("policy: shop\nversion: 1\nprofile: hipaa-lsd\ntables: {}\n", "did you mean hipaa-lds?"),
            (
                "policy: shop\nversion: 1\ntables:\n  public.a:\n    columns:\n      b: emial\n",
                "bad.yaml:6: public.a.b: unknown category 'emial' (did you mean email?)",
            ),
            (
                "policy: shop\nversion: 1\ntables:\n  public.a:\n    columns:\n"
                "      b: {category: email, treat: {kind: surrogte, of: email}}\n",
                "bad.yaml:6: public.a.b: unknown treatment 'surrogte' (did you mean surrogate?)",
            ),
        ],
    )
    def test_names_file_line_and_the_nearest_spelling(self, elsewhere: Path, text: str, said: str) -> None:
        (elsewhere / "bad.yaml").write_text(text)
        told = run("lint", "bad.yaml")
        assert told.exit_code == PolicyInvalid.exit_code
        assert said in told.stderr

    def test_lists_the_mistakes_of_all_files(self, elsewhere: Path) -> None:
        for name in ("a", "b"):
            (elsewhere / f"{name}.yaml").write_text(
                "policy: shop\nversion: 1\ntables:\n  public.a:\n    columns: {b: emial, c: nmae}\n"
            )
        told = run("lint", "a.yaml", "b.yaml", HOSPITAL, "--json")
        assert told.exit_code == PolicyInvalid.exit_code
        found = machine(told)
        assert [file["ok"] for file in found["files"]] == [False, False, True]
        assert [problem["where"] for problem in found["files"][1]["problems"]] == ["b.yaml:5", "b.yaml:5"]

    def test_checks_the_policies_of_the_settings_when_none_is_named(self, elsewhere: Path) -> None:
        (elsewhere / "my.yaml").write_text(
            f"targets:\n  hospital:\n    policy: {HOSPITAL}\n    source: {{dsn: dbname=hospital}}\n"
            "    endpoint: {service: s, file: s.conf}\n"
        )
        assert str(HOSPITAL) in run("--settings", "my.yaml", "lint").stdout
        assert run("lint").exit_code == NotFound.exit_code

    def test_of_a_missing_file(self) -> None:
        told = run("lint", "none.yaml")
        assert told.exit_code == PolicyInvalid.exit_code
        assert "no policy file none.yaml" in told.stderr


class TestInit:
    def test_never_overwrites(self, elsewhere: Path) -> None:
        (elsewhere / "shop.yaml").write_text("mine")
        told = run("init", "host=127.0.0.1 port=1 dbname=shop", "-o", "shop.yaml")
        assert told.exit_code == 2
        assert "shop.yaml is there already" in told.stderr
        assert (elsewhere / "shop.yaml").read_text() == "mine"

    def test_says_when_the_source_is_down_and_writes_nothing(self, elsewhere: Path) -> None:
        told = run("init", "host=127.0.0.1 port=1 dbname=shop user=me password=hush", "-o", "shop.yaml")
        assert told.exit_code == 20
        assert "me@127.0.0.1:1/shop: the source does not answer" in told.stderr
        assert "hush" not in told.output
        assert not (elsewhere / "shop.yaml").exists()


class TestDoctor:
    def test_looks_at_the_machine_without_settings(self) -> None:
        told = run("doctor", "--json")
        found = machine(told)
        lines = {check["subject"]: check for check in found["checks"]["this machine"]}
        assert lines["python"]["verdict"] == "ok"
        assert {"account", "servers", "home", "expectations"} <= set(lines)
        assert told.exit_code == (0 if found["ok"] else 1)

    def test_says_that_no_database_was_checked(self) -> None:
        assert "No settings file understudy.yaml here, so no database was checked." in run("doctor").stdout

    def test_wants_the_settings_that_were_named(self) -> None:
        assert run("doctor", "shop").exit_code == NotFound.exit_code
        assert run("--settings", "none.yaml", "doctor").exit_code == NotFound.exit_code

    def test_fails_in_words_with_a_hint(self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (elsewhere / "file").touch()
        monkeypatch.setenv("UNDERSTUDY_HOME", str(elsewhere / "file" / "home"))
        (elsewhere / "understudy.yaml").write_text(
            "targets:\n  shop:\n    policy: none.yaml\n    source: {dsn: host=127.0.0.1 port=1 dbname=shop}\n"
            "    endpoint: {service: s, file: s.conf}\n    migrations: {provider: flyway, directory: none}\n"
            "    access: {password: env:UNDERSTUDY_NOWHERE}\n"
        )
        told = run("doctor", "--json")
        assert told.exit_code == 1
        failed = {
            check["subject"]: check
            for checks in machine(told)["checks"].values()
            for check in checks
            if check["verdict"] == "fail"
        }
        assert set(failed) >= {"home", "policy", "source", "secrets", "migrations"}
        assert all(check["hint"] for check in failed.values())
        assert "things to mend" in run("doctor").stdout


class TestDemoStop:
    def test_of_nothing_is_fine(self, elsewhere: Path) -> None:
        told = run("demo", "stop", "--home", elsewhere / "none")
        assert (told.exit_code, told.stdout) == (0, f"No demo in {elsewhere / 'none'}.\n")

    @pytest.mark.parametrize("action", ["stop", "run"])
    def test_leaves_a_folder_without_the_marker_alone(self, elsewhere: Path, action: str) -> None:
        mine = elsewhere / "mine"
        mine.mkdir()
        (mine / "thesis.txt").write_text("ten years of work")
        told = run("demo", action, "--home", mine)
        assert told.exit_code == WrongState.exit_code
        assert [path.name for path in mine.iterdir()] == ["thesis.txt"]

    def test_removes_what_carries_the_marker(self, elsewhere: Path) -> None:
        (elsewhere / "demo").mkdir()
        (elsewhere / "demo" / ".understudy-demo").touch()
        assert machine(run("demo", "stop", "--home", elsewhere / "demo", "--json"))["removed"]
        assert not (elsewhere / "demo").exists()


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SNAPSHOT = Snapshot(
    "basebackup",
    "shop-20261121-001",
    "/s",
    "incremental",
    True,
    "shop",
    "postgres",
    "1",
    180004,
    "0/1",
    NOON,
    3_100_000,
)
CLONE = CloneRef("basebackup", "shop-20261121-001", "/c", "shop", "postgres", "/tmp", 5432, 180004)
SCRUBBED = results.ScrubResult(
    (
        results.TableScrub(Name("public", "a"), 1200, 0.1, 9, 9),
        results.TableScrub(Name("public", "b"), 34, 0.1, 9, 9),
    ),
    16,
    "x",
    "x",
)


class TestWords:
    @pytest.mark.parametrize(
        ("count", "said"), [(0, "0 bytes"), (999, "999 bytes"), (3_100_000, "3.1 MB"), (5e12, "5.0 TB")]
    )
    def test_sizes(self, count: float, said: str) -> None:
        assert size(count) == said

    def test_numbers_and_times(self) -> None:
        assert (number(1, "table"), number(1204, "table"), number(2, "match", "matches")) == (
            "1 table",
            "1,204 tables",
            "2 matches",
        )
        assert (seconds(2.04), seconds(150)) == ("2.0 s", "2.5 min")

    @pytest.mark.parametrize(
        ("result", "said"),
        [
            (results.SnapshotResult(SNAPSHOT, CLONE), "incremental, 3.1 MB, copy-on-write"),
            (results.IsolateResult(()), "no wires"),
            (
                results.IsolateResult(
                    (results.Wire("role password", "a", "voided"), results.Wire("slot", "b", "dropped"))
                ),
                "dealt with: role password (1), slot (1)",
            ),
            (SCRUBBED, "2 tables rewritten, 1,234 rows; 16 left as they were"),
            (results.MigrateResult("flyway", (), (), (), "x"), "nothing pending"),
            (
                results.MigrateResult(
                    "flyway", (results.MigrationRun("4", "name", 0.1),), ("a.b.c",), (), "x"
                ),
                "1 migration applied (4), 1 new column",
            ),
            (
                results.ValidateResult((results.Gate("rows", "a", False, "1", "2"),), (), ()),
                "1 gate, 0 expectation suites: 1 failed",
            ),
            (results.ApproveResult(False), "not asked for"),
            (
                results.SwitchResult(
                    "psql", Destination("shop-1", "127.0.0.1", 2000, "shop", "staging"), None, NOON
                ),
                "shop-1 serves at 127.0.0.1:2000",
            ),
            (results.ReapResult(("a",), (), ("b", "c")), "kept b, c; destroyed a"),
            (None, ""),
        ],
    )
    def test_results(self, result: Any, said: str) -> None:
        assert describe(result) == said

    def test_machine_values(self) -> None:
        value = {
            "table": Name("a", "b"),
            "at": NOON,
            "paths": (Path("/x"),),
            "wire": results.Wire("k", "n", "a"),
        }
        assert jsonable(value) == {
            "table": "a.b",
            "at": "2026-11-21T12:00:00+00:00",
            "paths": ["/x"],
            "wire": {"kind": "k", "name": "n", "action": "a"},
        }


def watch(shown: Any) -> None:
    """A run that scrubs two tables and then finds the disk full."""
    with shown:
        shown.stage_started("snapshot")
        shown.item("snapshot", "copying production")
        shown.stage_finished("snapshot", 2.1, results.SnapshotResult(SNAPSHOT, CLONE))
        shown.stage_started("scrub")
        shown.item("scrub", "public.a")
        shown.item("scrub", "public.b")
        shown.item("scrub", "public.a", "1,200 rows", done=True)
        shown.stage_failed("scrub", 1.0, DiskShort("no space left on the disk"))


class TestDisplays:
    STAGES = ("snapshot", "scrub", "switch")

    def test_in_a_pipe_are_plain_lines(self) -> None:
        console = Console(file=io.StringIO(), width=40)
        shown = display(self.STAGES, console)
        assert isinstance(shown, LineDisplay)
        watch(shown)
        assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
            "snapshot     2.1 s incremental, 3.1 MB, copy-on-write",
            "scrub              public.a: 1,200 rows",
            "scrub        1.0 s FAILED: no space left on the disk",
        ]

    def test_on_a_terminal_are_a_line_per_stage(self) -> None:
        console = Console(
            file=io.StringIO(), width=80, force_terminal=True, _environ={"TERM": "xterm-256color"}
        )
        shown = display(self.STAGES, console)
        assert isinstance(shown, LiveDisplay)
        watch(shown)
        picture = Console(file=io.StringIO(), width=80, _environ={})
        picture.print(shown._picture())
        lines = picture.file.getvalue().splitlines()  # type: ignore[attr-defined]
        assert [line.split()[1] for line in lines] == ["snapshot", "scrub", "switch"]
        assert "copy-on-write" in lines[0]
        assert "no space left" in lines[1]

    def test_at_work_show_each_table(self) -> None:
        shown = LiveDisplay(self.STAGES, Console(file=io.StringIO()))
        shown.stage_started("scrub")
        shown.item("scrub", "public.a")
        shown.item("scrub", "public.b")
        shown.item("scrub", "public.a", done=True)
        picture = Console(file=io.StringIO(), width=80, _environ={})
        picture.print(shown._picture())
        text = picture.file.getvalue()  # type: ignore[attr-defined]
        assert "1 table done" in text
        assert "public.b" in text
        assert "public.a" not in text


def test_an_approval_on_the_command_line_is_given_as_it_stands() -> None:
    assert Approval("Kim", "go")("shop", "shop-1") == Decision(True, "Kim", "go")


def test_the_commands_come_without_what_is_heavy() -> None:
    heavy = "{'airflow', 'boto3', 'great_expectations', 'pandas', 'sqlalchemy'}"
    program = f"import sys, sanitizers.cli; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
