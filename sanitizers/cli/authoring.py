"""`init`, `lint`, `plan`, `preview`: what people who write policies need."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sanitizers.cli.present import show_plan, show_preview, show_statements
from sanitizers.cli.terminal import Shell, examples, json_option, jsonable, say, screen
from sanitizers.cli.words import number
from sanitizers.errors import PlanRefused, PolicyInvalid, Problem, UnderstudyError
from sanitizers.settings import Source, resolve_dsn

if TYPE_CHECKING:
    from sanitizers.catalog import Catalog
    from sanitizers.policy.document import LoadedPolicy


@click.command(
    epilog=examples(
        "understudy init 'host=db.example.org user=understudy dbname=shop'",
        "understudy init env:SHOP_DSN -o policies/shop.yaml",
    )
)
@click.argument("dsn")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to.  [default: policies/DATABASE.yaml]"
)
@click.option("--profile", default="hipaa-lds", show_default=True, help="What is done to each category.")
@json_option
@click.pass_obj
def init(shell: Shell, dsn: str, output: Path | None, profile: str, as_json: bool) -> None:
    """Write a first policy for the database at DSN.

    Every column is listed with a guess of what it is, made from names and types; no row is read. DSN is a
    libpq connection string or URL, or env:NAME for one in the environment. A file that is there is never
    overwritten.
    """
    from sanitizers.policy.document import load_profile
    from sanitizers.policy.guess import draft_policy

    rules = load_profile(profile)
    _refuse_overwriting(output)
    catalog = _read_catalog(dsn)
    path = output or Path("policies") / f"{catalog.database}.yaml"
    _refuse_overwriting(path)
    text = draft_policy(catalog, rules)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    steps = _next_steps(path, catalog.database)
    tables = list(catalog.roots())
    if as_json:
        say({"policy": path, "database": catalog.database, "tables": len(tables), "next": steps})
        return
    columns = sum(len(table.columns) for table in tables)
    click.echo(f"Wrote {path}: {number(len(tables), 'table')}, {number(columns, 'column')}.")
    if not _has_target(shell, catalog.database):
        target = _target_text(path, dsn, catalog.database)
        click.echo(f"\nTell {shell.file} where the database lives:\n\n{target}")
    click.echo("\nThen, when you have gone through the lines marked review:")
    click.echo("\n".join(f"  {step}" for step in steps))


def _refuse_overwriting(path: Path | None) -> None:
    if path is not None and path.exists():
        raise click.UsageError(f"{path} is there already and is not overwritten; name another file with -o")


def _read_catalog(dsn: str) -> Catalog:
    from sanitizers.postgres.connection import read_source
    from sanitizers.postgres.introspect import read_catalog

    with read_source(_resolved(dsn), purpose="catalog") as connection:
        return read_catalog(connection, positions=False)


def _resolved(dsn: str) -> str:
    # Typed by hand, a connection string may carry a password; in the settings file it may not.
    return resolve_dsn(Source(dsn=dsn) if dsn.startswith("env:") else Source.model_construct(dsn=dsn))


def _next_steps(path: Path, database: str) -> list[str]:
    return [
        f"understudy lint {path}",
        f"understudy plan {database}",
        f"understudy refresh {database} --dry-run",
    ]


def _has_target(shell: Shell, database: str) -> bool:
    try:
        return database in shell.settings().targets
    except UnderstudyError:
        return False


def _target_text(path: Path, dsn: str, database: str) -> str:
    source = f"      dsn: {json.dumps(_without_password(dsn))}"
    secret = "" if dsn.startswith("env:") else f"\n      password: env:{_variable(database)}_PASSWORD"
    return f"""\
targets:
  {database}:
    policy: {path}
    source:
{source}{secret}
    endpoint:
      service: {database}_staging
      file: ~/.pg_service.conf"""


def _without_password(dsn: str) -> str:
    if dsn.startswith("env:"):
        return dsn
    parts = conninfo_to_dict(dsn)
    kept = {key: value for key, value in parts.items() if key not in {"password", "sslpassword"}}
    return make_conninfo("", **kept)


def _variable(database: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in database).upper()


@dataclass(frozen=True)
class Reading:
    """What came of reading one policy."""

    file: Path
    problems: tuple[Problem, ...]
    tables: int = 0
    columns: int = 0
    profile: str = ""
    bound: bool = False
    """Whether it was also held against a database."""

    @property
    def ok(self) -> bool:
        return not self.problems


@click.command(
    epilog=examples(
        "understudy lint                              every policy that the settings name",
        "understudy lint policies/*.yaml --json",
        "understudy lint policies/shop.yaml --dsn 'host=db dbname=shop'    also against the database",
    )
)
@click.argument("policies", metavar="[POLICY]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dsn", help="Also hold the policy against this database's catalog.")
@json_option
@click.pass_obj
def lint(shell: Shell, policies: tuple[Path, ...], dsn: str | None, as_json: bool) -> None:
    """Check policies without running anything: the file, the profile, the treatments.

    Lists every mistake with file and line. Needs no database unless --dsn names one.
    """
    files = policies or tuple(target.policy for target in shell.settings().targets.values())
    if dsn and len(files) != 1:
        raise click.UsageError("--dsn goes with one policy")
    catalog = _read_catalog(dsn) if dsn else None
    readings = [read_policy(file, catalog) for file in files]
    if as_json:
        good = all(reading.ok for reading in readings)
        say({"ok": good, "files": [{"ok": reading.ok, **jsonable(reading)} for reading in readings]})
    else:
        _tell_readings(readings)
    if failed := [reading for reading in readings if not reading.ok]:
        unfit = all(reading.bound for reading in failed)
        click.get_current_context().exit(PlanRefused.exit_code if unfit else PolicyInvalid.exit_code)


def read_policy(file: Path, catalog: Catalog | None = None) -> Reading:
    """Reads a policy, and binds it to a catalog where there is one; problems are kept, not raised."""
    from sanitizers.pipeline import utc_now
    from sanitizers.policy.bind import check_treatments
    from sanitizers.policy.document import load_policy
    from sanitizers.stages.plan import make_plan
    from sanitizers.validators.suites import expectation_problems

    try:
        loaded = load_policy(file)
    except UnderstudyError as error:
        return Reading(file, error.problems or (Problem(error.where, error.what, error.hint),))
    problems = (*check_treatments(loaded), *expectation_problems(loaded))
    if catalog is None or problems:
        return _reading(loaded, problems)
    try:
        make_plan(loaded, catalog, utc_now().date())
    except PlanRefused as error:
        return _reading(loaded, error.problems, bound=True)
    return _reading(loaded, (), bound=True)


def _reading(loaded: LoadedPolicy, problems: tuple[Problem, ...], *, bound: bool = False) -> Reading:
    tables = loaded.policy.tables
    columns = sum(len(rule.columns) for rule in tables.values())
    return Reading(loaded.path, problems, len(tables), columns, loaded.policy.profile, bound)


def _tell_readings(readings: Sequence[Reading]) -> None:
    for reading in readings:
        if reading.ok:
            against = ", fits the database" if reading.bound else ""
            counts = f"{number(reading.tables, 'table')}, {number(reading.columns, 'column')}"
            click.echo(f"{reading.file}: good ({counts}, profile {reading.profile}{against})")
        else:
            click.echo(f"{reading.file}: {number(len(reading.problems), 'mistake')}", err=True)
            click.echo("\n".join(f"  {problem}" for problem in reading.problems), err=True)


@click.command(
    epilog=examples(
        "understudy plan hospital",
        "understudy plan hospital --sql               the statements that the scrub will run",
        "understudy plan hospital --json | jq .digest",
    )
)
@click.argument("database")
@click.option("--sql", is_flag=True, help="Show the statements instead.")
@json_option
@click.pass_obj
def plan(shell: Shell, database: str, sql: bool, as_json: bool) -> None:
    """Show what a refresh of DATABASE would do to every column.

    Reads production's catalog, never a row of it. What is shown is the very object that the scrub executes.
    """
    with shell.workspace() as workspace:
        found = workspace.plan(database)
    if as_json:
        say({"digest": found.digest, **jsonable(found)})
    else:
        (show_statements if sql else show_plan)(screen(), found)


@click.command(
    epilog=examples("understudy preview hospital", "understudy preview hospital --table clinical.patients")
)
@click.argument("database")
@click.option("--table", help="Only this table.")
@json_option
@click.pass_obj
def preview(shell: Shell, database: str, table: str | None, as_json: bool) -> None:
    """Show on made-up values what the policy of DATABASE does. No value of production is read."""
    with shell.workspace() as workspace:
        rows = workspace.preview(database, table)
    if as_json:
        say(rows)
    else:
        show_preview(screen(), rows)


COMMANDS = (init, lint, plan, preview)
