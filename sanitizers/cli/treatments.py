"""`treatments`: what can be done to a column, told by the definitions themselves."""

from __future__ import annotations

import difflib
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from sanitizers.cli.terminal import examples, json_option, say, screen
from sanitizers.errors import NotFound

_UNIQUE = {
    "preserved": "different values stay different, so unique columns may have it",
    "not_guaranteed": "different values may become equal, so unique columns may not have it",
    "lossy": "different values become equal, so unique columns may not have it",
    "depends": "depends on its parameters",
}
_SUBJECT = {
    "always": "follows the table's subject",
    "one_row": "follows the table's subject where each has one row",
    "never": "",
}


@click.command(
    epilog=examples(
        "understudy treatments                 all of them",
        "understudy treatments surrogate       one, with its parameters",
        "understudy treatments --json",
    )
)
@click.argument("kind", required=False)
@json_option
def treatments(kind: str | None, as_json: bool) -> None:
    """List the treatments a policy can ask for, or tell all about one KIND."""
    found = _facts()
    if kind is not None and kind not in found:
        near = difflib.get_close_matches(kind, found, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(found)}"
        raise NotFound(f"no treatment named {kind!r}", hint=hint)
    if as_json:
        say(found[kind] if kind else list(found.values()))
    elif kind:
        _show_one(screen(), found[kind])
    else:
        _show_all(screen(), found)


def _facts() -> dict[str, dict[str, Any]]:
    """What each definition says of itself, by kind."""
    from sanitizers.policy.schema import treatment_schema
    from sanitizers.transformers import TRANSFORMERS

    found = {}
    for kind, transformer in TRANSFORMERS.items():
        schema = treatment_schema(transformer)
        parameters = {name: about for name, about in schema["properties"].items() if name != "kind"}
        # Some answer only for parameters, which there are none of yet.
        asked = None if set(schema["required"]) - {"kind"} else transformer.params()
        found[kind] = {
            "kind": kind,
            "family": transformer.family,
            "version": transformer.version,
            "description": schema["description"],
            "accepts": sorted(transformer.accepts) or ["every type"],
            "may_null": transformer.may_null,
            "keeps_empty": transformer.keeps_empty,
            "elementwise": transformer.elementwise,
            "deterministic": transformer.deterministic,
            "uniqueness": transformer.uniqueness(asked) if asked else "depends",
            "follows_subject": transformer.follows_subject,
            "parameters": parameters,
            "required": [name for name in schema["required"] if name != "kind"],
        }
    return found


def _show_all(console: Console, found: dict[str, dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "family", "what it does"):
        table.add_column(heading, header_style="bold")
    for facts in found.values():
        first, _, _ = facts["description"].partition(". ")
        table.add_row(facts["kind"], facts["family"], first.rstrip("."))
    console.print(table)
    console.print("\nMore about one of them: understudy treatments KIND", style="dim")


def _show_one(console: Console, facts: dict[str, Any]) -> None:
    console.print(f"[bold]{facts['kind']}[/]  {facts['family']}, version {facts['version']}")
    console.print(Padding(facts["description"], (1, 0, 1, 2)), width=100)
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, said in _safety(facts).items():
        table.add_row(f"  {name}", said)
    console.print(table)
    if facts["parameters"]:
        console.print("\n[bold]Parameters[/]")
    for name, about in facts["parameters"].items():
        console.print(f"  [bold]{name}[/]  {_kind_of(about)}{_default(name, about, facts)}")
        if "description" in about:
            console.print(Padding(" ".join(about["description"].split()), (0, 0, 0, 6)), width=100)


def _safety(facts: dict[str, Any]) -> dict[str, str]:
    told = {
        "types": ", ".join(facts["accepts"]),
        "NULL": "may become of a value" if facts["may_null"] else "only where it was",
        "NULL and ''": "stay" if facts["keeps_empty"] else "are replaced too",
        "arrays": "element by element" if facts["elementwise"] else "as a whole",
        "equal values": "stay equal" if facts["deterministic"] else "may differ",
        "uniqueness": _UNIQUE[facts["uniqueness"]],
        "subject": _SUBJECT[facts["follows_subject"]],
    }
    return {name: said for name, said in told.items() if said}


def _kind_of(about: dict[str, Any]) -> str:
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    kinds = [about, *about.get("anyOf", [])]
    return " or ".join(dict.fromkeys(str(one["type"]) for one in kinds if "type" in one)) or "any"


def _default(name: str, about: dict[str, Any], facts: dict[str, Any]) -> str:
    if name in facts["required"]:
        return ", required"
    return f", {about['default']} when left out" if "default" in about else ""


COMMANDS = (treatments,)
