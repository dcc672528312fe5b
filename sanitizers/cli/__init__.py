"""The command line: `understudy COMMAND`. Each command asks the pipeline and says what came of it."""

from __future__ import annotations

from pathlib import Path

import click

from sanitizers import __version__
from sanitizers.cli import (
    authoring,
    demo,
    doctor,
    drift,
    forensics,
    inspect,
    lifecycle,
    offsets,
    refresh,
    treatments,
)
from sanitizers.cli.terminal import CommandLine, Shell, examples
from sanitizers.settings import DEFAULT_FILE


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "understudy demo                       see it work on a made-up hospital, on this machine",
        "understudy doctor                     what is missing here, and how to get it",
        "understudy refresh hospital           tonight's staging copy, now",
        "understudy --settings /etc/understudy.yaml status",
    ),
)
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    envvar="UNDERSTUDY_SETTINGS",
    show_envvar=True,
    help="Where databases live.",
)
@click.version_option(__version__, prog_name="understudy")
@click.pass_context
def cli(context: click.Context, file: Path) -> None:
    """Staging databases that look like production and know nobody in it.

    A refresh takes a copy-on-write copy of production, seals it, scrubs it by a policy, validates it, and
    points the staging endpoint at it. Until every gate has passed, the copy before keeps serving.
    """
    named = context.get_parameter_source("file") is not click.core.ParameterSource.DEFAULT
    context.obj = Shell(file, named)


for module in (demo, doctor, authoring, treatments, refresh, inspect, drift, offsets, forensics, lifecycle):
    for command in module.COMMANDS:
        cli.add_command(command)


def main() -> None:
    """The console script."""
    cli(prog_name="understudy")
