"""Reading a YAML file into a strict model: every mistake at once, with file and line, never with a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    DocumentEndEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.nodes import ScalarNode

from sanitizers.errors import NotFound, Problem, UnderstudyError

Model = TypeVar("Model", bound=BaseModel)


_MAYBE_TYPED = re.compile(r"[-+.0-9~=<]|(?:|null|true|false)$", re.IGNORECASE)
"""Scalars without quotes that may be something else than text."""


@dataclass(frozen=True)
class Document:
    """A YAML text and the file it stands in. Reading it is fast; its lines take twenty times as long to find
    and are found when somebody first asks."""

    path: Path
    text: str
    called: str
    """What messages call it, for instance `policy`."""
    invalid: type[UnderstudyError]
    """What is raised for broken YAML and for mistakes."""

    @cached_property
    def plain(self) -> Any:
        """What is written, as dicts, lists and scalars."""
        with suppress(Exception):  # whatever it is, the slow reading knows the line
            return _Plain(self.text).value
        return self.tree

    def fit(self, model: type[Model]) -> Model:
        """The model of what is written; `invalid` lists every mistake."""
        try:
            return model.model_validate({} if self.plain is None else self.plain)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = tuple(self._problem(item, model) for item in found)
        many = "s" * (len(problems) > 1)
        what = f"{len(problems)} mistake{many} in the {self.called}"
        raise self.invalid(what, where=str(self.path), problems=problems)

    def where(self, *keys: int | str) -> str:
        """`file:line` of the deepest of these nested keys that the file has."""
        line, node = 1, None
        with suppress(self.invalid):  # the round trip stumbles over some comments
            node = self.tree
        for key in keys:
            lines = getattr(node, "lc", None)
            try:
                at = lines.key(key) if isinstance(node, dict) else lines.item(key)  # type: ignore[union-attr]
                line, node = at[0] + 1, node[key]  # type: ignore[index]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return f"{self.path}:{line}"

    @cached_property
    def tree(self) -> Any:
        """What is written, with its lines."""
        yaml = YAML()
        yaml.Constructor = _Constructor
        try:
            return yaml.load(self.text)
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None)  # a forbidden character has none
            problem = str(getattr(error, "problem", "a character that YAML forbids"))
            line = mark.line + 1 if mark else 1
        except Exception:  # ruamel's own stumbling, whose words may quote what is written
            problem, line = "too odd to be read", 1
        problem, _, _value = problem.partition(" with value ")
        raise self.invalid(f"broken YAML: {problem}", where=f"{self.path}:{line}")

    def _problem(self, item: Any, model: type[BaseModel]) -> Problem:
        keys = tuple(part for part in item["loc"] if part != "[key]")
        dotted = ".".join(str(part) for part in keys)
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(keys[-1]), _field_names(model), 1)
            hint = f"did you mean {near[0]}?" if near else ""
            return Problem(self.where(*keys), f"unknown key {dotted}", hint)
        return Problem(self.where(*keys), f"{dotted}: {in_words(item)}" if dotted else in_words(item))


def in_words(item: Any) -> str:
    """What pydantic found, without its own name for it."""
    return str(item["msg"]).removeprefix("Value error, ")


def read_model(
    path: Path, model: type[Model], invalid: type[UnderstudyError], *, called: str, missing: str
) -> Model:
    """The model of a file; errors as from `read_text` and `Document.fit`."""
    text = read_text(path, invalid, called=called, missing=missing)
    return Document(path, text, called, invalid).fit(model)


def read_text(path: Path, invalid: type[UnderstudyError], *, called: str, missing: str) -> str:
    """The text of a file; NotFound (with the hint `missing`) when there is none, `invalid` for no text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"no {called} file {path}", hint=missing) from None
    except UnicodeDecodeError:
        raise invalid("not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise invalid(f"cannot be read: {error.strerror}", where=str(path)) from None


class _Plain:
    """What a text says, built of the parser's events: three times as fast as by way of ruamel's nodes.

    Raises some error for what is broken, and for anchors, tags and merged mappings.
    """

    def __init__(self, text: str) -> None:
        self._yaml = YAML(typ="safe")
        _stream, _document, first, *rest = self._yaml.parse(text)
        self._events = iter(rest)
        self.value = self._built(first)
        if [type(event) for event in self._events] != [DocumentEndEvent, StreamEndEvent]:
            raise ValueError

    def _built(self, event: Any) -> Any:
        if event.anchor or event.tag:
            raise ValueError
        if isinstance(event, ScalarEvent):
            return self._scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, SequenceStartEvent):
            return [self._built(item) for item in self._until(SequenceEndEvent)]
        found: dict[Any, Any] = {}
        for item in self._until(MappingEndEvent):
            key = self._built(item)
            if key in found or key == "<<":
                raise ValueError
            found[key] = self._built(next(self._events))
        return found

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _scalar(self, value: str) -> Any:
        if not _MAYBE_TYPED.match(value):
            return value
        node = ScalarNode(self._yaml.resolver.resolve(ScalarNode, value, (True, False)), value)
        return self._yaml.constructor.construct_object(node)


class _Constructor(RoundTripConstructor):  # type: ignore[misc, unused-ignore]
    """Knows the line of a scalar that only looks like a date or a number, such as 2026-02-30."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError):
            what = "a date or number that does not exist"
            raise ConstructorError(None, None, what, node.start_mark) from None


def _field_names(model: type[BaseModel]) -> set[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}
