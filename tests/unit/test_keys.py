"""The run key: derivations known from elsewhere, unlinkable to each other, invisible in text."""

from __future__ import annotations

import hashlib
import hmac
import pickle
from datetime import date, timedelta
from pathlib import Path
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st

from sanitizers.keys import EpochKeys, RunKey

KEY = RunKey(bytes(range(32)))


def hkdf(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 by hand, one block of output."""
    extracted = hmac.new(b"understudy", secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def test_derivation_is_hkdf() -> None:
    assert KEY.derive("domain:email") == hkdf(KEY.secret, b"domain:email")


@given(st.text(), st.binary(max_size=200))
def test_pads_make_an_hmac_of_two_plain_hashes(purpose: str, message: bytes) -> None:
    inner, outer = KEY.pads(purpose)
    nested = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()
    assert nested == hmac.new(KEY.derive(purpose), message, hashlib.sha256).digest()
    assert (len(inner), len(outer)) == (64, 64)


def test_purposes_and_keys_are_apart() -> None:
    other = RunKey(bytes(32))
    derived = [key.derive(purpose) for key in (KEY, other) for purpose in ("a", "b", "a:b", "", "domain:a")]
    assert len(set(derived)) == 10


def test_fractions_are_spread_over_the_unit_interval() -> None:
    fractions = [KEY.fraction(f"purpose {number}") for number in range(1000)]
    assert all(0 <= fraction < 1 for fraction in fractions)
    assert 0.45 < mean(fractions) < 0.55


def test_drawn_keys_differ() -> None:
    assert len({RunKey.draw().secret for _ in range(100)}) == 100


def test_text_never_shows_the_secret() -> None:
    assert str(KEY) == repr(KEY) == "RunKey()"
    assert f"{KEY!r:>20}".strip() == "RunKey()"
    assert pickle.loads(pickle.dumps(KEY)) == KEY


class TestEpochs:
    DAY = date(2026, 11, 20)

    def test_a_key_is_kept_for_its_days_and_then_drawn_anew(self, tmp_path: Path) -> None:
        keys = EpochKeys(tmp_path / "keys")
        nights = [keys.key("email", 3, self.DAY + timedelta(night)) for night in range(7)]
        assert [nights.index(key) for key in nights] == [0, 0, 0, 3, 3, 3, 6]

    def test_domains_have_keys_of_their_own(self, tmp_path: Path) -> None:
        keys = EpochKeys(tmp_path)
        assert keys.key("email", 9, self.DAY) != keys.key("phone", 9, self.DAY)

    def test_files_are_their_owners_alone(self, tmp_path: Path) -> None:
        EpochKeys(tmp_path / "keys").key("email", 9, self.DAY)
        [file] = (tmp_path / "keys").iterdir()
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    def test_expired_keys_are_destroyed(self, tmp_path: Path) -> None:
        keys = EpochKeys(tmp_path)
        keys.key("email", 2, self.DAY)
        keys.key("phone", 5, self.DAY)
        assert list(keys.destroy_expired(self.DAY + timedelta(1))) == []
        assert list(keys.destroy_expired(self.DAY + timedelta(2))) == ["email"]
        assert len(list(tmp_path.iterdir())) == 1

    def test_of_a_database_without_any(self, tmp_path: Path) -> None:
        assert list(EpochKeys(tmp_path / "none").destroy_expired(self.DAY)) == []
