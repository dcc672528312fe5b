"""What all commands share: settings, machine output, examples in the help, and errors as one clear block."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from sanitizers.catalog import Name
from sanitizers.errors import Problem, UnderstudyError
from sanitizers.settings import Settings, load_settings

if TYPE_CHECKING:
    from sanitizers.workspace import Workspace

Function = TypeVar("Function", bound=Callable[..., Any])
_JSON = "understudy.json"

json_option: Callable[[Function], Function] = click.option(
    "--json", "as_json", is_flag=True, help="Machine output on stdout, and nothing else there."
)


@dataclass(frozen=True)
class Shell:
    """What the command line as a whole was given."""

    file: Path
    named: bool
    """Whether the user named the settings file, or the default stands."""

    def settings(self) -> Settings:
        return load_settings(self.file)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        settings = self.settings()
        from sanitizers.workspace import open_workspace

        with open_workspace(settings) as workspace:
            yield workspace


class CommandLine(click.Group):
    """A group that turns errors into one block on stderr, or JSON on stdout, and the right exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnderstudyError as error:
            tell_error(error, as_json=ctx.meta[_JSON])
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Stopped. What the run had made is recorded; staging serves what it served.", err=True)
            ctx.exit(130)
        except click.UsageError as error:
            if not ctx.meta[_JSON]:
                raise
            say({"error": "UsageError", "exit_code": error.exit_code, "what": error.format_message()})
            ctx.exit(error.exit_code)
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except Exception as error:
            _tell_mistake(error, as_json=ctx.meta[_JSON])
            ctx.exit(UnderstudyError.exit_code)


def tell_error(error: UnderstudyError, *, as_json: bool) -> None:
    """The error for people on stderr, or as JSON on stdout; with the report of the run where there is one."""
    report = getattr(error, "report", None)
    if as_json:
        say({**error.to_json(), "report": report})
        return
    block = [f"{click.style('Error:', fg='red', bold=True)} {Problem(error.where, error.what)}"]
    block += [f"  - {problem}" for problem in error.problems]
    block += [f"  What to do: {error.hint}"] if error.hint else []
    block += [f"  Report: {report.page}"] if report else []
    click.echo("\n".join(block), err=True)


def _tell_mistake(error: Exception, *, as_json: bool) -> None:
    """A mistake of ours: kind and place. The message is left out, since it may hold a value."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    what = f"a mistake in Understudy itself: {type(error).__name__} in {frame.name}"
    if not as_json:
        click.echo("".join(traceback.format_tb(error.__traceback__)).rstrip(), err=True)
    where = f"{frame.filename}:{frame.lineno}"
    tell_error(UnderstudyError(what, where=where, hint="please report it"), as_json=as_json)


def say(value: Any) -> None:
    """Machine output: one JSON document on stdout."""
    click.echo(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def jsonable(value: Any) -> Any:
    """Plain JSON values for what the pipeline gives: names as `schema.name`, times in ISO 8601."""
    if isinstance(value, Name | Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def screen(*, err: bool = False) -> Console:
    """A console for people. Piped, it is wide enough for tables, and never colours."""
    console = Console(stderr=err, highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 160
    return console


def interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def examples(*lines: str) -> str:
    """A help epilog that keeps its line breaks."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
