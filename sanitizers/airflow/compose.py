"""docker-compose.yml as data: its variables, and its services with values put in for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

COMPOSE_FILE: Final = Path(__file__).resolve().parents[2] / "docker-compose.yml"
"""The checkout's own; an installed package has none."""

_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<kind>:-|:\?)(?P<rest>[^}]*))?\})")


def variables(path: Path = COMPOSE_FILE) -> dict[str, bool]:
    """The variables the file asks for, sources of secrets included, and whether they have to be given."""
    found = [match for match in _REFERENCE.finditer(path.read_text(encoding="utf-8")) if match["name"]]
    named = {match["name"]: match["kind"] != ":-" for match in found}
    secrets = YAML(typ="safe").load(path).get("secrets", {}).values()
    return named | {secret["environment"]: True for secret in secrets}


def load_compose(values: Mapping[str, str], path: Path = COMPOSE_FILE) -> Any:
    """The whole document, anchors merged and `${NAME}` replaced. KeyError when a value is missing."""
    return _put_in(YAML(typ="safe").load(path), values)


def _put_in(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {key: _put_in(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_put_in(item, values) for item in node]
    if isinstance(node, str):
        return _REFERENCE.sub(lambda match: _value(match, values), node)
    return node


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    if match["kind"] == ":-":
        return values.get(match["name"]) or match["rest"]
    return values[match["name"]]
