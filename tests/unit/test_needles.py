"""What is searched for, and how it may be spelled."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from sanitizers.forensics.needles import Needle, Needles, specific, spellings


def text(value: str) -> Needle:
    return Needle("public.patients.name", value.encode())


def spelled(needle: Needle, name: str) -> set[bytes]:
    return {found for spelling, found in spellings(needle) if spelling == name}


def test_the_same_value_twice_is_one_needle() -> None:
    needles = Needles([text("Ann Lee"), Needle("public.visits.guest", b"Ann Lee"), text("Bob Ray")])
    assert [one.value for one in needles.items] == [b"Ann Lee", b"Bob Ray"]


def test_a_text_and_the_same_bytes_of_a_binary_value_are_two() -> None:
    assert len(Needles([text("Ann Lee"), Needle("public.scans.image", b"Ann Lee", binary=True)])) == 2


def test_those_found_can_be_left_out() -> None:
    needles = Needles([text("one"), text("two"), text("three")])
    assert [one.value for one in needles.without([0, 2]).items] == [b"two"]


def test_no_value_in_what_is_printed() -> None:
    assert "Ann" not in repr(text("Ann Lee")) + repr(Needles([text("Ann Lee")])) + str(Needles([text("Ann")]))


@pytest.mark.parametrize(
    "value",
    ["617-555-0134", "6175550134", "123-45-6789", "ann.lee@example.org", "Christopher Lee", "MRN0012345678"],
)
def test_chance_does_not_write(value: str) -> None:
    assert specific(value)


@pytest.mark.parametrize(
    "value", ["", "Ann Lee", "02139", "1980-01-02", "123456789", "000-00-0000", "xxxxxxxxxxxxxxxx"]
)
def test_chance_may_write(value: str) -> None:
    assert not specific(value)


def test_a_text_in_any_case() -> None:
    assert spelled(text("Zoë Lee"), "plain") == {"Zoë Lee".encode(), "zoë lee".encode(), "ZOË LEE".encode()}


def test_a_text_in_two_bytes_a_character() -> None:
    assert spelled(text("Zoë"), "utf-16") == {b"Z\0o\0\xeb\0", b"\0Z\0o\0\xeb"}


def test_a_text_in_an_address_of_the_web() -> None:
    expected = {b"Zo%C3%AB+Lee", b"Zo%c3%ab+Lee", b"Zo%C3%AB%20Lee", b"Zo%c3%ab%20Lee"}
    assert spelled(text("Zoë Lee"), "percent") == expected
    assert not spelled(text("6175550134"), "percent"), "the same as plain"


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("behind", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_whatever_surrounds_the_value(before: int, behind: int, encode: type) -> None:
    value = "ÿÿ>?Zoë Lee-Ray".encode()
    whole = encode(b"\xa7" * before + value + b"\x5e" * behind)
    found = [one for one in spelled(Needle("", value), "base64") if one in whole]
    assert max(map(len, found)) >= len(value) * 4 // 3 - 2


def test_hexadecimal_in_both_cases() -> None:
    assert spelled(text("Zoë"), "hexadecimal") == {b"5a6fc3ab", b"5A6FC3AB"}


def test_binary_values_are_no_text() -> None:
    needle = Needle("public.scans.image", b"\xff\xd8\xff\xe0image", binary=True)
    assert {name for name, _ in spellings(needle)} == {"plain", "hexadecimal", "base64"}
    assert spelled(needle, "plain") == {needle.value}


def test_a_percent_sign_is_quoted_too() -> None:
    assert quote("100%", safe="").encode() in spelled(text("100%"), "percent")
