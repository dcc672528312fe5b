"""The word lists behind surrogates: drawn from Faker once per locale, never per row.

A list reaches the database as one `name[]` parameter: fixed-width elements make picking one a single step,
where `text[]` is walked from its start (0.27 s against 6 s for a million picks).
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import cycle
from typing import Any

from sanitizers.errors import PolicyInvalid

_DRAWS = 1500
_FEWEST = {"state": 8}
_FEWEST_OTHERWISE = 20
_BYTES = 63
"""What fits PostgreSQL's `name`."""
_SAME_EVERYWHERE = {"state_abbr", "country_code"}
"""Codes: those of en_US in every locale."""
_ELSEWHERE = {"state": "administrative_unit"}
"""What Faker calls it in locales that have no such word."""
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th"})


@cache
def pool(name: str, locale: str, longest: int = _BYTES) -> tuple[str, ...]:
    """Words of one kind, shuffled, none longer than `longest` characters; the same every time.

    A word has the same place in the lists of all lengths it fits, so that columns of different length agree;
    in the others a shorter one is there. PolicyInvalid where too few words are that short.
    """
    return _fitted(name, locale, longest, _words(name, "en_US" if name in _SAME_EVERYWHERE else locale))


@cache
def ascii_pool(name: str, locale: str, longest: int = _BYTES) -> tuple[str, ...]:
    """The words of `pool` as e-mail addresses spell them, a to z only, each at its place.

    Words of other scripts have English ones in their place.
    """
    folded = [_folded(word) for word in _words(name, locale)]
    english = [_folded(word) for word in _words(name, "en_US")]
    return _fitted(name, locale, longest, folded, folded if all(folded) else english)


@cache
def _words(name: str, locale: str) -> tuple[str, ...]:
    """Distinct words of any length that fits a `name`."""
    from faker import Faker  # its import takes a quarter of a second, which plans need not wait for

    try:
        faker = Faker(locale)
    except AttributeError:
        raise PolicyInvalid(f"Faker knows no locale {locale!r}", hint="see locale: in the policy") from None
    faker.seed_instance(f"{name}|{locale}")
    drawn = {" ".join(_draw(faker, name).split()) for _ in range(_DRAWS)}
    # In bytes: a letter is too short for a name, a Chinese character is one.
    words = sorted(word for word in drawn if 2 <= len(word.encode()) <= _BYTES)
    random.Random(name).shuffle(words)
    return tuple(words)


def _draw(faker: Any, name: str) -> str:
    if name == "sentence":
        return str(faker.sentence(nb_words=6))
    draw = getattr(faker, name, None) or getattr(faker, _ELSEWHERE[name])
    return str(draw())


def _fitted(
    name: str, locale: str, longest: int, words: Sequence[str], spare: Sequence[str] = ()
) -> tuple[str, ...]:
    """The words with others in place of those that do not fit, never twice the same in a row."""
    short = list(dict.fromkeys(word for word in spare or words if 0 < len(word) <= longest))
    if len(short) < _FEWEST.get(name, _FEWEST_OTHERWISE):
        what = f"only {len(short)} words for {name} of at most {longest} characters in locale {locale}"
        raise PolicyInvalid(what, hint="choose another locale: in the policy, or another treatment")
    fitted, others = list(words), cycle(short)
    for place, word in enumerate(words):
        if not 0 < len(word) <= longest:
            beside = (fitted[place - 1], fitted[(place + 1) % len(fitted)])
            fitted[place] = next(other for other in others if other not in beside)
    return tuple(fitted)


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.lower().translate(_LETTERS))
    return "".join(letter for letter in plain if "a" <= letter <= "z")
