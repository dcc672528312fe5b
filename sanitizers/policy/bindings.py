"""What a plan's binding names stand for in one run: key pads, words, secret numbers, the known password."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from sanitizers.keys import RunKey
from sanitizers.transformers.credential import hashed
from sanitizers.transformers.words import ascii_pool, pool


@dataclass(frozen=True)
class Bindings:
    """Resolves binding names (see `plan.Statement`). Secrets go to the server as parameters only."""

    key: RunKey
    locale: str
    password: str = field(repr=False)
    epochs: Mapping[str, RunKey] = field(default_factory=dict)
    """Keys of their own, by linkage domain."""
    as_of: date = field(default_factory=lambda: datetime.now(UTC).date())
    """The day on which ages are reckoned: the one a run began, so that all of its parts agree."""

    def values(self, names: Sequence[str]) -> list[Any]:
        return [self._value(name) for name in names]

    def _value(self, name: str) -> Any:
        kind, _, rest = name.partition(":")
        if kind in {"ipad", "opad"}:
            return self._of(rest).pads(f"domain:{rest}")[kind == "opad"]
        if kind in {"pool", "ascii_pool"}:
            words, _, longest = rest.partition(":")
            return list((pool if kind == "pool" else ascii_pool)(words, self.locale, int(longest)))
        if kind == "factor":
            return round(0.5 + 0.45 * self._of(rest).fraction(f"factor:{rest}"), 12)
        if kind == "start":
            return self.key.fraction(f"start:{rest}")
        if kind in {"multiplier", "addend"}:
            room, _, domain = rest.partition(":")
            return _linear(self._of(domain), kind, int(room), name)
        return self.as_of if kind == "as_of" else self._password(rest)

    def _of(self, domain: str) -> RunKey:
        return self.epochs.get(domain, self.key)

    def _password(self, format_: str) -> str:
        # Salted from the key, so that every part of a run, wherever it runs, writes the same hash.
        if format_ not in self._hashes:
            self._hashes[format_] = hashed(format_, self.password, self.key.derive(f"salt:{format_}"))
        return self._hashes[format_]

    @cached_property
    def _hashes(self) -> dict[str, str]:
        return {}


def _linear(key: RunKey, kind: str, room: int, purpose: str) -> int:
    """A secret number below `room`; a multiplier has no divisor in common with it."""
    number = int.from_bytes(key.derive(purpose)) % room
    while kind == "multiplier" and math.gcd(number, room) != 1:
        number += 1
    return number
