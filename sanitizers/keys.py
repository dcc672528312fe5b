"""The keys of a run and what is derived from them. Their text form never shows them.

A run's own key lives as long as the run; the key of an epoch outlives it by the days that the policy says, in
a file that only the runner may read.

Key -> HKDF-SHA-256 (RFC 5869) per linkage domain -> HMAC-SHA-256 (RFC 2104) per value. The HMAC itself runs
in the database as two nested `sha256` calls over the two 64-byte pads computed here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sanitizers.atomic import replace_file

_BLOCK = 64
"""SHA-256's block length in bytes."""


@dataclass(frozen=True)
class RunKey:
    """256 secret bits of one run."""

    secret: bytes = field(repr=False)

    @classmethod
    def draw(cls) -> RunKey:
        return cls(secrets.token_bytes(32))

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, for instance `domain:email`; different purposes are unlinkable."""
        return HKDF(SHA256(), 32, salt=b"understudy", info=purpose.encode()).derive(self.secret)

    def pads(self, purpose: str) -> tuple[bytes, bytes]:
        """The inner and outer HMAC pads (64 bytes each) of the key for `purpose`."""
        key = self.derive(purpose).ljust(_BLOCK, b"\0")
        return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)

    def fraction(self, purpose: str) -> float:
        """A secret number in [0, 1), uniform, for one purpose."""
        return int.from_bytes(self.derive(purpose)[:7]) / 2**56


@dataclass(frozen=True)
class EpochKeys:
    """Keys of linkage domains whose pseudonyms stay the same for some nights, one file each in a folder."""

    folder: Path

    def key(self, domain: str, days: int, today: date) -> RunKey:
        """The domain's key, drawn anew where the last one is older than `days`."""
        path = self.folder / f"{hashlib.sha256(domain.encode()).hexdigest()[:16]}.json"
        if path.is_file():
            kept = json.loads(path.read_text())
            if date.fromisoformat(kept["drawn"]) + timedelta(days) > today:
                return RunKey(bytes.fromhex(kept["secret"]))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        drawn = RunKey.draw()
        kept = {"domain": domain, "drawn": str(today), "days": days, "secret": drawn.secret.hex()}
        replace_file(path, json.dumps(kept).encode())
        return drawn

    def destroy_expired(self, today: date) -> Iterator[str]:
        """Deletes the keys whose days are over; yields their domains."""
        for path in sorted(self.folder.glob("*.json")):
            kept = json.loads(path.read_text())
            if date.fromisoformat(kept["drawn"]) + timedelta(kept["days"]) <= today:
                path.unlink()
                yield kept["domain"]
