"""The known password's hashes, each verified by other code than made it."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import get_args

import bcrypt
import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sanitizers.catalog import Column
from sanitizers.keys import RunKey
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import treatment
from sanitizers.transformers.credential import Format, hashed

PASSWORD, SALT = "staging 🔑", bytes(range(200, 232))


def made(format_: str, password: str = PASSWORD) -> str:
    return hashed(format_, password, SALT)


def unpadded(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    ("format_", "prefix"), [("bcrypt", "$2b$10$"), ("laravel", "$2y$12$"), ("devise", "$2a$12$")]
)
def test_bcrypt_under_each_prefix(format_: str, prefix: str) -> None:
    assert made(format_).startswith(prefix)
    assert bcrypt.checkpw(PASSWORD.encode(), made(format_).encode())
    assert not bcrypt.checkpw(b"another", made(format_).encode())


def test_bcrypt_of_a_long_password_is_that_of_its_72_bytes() -> None:
    assert bcrypt.checkpw(b"x" * 72, made("bcrypt", "x" * 100).encode())


def test_argon2() -> None:
    Argon2id.verify_phc_encoded(PASSWORD.encode(), made("argon2"))
    with pytest.raises(InvalidKey):
        Argon2id.verify_phc_encoded(b"another", made("argon2"))


def test_scrypt_as_a_phc_string() -> None:
    _, name, cost, salt, key = made("scrypt").split("$")
    assert (name, cost) == ("scrypt", "ln=15,r=8,p=1")
    found = hashlib.scrypt(PASSWORD.encode(), salt=unpadded(salt), n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    assert unpadded(key) == found


def test_scrypt_as_flask_writes_it() -> None:
    method, salt, key = made("werkzeug").split("$")
    name, n, r, p = method.split(":")
    cost = {"n": int(n), "r": int(r), "p": int(p)}
    assert name == "scrypt"
    assert hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), maxmem=2**26, **cost).hex() == key


def test_django() -> None:
    name, rounds, salt, key = made("django").split("$")
    assert (name, salt.isalnum()) == ("pbkdf2_sha256", True)
    assert hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt.encode(), int(rounds)) == b64decode(key)


@pytest.mark.parametrize("format_", get_args(Format))
def test_the_column_must_hold_the_whole_hash(format_: str) -> None:
    found = treatment({"kind": "known_password", "format": format_}, "credential")

    def problems(room: int | None, base: str = "varchar") -> list[str]:
        return list(found.transformer.problems(Column("v", 1, base, base, max_length=room), found.params))

    length = len(made(format_))
    assert problems(None) == problems(length) == []
    assert len(problems(length - 1)) == 1
    assert bool(problems(None, "name")) == (length > 63)


def test_one_hash_a_run_wherever_it_is_made() -> None:
    keys = RunKey(b"k" * 32), RunKey(b"k" * 32), RunKey(b"x" * 32)
    one, same, other = (Bindings(key, "en_US", "staging").values(["password:bcrypt"]) for key in keys)
    assert one == same != other
