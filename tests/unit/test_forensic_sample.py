"""Which piece of a value is searched for, and which values would be found where nothing has leaked."""

from __future__ import annotations

from sanitizers.forensics.sample import Pools, piece
from tests.sample_runs import plan

POOLS = Pools(plan(), "en_US")


def test_a_short_value_is_searched_for_as_a_whole() -> None:
    assert piece("ada.lovelace@northlake-mail.net") == "ada.lovelace@northlake-mail.net"
    assert piece(b"\x01\x02") == b"\x01\x02"


def test_of_a_long_text_a_piece_from_its_middle_is() -> None:
    text = f"{'The patient came in. ' * 5}Her neighbour Ada brought her.{' She left at noon.' * 6}"
    found = piece(text)
    assert len(found) == 24
    assert found in text
    assert abs(text.index(str(found)) + 12 - len(text) // 2) <= 1


def test_what_is_not_written_as_it_is_everywhere_is_no_part_of_it() -> None:
    assert piece('12 Elm Street\nApartment "Rosenhof" 4') == "12 Elm Street"
    assert piece("C:\\Users\\ada.lovelace") == "ada.lovelace"


def test_words_that_surrogates_are_made_of_tell_nothing() -> None:
    first = next(word for word in POOLS.words if len(word) == 7)
    assert not POOLS.lack(f"{first} {first}")
    assert not POOLS.lack(f"{first.upper()} Li")
    assert POOLS.lack(f"{first} Quackenbush")
    assert POOLS.lack(f"{first} 123-45-6789")


def test_numbers_have_no_words_that_could_be_taken() -> None:
    assert POOLS.lack("123-45-6789")
