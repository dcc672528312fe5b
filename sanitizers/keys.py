"""The run key and what is derived from it. Lives in memory only; its text form never shows it.

Run key -> HKDF-SHA-256 (RFC 5869) per linkage domain -> HMAC-SHA-256 (RFC 2104) per value. The HMAC itself
runs in the database as two nested `sha256` calls over the two 64-byte pads computed here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

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
