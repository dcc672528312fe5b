"""JSON Schema of the policy file, for editors and for checks without Understudy. Made from the models.

`python -m sanitizers.policy.schema` prints it as it stands in policies/policy.schema.json.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

from sanitizers.policy.document import Policy, Profile, load_profile
from sanitizers.postgres.statements import data_root
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import PARTS, Transformer

Schema = dict[str, Any]


def policy_schema() -> Schema:
    """JSON Schema (2020-12) of a policy: categories of all profiles, treatments with their parameters."""
    profiles = [
        load_profile(file.stem) for file in sorted((data_root("policies") / "profiles").glob("*.yaml"))
    ]
    schema = _plain(Policy.model_json_schema())
    schema["properties"]["profile"]["enum"] = [profile.profile for profile in profiles]
    definitions = schema["$defs"]
    definitions["Category"] = _category(profiles)
    definitions["Treatment"] = {
        "description": "What is done to the column, instead of what the profile does with its category.",
        "oneOf": [{"$ref": f"#/$defs/{_name(kind)}"} for kind in TRANSFORMERS],
    }
    definitions |= {_name(kind): treatment_schema(transformer) for kind, transformer in TRANSFORMERS.items()}
    rule = definitions["ColumnRule"]
    rule["properties"]["category"] = {"$ref": "#/$defs/Category"}
    rule["properties"]["treat"] = {"$ref": "#/$defs/Treatment"}
    definitions["ColumnRule"] = {"anyOf": [{"$ref": "#/$defs/Category"}, rule]}
    _either(definitions["Exemption"], "where", "through")
    definitions["RowRule"] = {"anyOf": [{"enum": ["drop", "referenced"]}, definitions["RowRule"]]}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Understudy policy"}
    return (
        head
        | {key: value for key, value in schema.items() if key not in {"title", "$defs"}}
        | {"$defs": definitions}
    )


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"


def _name(kind: str) -> str:
    return f"treat_{kind}"


def _category(profiles: list[Profile]) -> Schema:
    """Every category and part by name; a part may also be a free word, as in quasi_identifier.zip."""
    rules = {name: rule for profile in profiles for name, rule in profile.categories.items()}
    parts = {
        f"{name}.{part}"
        for profile in profiles
        for name, rule in profile.categories.items()
        for part in rule.parts
    }
    listed = [
        entry
        for name in rules
        for entry in (name, *sorted(part for part in parts if part.startswith(f"{name}.")))
    ]
    return {
        "description": "What the column is: a category of the profile, or a part of one (name.first).",
        "type": "string",
        "anyOf": [{"enum": listed}, {"pattern": rf"^({'|'.join(rules)})\.\S+$"}],
    }


def treatment_schema(transformer: Transformer) -> Schema:
    """JSON Schema of one treatment's parameters, its kind among them."""
    schema = _plain(transformer.params.model_json_schema())
    for name in PARTS.keys() & schema.get("properties", {}).keys():
        schema["properties"][name]["additionalProperties"] = _PART
    return {
        "description": " ".join(inspect.cleandoc(type(transformer).__doc__ or "").split()),
        "type": "object",
        "properties": {"kind": {"const": transformer.kind}, **schema.get("properties", {})},
        "required": ["kind", *schema.get("required", [])],
        "additionalProperties": False,
    }


_PART: Schema = {
    "description": "A category of the profile, a treatment, or `keep` for all of it.",
    "anyOf": [{"const": "keep"}, {"$ref": "#/$defs/Category"}, {"$ref": "#/$defs/Treatment"}],
}


def _either(schema: Schema, one: str, other: str) -> None:
    """Exactly one of the two, as the model demands."""
    schema["oneOf"] = [{"required": [one]}, {"required": [other]}]
    for key in (one, other):
        schema["properties"][key] = {"type": "string"} | {
            name: value for name, value in schema["properties"][key].items() if name == "description"
        }


def _plain(schema: Any, *, names: bool = False) -> Any:
    """Without pydantic's titles, and without `null` for keys that are simply left out."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _plain(value, names=key in {"properties", "$defs"})
        for key, value in schema.items()
        if names or key != "title"
    }
    options = kept.get("anyOf") if not names else None
    if options and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        kept = {key: value for key, value in kept.items() if key not in {"anyOf", "default"}} | (
            rest[0] if len(rest) == 1 else {"anyOf": rest}
        )
    return kept


if __name__ == "__main__":
    sys.stdout.write(schema_text())
