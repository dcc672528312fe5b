"""What treatments tell about themselves, and the words they draw from."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from pydantic import ValidationError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sanitizers.errors import PolicyInvalid
from sanitizers.keys import RunKey
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import treatment
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import cast, fragment, owned
from sanitizers.transformers.words import pool

WORDS = ("first_name", "last_name", "company", "job", "street_name", "sentence")

LOCALES = ("en_US", "de_DE", "fr_FR", "es_MX", "pl_PL", "ja_JP", "zh_CN", "ru_RU", "ar_SA")


class TestDefinitions:
    @pytest.mark.parametrize("kind", TRANSFORMERS)
    def test_each_is_registered_under_its_kind_and_explains_itself(self, kind: str) -> None:
        transformer = TRANSFORMERS[kind]
        assert transformer.kind == kind
        assert transformer.__doc__
        assert transformer.family in {
            "none", "suppression", "generalization", "pseudonymization", "surrogate", "noise", "permutation"
        }  # fmt: skip

    @pytest.mark.parametrize("kind", TRANSFORMERS)
    def test_unknown_parameters_are_refused(self, kind: str) -> None:
        with pytest.raises(ValidationError):
            TRANSFORMERS[kind].params.model_validate({"nonsense": 1})

    def test_an_unknown_kind(self) -> None:
        with pytest.raises(KeyError):
            treatment({"kind": "nonsense"}, "email")

    @pytest.mark.parametrize(
        ("spec", "summary"),
        [
            ({"kind": "null"}, "set to NULL"),
            ({"kind": "surrogate", "of": "first_name"}, "surrogate first name"),
            ({"kind": "unique", "format": "ssn"}, "keyed bijection into numbers never issued"),
            ({"kind": "date_shift", "days": 9, "by": "id"}, "shifted by up to 9 days per id"),
            ({"kind": "scale", "noise": 0.25}, "scaled by a secret factor, noise up to 25%"),
            ({"kind": "json"}, "JSON erased"),
            (
                {"kind": "json", "paths": {"a": {"kind": "keep"}}},
                "JSON: 1 paths kept or treated, the rest erased",
            ),
        ],
    )
    def test_summaries(self, spec: dict[str, object], summary: str) -> None:
        found = treatment(spec, "email")
        assert found.transformer.summary(found.params) == summary

    @pytest.mark.parametrize(
        ("spec", "uniqueness"),
        [
            ({"kind": "keep"}, "preserved"), ({"kind": "null"}, "preserved"),
            ({"kind": "unique"}, "preserved"),
            ({"kind": "surrogate", "of": "email"}, "preserved"), ({"kind": "constant", "value": 1}, "lossy"),
            ({"kind": "surrogate", "of": "phone"}, "not_guaranteed"), ({"kind": "known_password"}, "lossy"),
            ({"kind": "pseudonym"}, "not_guaranteed"), ({"kind": "placeholder"}, "lossy"),
            ({"kind": "json"}, "lossy"),
        ],
    )  # fmt: skip
    def test_uniqueness(self, spec: dict[str, object], uniqueness: str) -> None:
        found = treatment(spec, "email")
        assert found.transformer.uniqueness(found.params) == uniqueness

    @pytest.mark.parametrize(
        ("spec", "category", "domain"),
        [
            ({"kind": "surrogate", "of": "phone"}, "fax", "phone"),
            ({"kind": "unique"}, "account_number.token", "account_number"),
            ({"kind": "unique", "domain": "other"}, "mrn", "other"),
        ],
    )
    def test_linkage_domains(self, spec: dict[str, object], category: str, domain: str) -> None:
        assert treatment(spec, category).domain == domain

    def test_equal_treatments_are_equal_and_can_be_remembered(self) -> None:
        spec = {"kind": "json", "paths": {"a": {"kind": "keep"}}}
        assert treatment(spec, "json") == treatment(dict(spec), "json")
        assert hash(treatment(spec, "json")) == hash(treatment(dict(spec), "json"))


class TestPaths:
    @pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
    def test_empty_keys_cannot_be_named(self, path: str) -> None:
        with pytest.raises(ValidationError, match="an empty key cannot be named"):
            treatment({"kind": "json", "paths": {path: {"kind": "keep"}}}, "json")

    def test_a_path_ends_where_it_is_treated(self) -> None:
        paths = {"a.b": {"kind": "keep"}, "a.b.c": {"kind": "keep"}}
        with pytest.raises(ValidationError, match="another path lies below it"):
            treatment({"kind": "json", "paths": paths}, "json")

    def test_a_treatment_needs_a_kind(self) -> None:
        with pytest.raises(ValidationError, match="a treatment needs a kind"):
            treatment({"kind": "json", "paths": {"a": {"of": "email"}}}, "json")


class TestFragments:
    def test_strings_and_numbers_become_literals(self) -> None:
        assert fragment("f(:a, :b)", a="it's :b", b=-3).sql("postgres") == "F('it''s :b', -3)"

    def test_a_part_can_be_used_again(self) -> None:
        part = exp.column("a")
        first, second = fragment(":x + :x", x=part), fragment("- :x", x=part)
        assert (first.sql(), second.sql()) == ("a + a", "-a")

    def test_a_missing_part(self) -> None:
        with pytest.raises(KeyError):
            fragment(":a + :b", a=1)

    def test_what_is_no_expression(self) -> None:
        with pytest.raises((ValueError, SqlglotError)):
            fragment("VACUUM")

    def test_owned_copies_what_has_a_parent(self) -> None:
        tree = exp.column("a")
        assert owned(tree) is tree
        whole = cast(tree, "name[]")
        assert whole.sql("postgres") == "CAST(a AS NAME[])"
        assert owned(tree) is not tree
        assert owned(tree) == tree


class TestWords:
    @pytest.mark.parametrize("name", WORDS)
    @pytest.mark.parametrize("locale", LOCALES)
    def test_lists_are_long_and_fit_a_name(self, name: str, locale: str) -> None:
        words = pool(name, locale)
        assert len(words) > 30
        assert len(set(words)) == len(words)
        assert all(2 <= len(word.encode()) <= 63 for word in words)
        assert not any(re.search(r"\s\s|^\s|\s$|[\n\t\0]", word) for word in words)

    @pytest.mark.parametrize(
        ("name", "longest"),
        [("first_name", 8), ("last_name", 10), ("company", 24), ("job", 20), ("street_name", 19),
        ("sentence", 40),
         ("first_name", 9), ("last_name", 9)],
    )  # fmt: skip
    def test_the_shortest_columns_have_a_choice_too(self, name: str, longest: int) -> None:
        words = pool(name, "en_US", longest)
        assert len(words) > 40
        assert all(len(word) <= longest for word in words)

    def test_too_few_words_are_an_error(self) -> None:
        with pytest.raises(PolicyInvalid, match="only 0 words for company of at most 2 characters"):
            pool("company", "en_US", 2)
        with pytest.raises(PolicyInvalid, match="Faker knows no locale 'xx_XX'"):
            pool("company", "xx_XX")

    def test_same_words_every_time_in_no_order(self) -> None:
        pool.cache_clear()
        first = pool("last_name", "en_US")
        pool.cache_clear()
        assert pool("last_name", "en_US") == first
        assert any(left > right for left, right in pairwise(first))


class TestBindings:
    KEY = RunKey(bytes(32))

    def values(self, *names: str) -> list[object]:
        return Bindings(self.KEY, "en_US", "open sesame").values(names)

    def test_pads_belong_to_the_domain(self) -> None:
        assert tuple(self.values("ipad:a", "opad:a")) == self.KEY.pads("domain:a")
        assert self.values("ipad:a:b") == [self.KEY.pads("domain:a:b")[0]]

    def test_pools(self) -> None:
        assert self.values("pool:first_name:8") == [list(pool("first_name", "en_US", 8))]

    def test_factors_make_amounts_smaller_but_not_small(self) -> None:
        factors = self.values(*(f"factor:{number}" for number in range(200)))
        assert all(0.5 <= factor < 0.95 for factor in factors)  # type: ignore[operator]
        assert len(set(factors)) == 200

    def test_the_password_is_hashed_once_and_can_be_checked(self) -> None:
        import bcrypt

        one, two = self.values("password:bcrypt", "password:bcrypt")
        assert one == two
        assert bcrypt.checkpw(b"open sesame", str(one).encode())

    def test_text_never_shows_the_password(self) -> None:
        assert "sesame" not in repr(Bindings(self.KEY, "en_US", "open sesame"))
