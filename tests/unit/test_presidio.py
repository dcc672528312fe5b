"""Presidio's pattern recognizers, where they are installed: offline, and without a language model."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import Any

import pytest

from sanitizers.transformers.presidio import redact
from tests.conftest import unavailable

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def arrow(monkeypatch: pytest.MonkeyPatch) -> Any:
    if find_spec("presidio_analyzer") is None or find_spec("pyarrow") is None:
        unavailable("the extras `presidio` and `functions` are not installed")
    import pyarrow

    def refused(*_: Any) -> None:
        raise AssertionError("it asked the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    return pyarrow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail ada@example.com now", "mail [EMAIL_ADDRESS] now"),
        ("card 4111 1111 1111 1111.", "card [CREDIT_CARD]."),
        ("from 192.0.2.1 to DE89370400440532013000", "from [IP_ADDRESS] to [IBAN_CODE]"),
        ("nothing here", "nothing here"),
        (None, None),
    ],
)
def test_findings_become_their_entities(arrow: Any, text: str | None, expected: str | None) -> None:
    assert redact(arrow.array([text])).to_pylist() == [expected]


def test_findings_inside_others_are_one(arrow: Any) -> None:
    (text,) = redact(arrow.array(["see https://ada@example.com/x?ip=192.0.2.1"])).to_pylist()
    assert text.count("[") == text.count("]")
    assert "ada" not in text
