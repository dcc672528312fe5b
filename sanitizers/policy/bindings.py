"""What a plan's binding names stand for in one run: key pads, words, secret numbers, the known password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import bcrypt

from sanitizers.keys import RunKey
from sanitizers.transformers.words import pool


@dataclass(frozen=True)
class Bindings:
    """Resolves binding names (see `plan.Statement`). Secrets go to the server as parameters only."""

    key: RunKey
    locale: str
    password: str = field(repr=False)

    def values(self, names: Sequence[str]) -> list[Any]:
        return [self._value(name) for name in names]

    def _value(self, name: str) -> Any:
        kind, _, rest = name.partition(":")
        if kind in {"ipad", "opad"}:
            return self.key.pads(f"domain:{rest}")[kind == "opad"]
        if kind == "pool":
            words, _, longest = rest.partition(":")
            return list(pool(words, self.locale, int(longest)))
        if kind == "factor":
            return round(0.5 + 0.45 * self.key.fraction(f"factor:{rest}"), 12)
        if kind == "start":
            return self.key.fraction(f"start:{rest}")
        return self._hashed

    @cached_property
    def _hashed(self) -> str:
        return bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(rounds=10)).decode()
