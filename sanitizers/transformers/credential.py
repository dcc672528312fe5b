"""Credentials: every login gets one known staging password, hashed the way applications expect it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import TEXT, Params, Scope, Transformer, Uniqueness

_BCRYPT = 60
"""Characters of a bcrypt hash."""


class KnownPasswordParams(Params):
    format: Literal["bcrypt"] = "bcrypt"


class KnownPassword(Transformer):
    """Replaces every password hash by a valid hash of the target's `app_password`, so that people log in."""

    kind = "known_password"
    family = "suppression"
    params = KnownPasswordParams
    accepts = TEXT
    elementwise = False

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: KnownPasswordParams) -> str:
        return f"known staging password, {params.format}"

    def problems(self, column: Column, params: KnownPasswordParams) -> Iterator[str]:
        if column.max_length is not None and column.max_length < _BCRYPT:
            yield f"a bcrypt hash needs {_BCRYPT} characters, {column.type} is too short"

    def expression(
        self, column: Column, params: KnownPasswordParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        return scope.parameter(f"password:{params.format}", "text")
