"""Reading a YAML file into a strict model: every mistake at once, with file and line, never with a value."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sanitizers.errors import NotFound, Problem, UnderstudyError

Model = TypeVar("Model", bound=BaseModel)


def read_model(
    path: Path, model: type[Model], invalid: type[UnderstudyError], *, called: str, missing: str
) -> tuple[Model, Any, str]:
    """The model, the document with its line numbers, and the text of a file.

    `invalid` is raised for what cannot be read or is wrong, NotFound (with the hint `missing`) when there is
    no such file; `called` is what messages call the file, for instance `policy`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = YAML().load(text)
    except FileNotFoundError:
        raise NotFound(f"no {called} file {path}", hint=missing) from None
    except UnicodeDecodeError:
        raise invalid("not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise invalid(f"cannot be read: {error.strerror}", where=str(path)) from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # a forbidden character has none
        problem = str(getattr(error, "problem", "a character that YAML forbids")).partition(" with value ")[0]
        raise invalid(f"broken YAML: {problem}", where=f"{path}:{mark.line + 1 if mark else 1}") from None
    try:
        return model.model_validate(document if document is not None else {}), document, text
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = tuple(_problem(item, path, document, model) for item in found)
        many = "s" * (len(problems) > 1)
        raise invalid(
            f"{len(problems)} mistake{many} in the {called}", where=str(path), problems=problems
        ) from None


def line_of(document: Any, keys: tuple[int | str, ...]) -> int:
    """The 1-based line of the deepest of these nested keys that the document holds."""
    line, node = 1, document
    for key in keys:
        lines = getattr(node, "lc", None)
        try:
            line = (lines.key(key) if isinstance(node, dict) else lines.item(key))[0] + 1  # type: ignore[union-attr]
            node = node[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def _problem(item: Any, path: Path, document: Any, model: type[BaseModel]) -> Problem:
    keys = tuple(part for part in item["loc"] if part != "[key]")
    dotted = ".".join(str(part) for part in keys)
    where = f"{path}:{line_of(document, keys)}"
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(keys[-1]), _field_names(model), 1)
        return Problem(where, f"unknown key {dotted}", f"did you mean {near[0]}?" if near else "")
    return Problem(where, f"{dotted}: {item['msg']}")


def _field_names(model: type[BaseModel]) -> set[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}
