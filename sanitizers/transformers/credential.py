"""Credentials: every login gets one known staging password, hashed the way applications expect it."""

from __future__ import annotations

import hashlib
import string
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import TEXT, Params, Scope, Transformer, Uniqueness

Format = Literal["bcrypt", "laravel", "devise", "argon2", "scrypt", "werkzeug", "django"]


class KnownPasswordParams(Params):
    format: Format = "bcrypt"
    """`bcrypt` ($2b$), `laravel` (bcrypt as PHP writes it, $2y$), `devise` (bcrypt as Ruby writes it, $2a$,
    without a pepper), `argon2` (argon2id as a PHC string), `scrypt` (a PHC string as passlib writes it),
    `werkzeug` (scrypt as Flask writes it), `django` (pbkdf2_sha256)."""


class KnownPassword(Transformer):
    """Replaces every password hash by a valid hash of the target's `app_password`, so that people log in.

    It is one hash for everybody in the run: nothing of the original stays, not even whose were equal. A site
    that adds a pepper of its own must leave it out in staging.
    """

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
        needed = _FORMATS[params.format].length
        room = 63 if column.base == "name" else column.max_length
        if room is not None and room < needed:
            name = "bcrypt" if needed == _BCRYPT else params.format
            article = "an" if name == "argon2" else "a"
            yield f"{article} {name} hash needs {needed} characters, {column.type} is too short"

    def expression(
        self, column: Column, params: KnownPasswordParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        return scope.parameter(f"password:{params.format}", "text")


def hashed(format_: str, password: str, salt: bytes) -> str:
    """The password's hash in one of the formats of `known_password`; `salt` gives at least 16 bytes."""
    return _FORMATS[format_].hash(password.encode(), salt[:16])


@dataclass(frozen=True)
class _Format:
    hash: Callable[[bytes, bytes], str]
    length: int
    """Of every hash, in characters."""


def _bcrypt(prefix: str, rounds: int) -> _Format:
    """The same algorithm under the prefix that the application looks for."""

    def hash_(password: bytes, salt: bytes) -> str:
        import bcrypt

        written = _base64(salt).translate(_BCRYPT_ALPHABET)
        # The algorithm reads no more than 72 bytes; applications cut there too.
        made = bcrypt.hashpw(password[:72], f"$2b${rounds}${written}".encode()).decode()
        return prefix + made.removeprefix("$2b")

    return _Format(hash_, _BCRYPT)


_BCRYPT = 60
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_BCRYPT_ALPHABET = str.maketrans(_LETTERS + "+/", "./" + _LETTERS)


def _base64(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")


def _argon2(password: bytes, salt: bytes) -> str:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    made = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65536).derive(password)
    return f"$argon2id$v=19$m=65536,t=3,p=4${_base64(salt)}${_base64(made)}"


def _scrypt(password: bytes, salt: bytes) -> str:
    return f"$scrypt$ln=15,r=8,p=1${_base64(salt)}${_base64(_scrypt_key(password, salt, 32))}"


def _werkzeug(password: bytes, salt: bytes) -> str:
    written = salt.hex()[:16]
    return f"scrypt:32768:8:1${written}${_scrypt_key(password, written.encode(), 64).hex()}"


def _scrypt_key(password: bytes, salt: bytes, length: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=length, n=2**15, r=8, p=1).derive(password)


def _django(password: bytes, salt: bytes) -> str:
    written, rounds = salt.hex()[:22], 600_000
    made = hashlib.pbkdf2_hmac("sha256", password, written.encode(), rounds)
    return f"pbkdf2_sha256${rounds}${written}${b64encode(made).decode()}"


_FORMATS: dict[str, _Format] = {
    "bcrypt": _bcrypt("$2b", 10),
    "laravel": _bcrypt("$2y", 12),
    "devise": _bcrypt("$2a", 12),
    "argon2": _Format(_argon2, 97),
    "scrypt": _Format(_scrypt, 88),
    "werkzeug": _Format(_werkzeug, 162),
    "django": _Format(_django, 88),
}
