"""First policies: names and types are recognised, structure is respected, and nothing is kept in silence."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers.catalog import Catalog, Check, Column, ForeignKey, Name, Table, Unique
from sanitizers.errors import PolicyInvalid
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import ColumnRule, LoadedPolicy, load_policy, load_profile
from sanitizers.policy.guess import draft_policy, words
from sanitizers.policy.plan import Plan
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import data_root
from tests.datasets import SHARED, SYNTHEA_FOLDERS, load_pagila, load_synthea

PROFILE = load_profile("hipaa-lds")
CATEGORIES = {
    "int2": "N",
    "int4": "N",
    "int8": "N",
    "numeric": "N",
    "bool": "B",
    "date": "D",
    "timestamptz": "D",
    "mood": "E",
}
SPELLED = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "varchar": "character varying",
    "bpchar": "character", "float8": "double precision", "bool": "boolean",
    "timestamptz": "timestamp with time zone",
}  # fmt: skip


def column(name: str, base: str = "text", **facts: Any) -> Column:
    facts = {"type": SPELLED.get(base, base), "category": CATEGORIES.get(base, "S"), "position": 1} | facts
    return Column(name=name, base=base, **facts)


def table(
    name: str, *columns: Column, key: tuple[str, ...] = (), unique: tuple[str, ...] = (), **facts: Any
) -> Table:
    uniques = [Unique(f"{name}_pkey", key, "", primary=True, touched=key)] if key else []
    uniques += [Unique(f"{name}_{one}_key", (one,), "", touched=(one,)) for one in unique]
    return Table(Name("shop", name), 1, facts.pop("kind", "r"), columns, uniques=tuple(uniques), **facts)


def reference(table_: str, column_: str, to: str, key: str) -> ForeignKey:
    return ForeignKey("fk", Name("shop", table_), (column_,), Name("shop", to), (key,))


def catalog(*tables: Table) -> Catalog:
    return Catalog("shop", 180004, {one.name: one for one in tables})


def loaded(folder: Path, shop: Catalog) -> tuple[LoadedPolicy, Plan]:
    """The draft, read as a policy and bound to the catalog it was made from."""
    path = folder / "shop.yaml"
    path.write_text(draft_policy(shop, PROFILE), encoding="utf-8")
    policy = load_policy(path)
    return policy, compile_plan(policy, shop)


def rules(folder: Path, *tables: Table) -> dict[str, ColumnRule]:
    """The rules of the first table."""
    policy, _ = loaded(folder, catalog(*tables))
    return policy.policy.tables[str(tables[0].name)].columns


def treatment(rule: ColumnRule) -> dict[str, Any]:
    return rule.treat if rule.treat is not None else PROFILE.treatment(rule.category)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first_name", "first_name"), ("FirstName", "first_name"), ("EMAILAddress", "email_address"),
        ("address2", "address_2"), ("Straße", "strasse"), ("prénom", "prenom"), ("  e-mail ", "e_mail"),
        ("ID", "id"), ("x1y", "x_1_y"), ("漢字", ""),
    ],
)  # fmt: skip
def test_words_of_a_name(name: str, expected: str) -> None:
    assert words(name) == expected


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("first_name", "name.first"), ("fname", "name.first"), ("Vorname", "name.first"),
        ("prénom", "name.first"), ("last_name", "name.last"), ("nachname", "name.last"),
        ("apellido", "name.last"), ("sobrenome", "name.last"), ("maiden_name", "name.last"),
        ("middle_initial", "name.middle"), ("fullName", "name"), ("display_name", "name"),
        ("emergency_contact", "name"), ("employer", "name.company"), ("username", "name.user"),
        ("created_by", "name.user"), ("email", "email"), ("workEmail", "email"), ("e-mail", "email"),
        ("correo", "email"), ("courriel", "email"), ("phone", "phone"), ("home_phone", "phone"),
        ("tel", "phone"), ("mobile", "phone"), ("telefon", "phone"), ("fax", "fax"), ("fax_number", "fax"),
        ("ssn", "ssn"), ("social_security_number", "ssn"), ("cpf", "ssn"), ("mrn", "mrn"),
        ("patient_no", "mrn"), ("member_id", "health_plan_id"), ("policy_no", "health_plan_id"),
        ("iban", "account_number"), ("account_no", "account_number"), ("card_last4", "account_number"),
        ("passport", "license_number"), ("npi", "license_number"), ("drivers_license", "license_number"),
        ("license_plate", "vehicle_id"), ("vin", "vehicle_id"), ("kennzeichen", "vehicle_id"),
        ("serial_no", "device_id"), ("udi", "device_id"), ("imei", "device_id"),
        ("mac_address", "device_id"), ("website", "url"), ("avatar_url", "url"),
        ("last_login_ip", "ip_address"), ("photo", "face_image"), ("avatar", "face_image"),
        ("fingerprint", "biometric"), ("password", "credential.password"),
        ("passwd", "credential.password"), ("pw_hash", "credential.password"),
        ("api_key", "credential.token"), ("otp_secret", "credential.token"),
        ("refresh_token", "credential.token"), ("security_code", "credential.token"),
        ("address", "postal_address.street"), ("address1", "postal_address.street"),
        ("address2", "postal_address.line2"), ("strasse", "postal_address.street"),
        ("calle", "postal_address.street"), ("lat", "postal_address.latitude"),
        ("geohash", "postal_address.location"), ("city", "quasi_identifier.city"),
        ("plz", "quasi_identifier.zip"), ("postal_code", "quasi_identifier.zip"),
        ("gender", "quasi_identifier.sex"), ("dob", "quasi_identifier.birth_date"),
        ("geburtsdatum", "quasi_identifier.birth_date"), ("notes", "free_text"),
        ("description", "free_text"), ("bemerkung", "free_text"), ("email_body", "free_text"),
        ("icd10", "sensitive_attribute.code"), ("status", "non_identifying"),
        ("currency", "non_identifying"), ("table_name", "non_identifying"), ("wibble", "free_text"),
        ("relationship", "free_text"), ("zipper", "free_text"),
    ],
)  # fmt: skip
def test_text_by_name(name: str, category: str, tmp_path: Path) -> None:
    assert rules(tmp_path, table("things", column(name)))[name].category == category


@pytest.mark.parametrize(
    ("name", "base", "category"),
    [
        ("wibble", "jsonb", "json"), ("wibble", "json", "json"), ("wibble", "bytea", "binary"),
        ("wibble", "inet", "ip_address"), ("wibble", "macaddr", "device_id"),
        ("wibble", "money", "financial_sensitive"), ("wibble", "point", "postal_address.location"),
        ("wibble", "xml", "free_text"), ("wibble", "tsvector", "free_text"),
        ("wibble", "numeric", "financial_sensitive"), ("wibble", "uuid", "account_number"),
        ("wibble_id", "int8", "account_number"), ("wibble", "tsrange", "binary"),
        ("wibble", "bool", "non_identifying"), ("wibble", "mood", "non_identifying"),
        ("gender", "mood", "quasi_identifier.sex"), ("created_at", "timestamptz", "non_identifying"),
        ("admitted", "timestamptz", "quasi_identifier.admitted"),
        ("Birth Date", "date", "quasi_identifier.birth_date"),
        ("email_verified", "bool", "non_identifying"), ("photo", "bytea", "face_image"),
        ("voiceprint", "bytea", "biometric"), ("phone", "int8", "phone"),
        ("zip", "int4", "quasi_identifier.zip"), ("salary", "numeric", "financial_sensitive"),
        ("quantity", "int4", "non_identifying"), ("lon", "float8", "postal_address.longitude"),
        ("session_id", "uuid", "credential.token"), ("notes", "varchar", "free_text"),
    ],
)  # fmt: skip
def test_by_type(name: str, base: str, category: str, tmp_path: Path) -> None:
    assert rules(tmp_path, table("things", column(name, base)))[name].category == category


def test_every_line_of_a_column_is_marked_with_a_reason() -> None:
    shop = catalog(table("people", column("id", "int4"), column("mail"), column("odd: name"), key=("id",)))
    lines = [line for line in draft_policy(shop, PROFILE).splitlines() if line.startswith("      ")]
    assert len(lines) == 3
    assert all(re.search(r"  # review: \S", line) for line in lines)


def test_nothing_is_kept_in_silence(tmp_path: Path) -> None:
    things = table(
        "things",
        column("low", "int4", not_null=True),
        column("high", "int4", not_null=True),
        checks=(Check("c", ("low",), "CHECK ((low < 7))"), Check("d", ("high",), "CHECK ((high > 7))")),
    )
    text = draft_policy(catalog(things), PROFILE)
    assert text.count("# review: KEPT, no treatment is safe for") == 2
    assert "integer NOT NULL with a CHECK" in text
    found = rules(tmp_path, things)
    assert all(rule.treat == {"kind": "keep"} and rule.reason for rule in found.values())


def test_keys_stay(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        table(
            "people",
            column("member_id", "int4", default="nextval('s'::regclass)", not_null=True),
            column("guid", "uuid", not_null=True),
            key=("guid",),
        ),
    )
    assert {rule.category for rule in found.values()} == {"non_identifying"}


def test_a_key_that_is_an_identifier_does_not_stay(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        table("people", column("mrn", "int8", default="nextval('s'::regclass)", not_null=True), key=("mrn",)),
    )
    assert found["mrn"].category == "mrn"
    assert treatment(found["mrn"]) == {"kind": "unique", "format": "digits"}


def test_both_sides_of_a_foreign_key_are_treated_alike(tmp_path: Path) -> None:
    people = table("people", column("mrn", "varchar", max_length=12, not_null=True), unique=("mrn",))
    cards = table(
        "cards",
        column("holder", "varchar", max_length=12),
        column("agent", "varchar", max_length=12),
        foreign_keys=(reference("cards", "holder", "people", "mrn"),),
    )
    again = table(
        "again",
        column("who", "varchar", max_length=12),
        foreign_keys=(reference("again", "who", "cards", "holder"),),
    )
    policy, _ = loaded(tmp_path, catalog(again, cards, people))
    columns = {
        (name, key): rule for name, one in policy.policy.tables.items() for key, rule in one.columns.items()
    }
    assert columns["shop.people", "mrn"] == columns["shop.cards", "holder"] == columns["shop.again", "who"]
    assert columns["shop.people", "mrn"].category == "mrn"


def test_foreign_keys_in_a_circle_and_to_the_own_table(tmp_path: Path) -> None:
    one = table(
        "one",
        column("id", "int4", not_null=True),
        column("up", "int4"),
        key=("id",),
        foreign_keys=(reference("one", "up", "one", "id"), reference("one", "id", "two", "id")),
    )
    two = table(
        "two",
        column("id", "int4", not_null=True),
        key=("id",),
        foreign_keys=(reference("two", "id", "one", "id"),),
    )
    policy, plan = loaded(tmp_path, catalog(one, two))
    assert {rule.category for each in policy.policy.tables.values() for rule in each.columns.values()} == {
        "non_identifying"
    }
    assert plan.rewrites == ()


def test_a_natural_key_takes_the_room_of_the_narrowest_column(tmp_path: Path) -> None:
    tags = table("tags", column("slug", not_null=True), key=("slug",))
    uses = table(
        "uses",
        column("slug", "varchar", max_length=8),
        foreign_keys=(reference("uses", "slug", "tags", "slug"),),
    )
    assert treatment(rules(tmp_path, tags)["slug"]) == {"kind": "unique", "format": "token"}
    assert treatment(rules(tmp_path, tags, uses)["slug"]) == {"kind": "unique", "format": "digits"}


def test_not_null_columns_are_never_made_null(tmp_path: Path) -> None:
    names = {"api_token": "text", "lat": "numeric", "address2": "text", "voiceprint": "bytea"}
    found = rules(
        tmp_path, table("things", *(column(name, base, not_null=True) for name, base in names.items()))
    )
    assert {treatment(rule)["kind"] for rule in found.values()} == {"placeholder"}
    loose = rules(tmp_path, table("things", *(column(name, base) for name, base in names.items())))
    assert {treatment(rule)["kind"] for rule in loose.values()} == {"null"}


def test_unique_columns_get_unique_treatments(tmp_path: Path) -> None:
    columns = (column("phone"), column("name"), column("email"), column("ssn", "int4"), column("api_key"))
    found = rules(tmp_path, table("people", *columns, unique=tuple(one.name for one in columns)))
    kinds = {name: treatment(rule)["kind"] for name, rule in found.items()}
    assert kinds == {
        "phone": "unique",
        "name": "unique",
        "email": "surrogate",
        "ssn": "unique",
        "api_key": "null",
    }


def test_short_columns_get_what_fits(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        table(
            "people", column("first_name", "varchar", max_length=5), column("note", "bpchar", max_length=3)
        ),
    )
    assert {treatment(rule)["kind"] for rule in found.values()} == {"pseudonym"}


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ("CHECK ((last_name <> ''::text))", "surrogate"),
        ("CHECK ((length(last_name) > 0))", "surrogate"),
        ("CHECK ((char_length(last_name) <= 200))", "surrogate"),
        ("CHECK ((last_name ~ '^[A-Z]+$'::text))", "pseudonym"),
        ("CHECK ((length(last_name) = 7))", "pseudonym"),
    ],
)
def test_text_under_a_check_keeps_its_shape(definition: str, kind: str, tmp_path: Path) -> None:
    people = table(
        "people", column("last_name", not_null=True), checks=(Check("c", ("last_name",), definition),)
    )
    assert treatment(rules(tmp_path, people)["last_name"])["kind"] == kind


def test_amounts_under_a_check(tmp_path: Path) -> None:
    signed = table(
        "sales",
        column("price", "numeric", not_null=True),
        checks=(Check("c", ("price",), "CHECK ((price >= (0)::numeric))"),),
    )
    assert treatment(rules(tmp_path, signed)["price"])["kind"] == "scale"
    tied = replace(
        signed,
        checks=(Check("c", ("price", "cost"), "CHECK ((price > cost))"),),
        columns=(column("price", "numeric"), column("cost", "numeric")),
    )
    assert {treatment(rule)["kind"] for rule in rules(tmp_path, tied).values()} == {"null"}


def test_domains_count_as_checks_and_give_their_name_away(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        table("things", column("reach", "text", type="us_phone"), column("share", "numeric", type="pct")),
    )
    assert found["reach"].category == "phone"
    assert treatment(found["share"]) == {"kind": "null"}


def test_a_list_of_values_is_a_choice(tmp_path: Path) -> None:
    check = Check("c", ("relation",), "CHECK ((relation = ANY (ARRAY['spouse'::text, 'child'::text])))")
    assert (
        rules(tmp_path, table("kin", column("relation"), checks=(check,)))["relation"].category
        == "non_identifying"
    )


def test_a_name_depends_on_the_table(tmp_path: Path) -> None:
    def name_of(*tables: Table) -> str:
        return rules(tmp_path, *tables)["name"].category

    kinds = table("departments", column("id", "int4", not_null=True), column("name"), key=("id",))
    staff = table(
        "staff",
        column("department_id", "int4"),
        foreign_keys=(reference("staff", "department_id", "departments", "id"),),
    )
    assert name_of(kinds, staff) == "non_identifying"
    assert name_of(kinds) == "name"
    assert name_of(table("payers", column("name"))) == "name.company"
    doctors = replace(kinds, name=Name("shop", "doctors"))
    visits = table(
        "visits",
        column("doctor_id", "int4"),
        foreign_keys=(reference("visits", "doctor_id", "doctors", "id"),),
    )
    assert name_of(doctors, visits) == "name"


def test_references_without_a_foreign_key(tmp_path: Path) -> None:
    staff = table("staff", column("id", "int4", not_null=True), key=("id",))
    found = rules(
        tmp_path,
        table(
            "stores", column("manager_staff_id", "int4"), column("staffid", "int4"), column("row_id", "int4")
        ),
        staff,
    )
    assert [rule.category for rule in found.values()] == [
        "non_identifying",
        "non_identifying",
        "account_number",
    ]


def test_partitions_are_covered_by_their_root_and_count_for_it(tmp_path: Path) -> None:
    root = table(
        "pay", column("region"), column("phone"), column("token"), kind="p", partition_key=("region",)
    )
    part = replace(root, name=Name("shop", "pay_1"), kind="r", parent=root.name, partition_key=(),
                   uniques=(Unique("u", ("phone",), "", touched=("phone",)),))  # fmt: skip
    policy, _ = loaded(tmp_path, catalog(root, part))
    assert [*policy.policy.tables] == ["shop.pay"]
    assert treatment(policy.policy.tables["shop.pay"].columns["phone"])["kind"] == "unique"


def test_a_partition_key_stays_where_it_is(tmp_path: Path) -> None:
    root = table("pay", column("last_name"), kind="p", partition_key=("last_name",))
    assert treatment(rules(tmp_path, root)["last_name"]) == {"kind": "keep"}


def test_generated_columns_and_foreign_tables_are_remarks(tmp_path: Path) -> None:
    people = table("people", column("first_name"), column("full_name", generated="s"))
    far = table("far", column("name"), kind="f")
    text = draft_policy(catalog(people, far), PROFILE)
    assert "      # full_name is generated" in text
    assert "  # shop.far is a foreign table" in text
    policy, _ = loaded(tmp_path, catalog(people, far))
    assert [*policy.policy.tables] == ["shop.people"]
    assert [*policy.policy.tables["shop.people"].columns] == ["first_name"]


def test_ledgers_of_migrations_stay(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        table("flyway_schema_history", column("checksum", "int4"), column("script"), column("installed_by")),
    )
    assert [rule.category for rule in found.values()] == ["non_identifying", "non_identifying", "name.user"]


@pytest.mark.parametrize(
    "name",
    [
        "null",
        "Yes",
        "123",
        "a b",
        "a: b # c",
        'q"uote',
        "line\nbreak",
        "тест",
        "emoji 😀",
        "~",
        "- x",
        "\x7f",
        "'",
    ],
)
def test_any_name_survives_the_way_through_yaml(name: str, tmp_path: Path) -> None:
    shop = catalog(
        table(name, column(name), column(f"{name} due", "date"), column(f"{name} made", generated="s"))
    )
    policy, _ = loaded(tmp_path, replace(shop, database=name))
    assert policy.policy.policy == name
    assert [*policy.policy.tables[f"shop.{name}"].columns] == [name, f"{name} due"]


def test_a_database_without_tables(tmp_path: Path) -> None:
    policy, plan = loaded(tmp_path, catalog())
    assert policy.policy.tables == {}
    assert plan.rules == ()


def test_a_table_without_columns(tmp_path: Path) -> None:
    assert rules(tmp_path, table("empty")) == {}


def test_head_says_what_to_do_next() -> None:
    lines = draft_policy(catalog(), PROFILE).splitlines()
    assert lines[0] == "# yaml-language-server: $schema=policy.schema.json"
    assert all(line.startswith("# ") for line in lines[1:4])
    assert lines[4] == ""


def test_the_same_catalog_gives_the_same_text() -> None:
    shop = catalog(table("people", column("mail"), column("phone")), table("cards", column("mail")))
    assert draft_policy(shop, PROFILE) == draft_policy(shop, PROFILE)


def test_a_profile_without_the_categories() -> None:
    lacking = PROFILE.model_copy(
        update={"categories": {k: v for k, v in PROFILE.categories.items() if k != "email"}}
    )
    with pytest.raises(PolicyInvalid, match="no category email"):
        draft_policy(catalog(), lacking)


needs_data = pytest.mark.skipif(SHARED is None, reason="the shared data folder is not beside the checkout")


@pytest.fixture(params=["pagila", *SYNTHEA_FOLDERS])
def public_data(request: pytest.FixtureRequest, postgres_database: str) -> tuple[str, Catalog]:
    """A public data set in a real database: the policy's name and the catalog."""
    if request.param == "pagila":
        load_pagila(postgres_database)
    else:
        load_synthea(postgres_database, request.param)
    with psycopg.connect(postgres_database) as connection:
        return request.param if request.param == "pagila" else "synthea", read_catalog(connection)


@needs_data
def test_drafts_and_policies_of_public_data_fit(public_data: tuple[str, Catalog], tmp_path: Path) -> None:
    name, shop = public_data
    policy, plan = loaded(tmp_path, shop)
    ours = load_policy(data_root("policies") / f"{name}.yaml")
    bound = compile_plan(ours, shop)
    assert policy.policy.tables.keys() == ours.policy.tables.keys()
    assert "KEPT" not in policy.text
    missed = {
        f"{rule.table}.{column_.name}"
        for rule in bound.rules
        for column_ in rule.columns
        if column_.treated
        and not next(one for one in plan.rule(rule.table).columns if one.name == column_.name).treated
    }
    assert missed == set(), "the draft keeps what a careful reader treats"
