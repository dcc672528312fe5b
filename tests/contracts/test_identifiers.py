"""Identifiers pass the checks that others would put them to; names made from one digest agree."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection, RawCursor
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.policy.compile import numbered, parameter, sql_text, treatment
from sanitizers.postgres.cluster import Cluster
from sanitizers.transformers.base import Build, Digest
from tests.scrubbing import bindings, shared_session, treat

DIGESTS = 1000
LATER = "SELECT sha256(n::text::bytea) AS h, :old AS v FROM generate_series(1, 1000) AS n ORDER BY n"


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "contract_of_identifiers") as connection:
        yield connection


class OneDigest:
    """A scope in which every column leans on the row's digest `h`, as columns of one person do."""

    domain = "person"

    def parameter(self, binding: str, type_: str) -> exp.Expression:
        return parameter(binding, type_)

    def keyed(self, value: exp.Expression, build: Build) -> exp.Expression:
        return build(Digest(exp.column("h", table="t")))


def made(
    server: Connection[Any],
    spec: dict[str, Any],
    old: str = "?",
    base: str = "text",
    length: int | None = None,
) -> list[str]:
    """What 1,000 digests make of the same old value."""
    found = treatment(spec, "email")
    column = Column("v", 1, base, base, max_length=length)
    tree = found.transformer.expression(column, found.params, exp.column("v", table="t"), OneDigest())  # type: ignore[arg-type]
    source = LATER.replace(":old", f"'{old}'::{base}")
    query = numbered(f"SELECT ({sql_text(tree)})::text FROM ({source}) AS t")
    values = bindings().values(query.bindings)
    return [row[0] for row in RawCursor(server).execute(query.sql.encode(), values or None)]


def identifiers(server: Connection[Any], of: str, old: str = "?", base: str = "text") -> list[str]:
    return made(server, {"kind": "identifier", "of": of}, old, base)


def luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def mod97(iban: str) -> int:
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97


VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)


def vin_check(vin: str) -> str:
    values = [VIN_VALUES[letter] if letter.isalpha() else int(letter) for letter in vin[:8] + "0" + vin[9:]]
    return "0123456789X"[sum(value * weight for value, weight in zip(values, VIN_WEIGHTS, strict=True)) % 11]


class TestIdentifiers:
    def test_the_checks_know_right_from_wrong(self) -> None:
        assert [luhn(number) for number in ("79927398713", "808401234567893", "79927398714")] == [
            True,
            True,
            False,
        ]
        assert mod97("DE89370400440532013000") == mod97("GB82WEST12345698765432") == 1
        assert vin_check("1M8GDM9AXKP042788") == "X"

    @pytest.mark.parametrize(
        ("old", "shape"),
        [
            ("123-45-6789", r"\d{3}-\d{2}-\d{4}"),
            ("123456789", r"\d{9}"),
            ("123 45 6789", r"\d{3} \d{2} \d{4}"),
        ],
    )
    def test_numbers_of_no_person_and_no_taxpayer(
        self, server: Connection[Any], old: str, shape: str
    ) -> None:
        found = identifiers(server, "ssn", old)
        assert all(re.fullmatch(shape, ssn) for ssn in found)
        bare = [re.sub(r"\D", "", ssn) for ssn in found]
        assert {ssn[0] for ssn in bare} == {"9"}
        groups = {int(ssn[3:5]) for ssn in bare}
        assert len(groups) == 31
        assert not groups & {0, *range(1, 11), *range(17, 20), 28, 29, *range(37, 40), *range(50, 100)}
        assert "0000" not in {ssn[5:] for ssn in bare}
        assert len(set(bare)) == DIGESTS

    def test_whole_numbers(self, server: Connection[Any]) -> None:
        for of, old, base in (
            ("ssn", "1", "int4"),
            ("npi", "1234567893", "int8"),
            ("card", "4111111111111111", "int8"),
        ):
            found = identifiers(server, of, old, base)
            assert found == identifiers(server, of, old)

    def test_npi(self, server: Connection[Any]) -> None:
        found = identifiers(server, "npi")
        assert all(re.fullmatch(r"9\d{9}", npi) and luhn("80840" + npi) for npi in found)
        assert len(set(found)) == DIGESTS

    @pytest.mark.parametrize("old", ["1EG4TE5MK73", "1EG4-TE5-MK73"])
    def test_mbi(self, server: Connection[Any], old: str) -> None:
        found = identifiers(server, "mbi", old)
        assert {len(mbi) for mbi in found} == {len(old)}
        letter, either = "[AC-HJKMNP-RT-Y]", "[0-9AC-HJKMNP-RT-Y]"
        pattern = f"0{letter}{either}[0-9]-?{letter}{either}[0-9]-?{letter}{{2}}[0-9]{{2}}"
        assert all(re.fullmatch(pattern, mbi) for mbi in found)
        assert len(set(found)) == DIGESTS

    @pytest.mark.parametrize(
        ("old", "bank"),
        [
            ("DE89370400440532013000", "00000000"), ("GB82WEST12345698765432", "TEST"),
            ("NO9386011117947", "00000"),
            ("FR1420041010050500013M02606", "00000"), ("IT60X0542811101000000123456", "T0000"),
            ("BE68539007547034", "000"), ("MT84MALT011000012345MTLCAST001S", "TEST"),
            ("GE29NB0000000101904917", "TE00"),
        ],
    )  # fmt: skip
    def test_iban(self, server: Connection[Any], old: str, bank: str) -> None:
        found = identifiers(server, "iban", old)
        assert all(mod97(iban) == 1 and 2 <= int(iban[2:4]) <= 98 for iban in found)
        assert {(iban[:2], len(iban)) for iban in found} == {(old[:2], len(old))}
        assert {iban[4 : 4 + len(bank)] for iban in found} == {bank}
        assert len(set(found)) > DIGESTS - 3

    def test_iban_in_groups(self, server: Connection[Any]) -> None:
        found = identifiers(server, "iban", "DE89 3704 0044 0532 0130 00")
        assert all(re.fullmatch(r"DE\d\d( \d{4}){4} \d\d", iban) for iban in found)
        assert {mod97(iban.replace(" ", "")) for iban in found} == {1}
        assert {len(iban) for iban in identifiers(server, "iban", "DE89 370400440532013000")} == {22}

    def test_what_is_no_iban_becomes_one(self, server: Connection[Any]) -> None:
        for old in ("?", "none", "1234567890123456", "x" * 40):
            found = identifiers(server, "iban", old)
            assert all(re.fullmatch(r"NO\d{13}", iban) and mod97(iban) == 1 for iban in found)

    @pytest.mark.parametrize(
        ("old", "shape"),
        [
            ("4111111111111111", r"\d{16}"), ("4111 1111 1111 1111", r"\d{4}( \d{4}){3}"),
            ("4111-1111-1111-1111", r"\d{4}(-\d{4}){3}"), ("3782 822463 10005", r"\d{4} \d{6} \d{5}"),
            ("378282246310005", r"\d{15}"), ("6304000000000000000", r"\d{19}"),
            ("63040000000000000", r"\d{17}"),
            ("4111-111111111111", r"\d{16}"), ("?", r"\d{15}"), ("1" * 30, r"\d{19}"),
        ],
    )  # fmt: skip
    def test_card(self, server: Connection[Any], old: str, shape: str) -> None:
        found = identifiers(server, "card", old)
        assert all(re.fullmatch(shape, card) for card in found)
        bare = [re.sub(r"\D", "", card) for card in found]
        assert all(card.startswith("400000") and luhn(card) for card in bare)
        assert len(set(bare)) == DIGESTS

    def test_vin(self, server: Connection[Any]) -> None:
        found = identifiers(server, "vin")
        assert all(re.fullmatch("000[0-9A-HJ-NPR-Z]{14}", vin) and vin[8] == vin_check(vin) for vin in found)
        assert {vin[8] for vin in found} == set("0123456789X")
        assert len(set(found)) == DIGESTS

    @pytest.mark.parametrize(
        ("old", "shape"), [("490154203237518", r"\d{15}"), ("49-015420-323751-8", r"\d\d-\d{6}-\d{6}-\d")]
    )
    def test_imei(self, server: Connection[Any], old: str, shape: str) -> None:
        found = identifiers(server, "imei", old)
        assert all(re.fullmatch(shape, imei) and luhn(imei.replace("-", "")) for imei in found)
        assert {imei[:2] for imei in found} == {"00"}

    @pytest.mark.parametrize("base", ["text", "uuid"])
    def test_uuid(self, server: Connection[Any], base: str) -> None:
        found = identifiers(server, "uuid", "c0ffee00-0000-1000-8000-000000000000", base)
        assert all(
            re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", x)
            for x in found
        )
        assert len(set(found)) == DIGESTS
        assert {len(x) for x in identifiers(server, "uuid", "c0ffee00")} == {32}

    def test_shapes(self, server: Connection[Any]) -> None:
        assert all(
            re.fullmatch("[IOQ]{3} [0-9]{4}", plate) for plate in identifiers(server, "license_plate", "AB 1")
        )
        assert all(re.fullmatch("XX[0-9]{7}", passport) for passport in identifiers(server, "passport"))

    def test_no_room_for_separators(self, server: Connection[Any]) -> None:
        spec = {"kind": "identifier", "of": "ssn"}
        assert all(re.fullmatch(r"\d{9}", ssn) for ssn in made(server, spec, "123-45-67", "varchar", 9))

    def test_written_differently_still_the_same(self, server: Connection[Any]) -> None:
        after = treat(
            server, "text", ["123-45-6789", "123456789", "123 45 6789"], {"kind": "identifier", "of": "ssn"}
        )
        assert len({re.sub(r"\D", "", ssn) for ssn in after}) == 1


class TestOnePerson:
    def surrogates(
        self, server: Connection[Any], of: str, length: int | None = None, **params: object
    ) -> list[str]:
        base = "text" if length is None else "varchar"
        return made(server, {"kind": "surrogate", "of": of, **params}, "?", base, length)

    def test_names_agree_in_all_columns(self, server: Connection[Any]) -> None:
        first, last, full, email, user = (
            self.surrogates(server, of, **params)
            for of, params in (
                ("first_name", {}), ("last_name", {}), ("full_name", {}),
                ("email", {"named": True}), ("user_name", {"named": True}),
            )
        )  # fmt: skip
        for one, other, whole, address, name in zip(first, last, full, email, user, strict=True):
            assert whole == f"{one} {other}"
            assert re.fullmatch(f"{one}.{other}.[0-9a-f]{{12}}".lower(), name)
            assert address == f"{name}@example.com"
        assert len(set(email)) == DIGESTS

    @pytest.mark.parametrize("length", [8, 12, 20, 200])
    def test_short_columns_agree_where_the_word_fits(self, server: Connection[Any], length: int) -> None:
        pairs = list(
            zip(
                self.surrogates(server, "first_name"),
                self.surrogates(server, "first_name", length),
                strict=True,
            )
        )
        assert all(whole == short or len(whole) > length for whole, short in pairs)
        assert all(len(short) <= length for _, short in pairs)

    def test_sources_do_not_follow_each_other(self, server: Connection[Any]) -> None:
        phone, fax = (self.surrogates(server, of) for of in ("phone", "fax"))
        assert sum(one == other for one, other in zip(phone, fax, strict=True)) < 5


class TestNetworks:
    @pytest.mark.parametrize(
        ("type_", "of", "old", "length"),
        [
            ("inet", "ip", "10.1.2.3/8", 8), ("inet", "ip", "10.1.2.3", 32), ("inet", "ip", "fe80::1/10", 10),
            ("inet", "ipv6", "10.1.2.3/8", 128), ("inet", "ipv4", "fe80::1/10", 32),
            ("inet", "ipv4", "10.0.0.1/9", 9),
            ("cidr", "ip", "10.0.0.0/8", 24), ("cidr", "ip", "10.0.0.0/25", 25),
            ("cidr", "ip", "10.0.0.1/32", 32),
            ("cidr", "ip", "2001:db8::/32", 48), ("cidr", "ip", "fe80::/64", 64),
            ("cidr", "ipv6", "10.0.0.0/8", 128),
        ],
    )  # fmt: skip
    def test_prefix_lengths(
        self, server: Connection[Any], type_: str, of: str, old: str, length: int
    ) -> None:
        (after,) = treat(server, type_, [old], {"kind": "surrogate", "of": of})
        found = ipaddress.ip_interface(after)
        assert found.network.prefixlen == length
        assert type_ == "inet" or found.ip == found.network.network_address

    def test_no_network_stays(self, server: Connection[Any]) -> None:
        old = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.128/25", "192.0.2.0/32"]
        after = treat(server, "cidr", old * 30, {"kind": "surrogate", "of": "ip"})
        assert not [new for before, new in zip(old * 30, after, strict=True) if new == before]

    def test_hardware_addresses_keep_their_layout(self, server: Connection[Any]) -> None:
        old = ["08:00:2b:01:02:03", "08-00-2B-01-02-03", "0800.2b01.0203", "08002b010203"]
        shapes = ["00:00:5e:00:53:[0-9a-f]{2}", "00-00-5E-00-53-[0-9A-F]{2}", "0000[.]5e00[.]53[0-9a-f]{2}",
                  "00005e0053[0-9a-f]{2}"]  # fmt: skip
        after = treat(server, "text", old, {"kind": "surrogate", "of": "mac"})
        assert all(re.fullmatch(shape, mac) for shape, mac in zip(shapes, after, strict=True))

    def test_codes_stay_codes(self, server: Connection[Any]) -> None:
        for of in ("state", "country"):
            code, name = treat(server, "text", ["NY", "Nowhere"], {"kind": "surrogate", "of": of})
            assert re.fullmatch("[A-Z]{2}", code)
            assert len(name) > 3
