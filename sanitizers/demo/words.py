"""The words that the hospital's rows are made of: drawn once from Faker, then handed to SQL as arrays."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from faker import Faker

# Most people here have English names; the others keep scrubbing honest about accents and scripts.
_LOCALES = {"en_US": 340, "es_MX": 20, "fr_FR": 20, "de_DE": 20, "pl_PL": 20, "zh_CN": 10, "ja_JP": 10}

_MAIL_DOMAINS = (
    "harborpost.net", "lakeviewmail.com", "northbeachmail.net", "prairiepost.com", "redwoodletters.com",
    "summitwebmail.net", "tidewaterpost.com", "valleyboxes.net",
)  # fmt: skip

_REASONS = (
    "annual check-up", "back pain", "blood pressure follow-up", "chest pain", "cough and fever",
    "diabetes follow-up", "dizziness", "fall at home", "headache", "knee pain", "medication review",
    "palpitations", "rash", "shortness of breath", "sore throat", "vaccination",
)  # fmt: skip

_CREDENTIALS = ("MD", "DO", "NP", "PA", "RN")

# Letters that Unicode does not decompose into a base letter and an accent.
_WHOLE_LETTERS = str.maketrans({"ł": "l", "Ł": "l", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d"})


@dataclass(frozen=True)
class Words:
    """Lists to draw from, some in parallel: handles spell names as e-mail does, ZIPs belong to states."""

    women: list[str]
    men: list[str]
    last_names: list[str]
    women_handles: list[str]
    men_handles: list[str]
    last_handles: list[str]
    streets: list[str]
    cities: list[str]
    states: list[str]
    zips: list[str]
    domains: list[str]
    insurers: list[str]
    employers: list[str]
    reasons: list[str]
    authors: list[str]
    sentences: list[str]
    agents: list[str]


def draw_words(seed: int) -> Words:
    """The vocabulary of one seed. Takes a good part of a second, whatever the number of patients."""
    fakers = {locale: _faker(locale, seed) for locale in _LOCALES}
    american = fakers["en_US"]
    women = _names(fakers, "first_name_female")
    men = _names(fakers, "first_name_male")
    last_names = _names(fakers, "last_name")
    states = _many(300, lambda: _state(american))
    return Words(
        women=women,
        men=men,
        last_names=last_names,
        women_handles=_handles(women, american),
        men_handles=_handles(men, american),
        last_handles=_handles(last_names, american),
        streets=_many(300, american.street_name),
        cities=_many(300, american.city),
        states=states,
        zips=[american.zipcode_in_state(state)[:3] for state in states],
        domains=list(_MAIL_DOMAINS),
        insurers=[american.unique.last_name() for _ in range(12)],
        employers=_many(120, american.company),
        reasons=list(_REASONS),
        authors=_many(60, lambda: f"{american.name()}, {american.random_element(_CREDENTIALS)}"),
        sentences=_many(80, lambda: american.sentence(nb_words=9)),
        agents=_many(30, american.user_agent),
    )


def _faker(locale: str, seed: int) -> Faker:
    faker = Faker(locale)
    faker.seed_instance(seed)
    return faker


def _many(count: int, draw: Callable[[], str]) -> list[str]:
    return [draw() for _ in range(count)]


def _names(fakers: dict[str, Faker], kind: str) -> list[str]:
    names: list[str] = []
    for locale, count in _LOCALES.items():
        names += _many(count, getattr(fakers[locale], kind))
    return names


def _state(faker: Faker) -> str:
    return faker.state_abbr(include_territories=False, include_freely_associated_states=False)


def _handles(names: list[str], faker: Faker) -> list[str]:
    return [_latin(name) or faker.word() for name in names]


def _latin(name: str) -> str:
    """The name in lower-case ASCII letters; empty for scripts that have none."""
    folded = unicodedata.normalize("NFKD", name.translate(_WHOLE_LETTERS)).lower()
    return "".join(letter for letter in folded if "a" <= letter <= "z")
