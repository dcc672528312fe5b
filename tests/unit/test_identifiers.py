"""What identifiers and surrogates tell about themselves, and words as e-mail addresses spell them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sanitizers.catalog import Column
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import treatment
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.words import ascii_pool, pool
from tests.scrubbing import KEY


def problems(spec: dict[str, object], base: str, length: int | None = None) -> list[str]:
    found = treatment(spec, "email")
    return list(
        found.transformer.problems(Column("v", 1, f"{base}({length})", base, max_length=length), found.params)
    )


class TestIdentifiers:
    @pytest.mark.parametrize(
        ("of", "length"),
        [("ssn", 9), ("npi", 10), ("mbi", 11), ("iban", 15), ("card", 15), ("vin", 17), ("imei", 15),
         ("license_plate", 7), ("passport", 9), ("uuid", 32)],
    )  # fmt: skip
    def test_room(self, of: str, length: int) -> None:
        spec: dict[str, object] = {"kind": "identifier", "of": of}
        assert problems(spec, "varchar", length) == []
        (problem,) = problems(spec, "varchar", length - 1)
        assert problem.endswith(f"needs {length} characters, varchar({length - 1}) is too short")

    @pytest.mark.parametrize(
        ("of", "fitting"),
        [("ssn", {"int4", "int8"}), ("npi", {"int8"}), ("card", {"int8"}), ("imei", set()),
         ("uuid", {"uuid"}), ("mbi", set())],
    )  # fmt: skip
    def test_types(self, of: str, fitting: set[str]) -> None:
        spec: dict[str, object] = {"kind": "identifier", "of": of}
        assert {base for base in ("int4", "int8", "uuid") if not problems(spec, base)} == fitting

    def test_only_a_uuid_is_unique(self) -> None:
        identifier = TRANSFORMERS["identifier"]
        kinds = ("ssn", "npi", "mbi", "iban", "card", "vin", "imei", "license_plate", "passport", "uuid")
        preserved = [
            of
            for of in kinds
            if identifier.uniqueness(identifier.params.model_validate({"of": of})) == "preserved"
        ]
        assert preserved == ["uuid"]

    @pytest.mark.parametrize(
        ("of", "summary"),
        [("npi", "an NPI that was never issued"), ("license_plate", "a license plate (invented)")],
    )
    def test_summary(self, of: str, summary: str) -> None:
        found = treatment({"kind": "identifier", "of": of}, "license_number")
        assert found.transformer.summary(found.params) == summary


class TestSurrogates:
    @pytest.mark.parametrize("of", ["first_name", "full_name", "url"])
    def test_only_addresses_and_user_names_are_made_of_names(self, of: str) -> None:
        with pytest.raises(ValidationError, match="named: is for of: email and of: user_name"):
            treatment({"kind": "surrogate", "of": of, "named": True}, "email")

    def test_names_need_room(self) -> None:
        spec: dict[str, object] = {"kind": "surrogate", "of": "email", "named": True}
        assert problems(spec, "varchar", 41) == [
            "a surrogate named email needs 42 characters, varchar(41) is too short"
        ]
        assert problems(spec, "varchar", 42) == []
        assert problems({"kind": "surrogate", "of": "paragraph"}, "name") != []

    @pytest.mark.parametrize(
        ("of", "base", "what"),
        [
            ("mac", "inet", "a network address"),
            ("ip", "macaddr", "a hardware address"),
            ("ip", "int8", "a number"),
        ],
    )
    def test_types(self, of: str, base: str, what: str) -> None:
        (problem,) = problems({"kind": "surrogate", "of": of}, base)
        assert problem.startswith(f"a surrogate {of} is not {what}, ")

    def test_all_of_them_stay_clear_of_the_bits_that_move_dates(self) -> None:
        from sanitizers.transformers import identifier, surrogate

        assert max(surrogate._AT.values()) + surrogate._TAG // 2 <= TRANSFORMERS["date_shift"].first_byte
        longest = {"mbi": 10, "vin": 8, "uuid": 17, "iban": 5, "license_plate": 5}
        ends = [sort.at + longest.get(of, 4) for of, sort in identifier._SORTS.items()]
        # And one more, for the next choice.
        assert identifier.Identifier.first_byte + max(ends) + 1 <= TRANSFORMERS["date_shift"].first_byte


class TestWords:
    @pytest.mark.parametrize("locale", ["en_US", "de_DE", "pl_PL", "ja_JP", "ru_RU"])
    @pytest.mark.parametrize("name", ["first_name", "last_name"])
    def test_as_addresses_spell_them(self, name: str, locale: str) -> None:
        words, spelled = pool(name, locale), ascii_pool(name, locale, 16)
        assert len(words) == len(spelled)
        assert all(
            word.isascii() and word.isalpha() and word.islower() and len(word) <= 16 for word in spelled
        )

    def test_accents_and_spaces_go(self) -> None:
        words = dict(zip(pool("last_name", "pl_PL"), ascii_pool("last_name", "pl_PL"), strict=True))
        assert words["Kałwa"] == "kalwa"
        spanish = dict(zip(pool("last_name", "es_MX"), ascii_pool("last_name", "es_MX"), strict=True))
        assert spanish["López"] == "lopez"

    @pytest.mark.parametrize("name", ["first_name", "company", "country", "city"])
    def test_a_word_has_the_same_place_in_lists_of_every_length(self, name: str) -> None:
        whole, short = pool(name, "en_US"), pool(name, "en_US", 14)
        assert len(whole) == len(short)
        assert all(old == new or len(old) > 14 >= len(new) for old, new in zip(whole, short, strict=True))
        # The next choice is always another one.
        assert all(left != right for left, right in zip(short, (*short[1:], short[0]), strict=True))

    @pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR", "ja_JP"])
    def test_places_of_any_locale(self, locale: str) -> None:
        assert len(set(pool("state", locale, 14))) >= 8
        assert all(len(code) == 2 for name in ("state_abbr", "country_code") for code in pool(name, locale))

    def test_bindings(self) -> None:
        (words,) = Bindings(KEY, "en_US", "x").values(["ascii_pool:first_name:16"])
        assert words == list(ascii_pool("first_name", "en_US", 16))
