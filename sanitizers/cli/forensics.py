"""`forensics`: whether a released generation holds originals, and where."""

from __future__ import annotations

from typing import IO

import click

from sanitizers.cli.present import grid
from sanitizers.cli.terminal import Shell, examples, json_option, say, screen
from sanitizers.cli.words import number, seconds, size
from sanitizers.errors import Problem, ResidueFound
from sanitizers.forensics.needles import specific
from sanitizers.results import Forensics, Residue

_NAMED = 50
"""Places that the error lists; the JSON lists all."""
_SHORTEST = 4
"""Bytes of a value that can be searched for."""


@click.command(
    epilog=examples(
        "understudy forensics hospital",
        "understudy forensics hospital --generation hospital-20261121-001 --json",
        "understudy forensics hospital --values names.txt    one's own list: one value a line, UTF-8",
    )
)
@click.argument("database")
@click.option("--generation", metavar="LABEL", help="Which one. [default: the live one]")
@click.option(
    "--values",
    type=click.File("rb"),
    metavar="FILE|-",
    help="Search for these instead of a sample of originals; nothing is excused then.",
)
@json_option
@click.pass_obj
def forensics(
    shell: Shell, database: str, generation: str | None, values: IO[bytes] | None, as_json: bool
) -> None:
    """Search a generation of DATABASE for originals: every row, catalog, statistic and byte of its files.

    The originals are a secret sample from the newest snapshot, held in memory only. What is found is named by
    place and column, never by value; exit code 33 then. Originals that live tables hold as whole values are
    excused: the nightly comparison row by row answers for those.
    """
    listed = _listed(values) if values else None
    with shell.workspace() as workspace:
        label, found = workspace.forensics(database, generation, listed, _report)
    if as_json:
        say({"database": database, "generation": label, **vars(found)})
        click.get_current_context().exit(ResidueFound.exit_code if found.residue else 0)
    _show(found, label)
    if found.residue:
        raise _refusal(found, label)


def _listed(file: IO[bytes]) -> list[str]:
    """The values of one's own. What is wrong with one is said by its line, never by what it is."""
    try:
        lines = file.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise click.UsageError("the list of values is not UTF-8") from None
    short = [at for at, line in enumerate(lines, start=1) if 0 < len(line.encode()) < _SHORTEST]
    if short:
        raise click.UsageError(f"values of fewer than {_SHORTEST} bytes are everywhere: line {short[0]}")
    values = [line for line in lines if line]
    if not values:
        raise click.UsageError("the list holds no value to search for")
    chance = sum(not specific(value) for value in values)
    if chance:
        click.echo(
            f"{number(chance, 'value')} so short that chance may have written what is found.", err=True
        )
    return values


def _report(surface: str, detail: str) -> None:
    click.echo(f"{surface} {detail or '...'}", err=True)


def _show(found: Forensics, label: str) -> None:
    originals = sum(count for _, count in found.searched)
    columns = [column for column, _ in found.searched if column]
    source = f"{number(originals, 'original')} of {number(len(columns), 'column')}" if columns else "the list"
    click.echo(f"Searched {label} for {source}.")
    rows = (_surface(found, *vars(surface).values()) for surface in found.surfaces)
    screen().print(grid("", ("surface", "searched", "took", "GB/s", "found"), rows))
    for column, why in found.left_out:
        click.echo(f"Not searched for, of {column}: {why}.")
    for column, count in found.excused_by:
        click.echo(f"Excused, since {column} holds them by the policy: {number(count, 'original')}.")


def _surface(found: Forensics, name: str, searched: int, took: float) -> tuple[str, ...]:
    places = {one.place for one in found.residue if one.surface == name}
    speed = f"{searched / took / 1e9:.2f}" if took else ""
    return name, size(searched), seconds(took), speed, number(len(places), "place") if places else "nothing"


def _refusal(found: Forensics, label: str) -> ResidueFound:
    problems = tuple(Problem(one.place, _said(one)) for one in found.residue[:_NAMED])
    more = len(found.residue) - _NAMED
    hint = f"{number(more, 'more finding')} with --json" if more > 0 else ""
    return ResidueFound("originals are left", where=label, problems=problems, hint=hint)


def _said(one: Residue) -> str:
    source = f" of {one.column}" if one.column else ""
    return f"{number(one.count, 'original')}{source} ({one.spelling})"


COMMANDS = (forensics,)
