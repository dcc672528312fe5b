"""The shipped profiles: one vocabulary, so that a policy changes its profile by one word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sanitizers.audit import inventory
from sanitizers.catalog import Catalog
from sanitizers.demo.hospital import load_hospital
from sanitizers.policy.bind import check_treatments, compile_plan
from sanitizers.policy.document import LoadedPolicy, load_profile, parse_policy
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import data_root
from tests.scrubbing import scrub, session

POLICIES = data_root("policies")
PROFILES = sorted(path.stem for path in (POLICIES / "profiles").glob("*.yaml"))
STRICTER = [name for name in PROFILES if name != "hipaa-lds"]


def under(profile: str, policy: str = "hospital", exempt: bool = True) -> LoadedPolicy:
    """A shipped policy with its profile exchanged, with its exempt rows or without."""
    path = POLICIES / f"{policy}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if exempt or not line.startswith("    exempt:"))
    return parse_policy(text.replace("profile: hipaa-lds\n", f"profile: {profile}\n"), path)


def test_there_are_three() -> None:
    assert PROFILES == ["hipaa-lds", "hipaa-lds-hardened", "hipaa-safe-harbor"]


@pytest.mark.parametrize("name", PROFILES)
def test_each_has_the_same_categories_and_at_least_the_same_parts(name: str) -> None:
    usual, profile = load_profile("hipaa-lds"), load_profile(name)
    assert profile.profile == name
    assert set(profile.categories) == set(usual.categories)
    for category, rule in usual.categories.items():
        assert set(rule.parts) <= set(profile.categories[category].parts), category


@pytest.mark.parametrize("name", STRICTER)
def test_what_a_limited_data_set_treats_is_kept_by_no_other(name: str) -> None:
    usual, profile = load_profile("hipaa-lds"), load_profile(name)
    for category, rule in usual.categories.items():
        for called in (category, *(f"{category}.{part}" for part in rule.parts)):
            if usual.treatment(called)["kind"] != "keep":
                assert profile.treatment(called)["kind"] != "keep", called


def test_safe_harbor_accounts_for_all_eighteen_identifiers() -> None:
    profile = load_profile("hipaa-safe-harbor")
    cites = [rule.cite for rule in profile.categories.values() if rule.required]
    for letter in "ABCDEFGHIJKLMNOPQR":
        assert any(f"({letter})" in cite for cite in cites), letter
    assert "164.514(b)(2)(ii)" in profile.statement
    assert "covered entity's judgement" in profile.statement


@pytest.mark.parametrize("name", ["hipaa-lds", "hipaa-lds-hardened"])
def test_a_limited_data_set_remains_phi(name: str) -> None:
    assert "remains protected health information (PHI)" in load_profile(name).statement.replace("\n", " ")


@pytest.mark.parametrize("policy", ["hospital", "pagila", "synthea"])
@pytest.mark.parametrize("name", PROFILES)
def test_shipped_policies_are_valid_under_each(name: str, policy: str) -> None:
    assert check_treatments(under(name, policy)) == []


def test_what_a_profile_keeps_is_no_exception_what_a_policy_keeps_in_spite_of_it_is(tmp_path: Path) -> None:
    columns = (
        "{sex: quasi_identifier.sex, town: {category: quasi_identifier.city, treat: {kind: keep}, reason: r},"
        " data: {category: json, treat: {kind: json, paths: {a: quasi_identifier.sex,"
        " b: quasi_identifier.city}}}}"
    )
    text = f"policy: p\nversion: 1\nprofile: hipaa-safe-harbor\ntables: {{t: {{columns: {columns}}}}}\n"
    policy = parse_policy(text, tmp_path / "policy.yaml")
    asked = inventory.columns(policy, None, None, None)
    assert [entry["subject"] for entry in inventory.exceptions(policy, asked)] == ["public.t.town"]
    listed = inventory.categories(policy, asked, planned=True, scrubbed=True)
    (places,) = (entry for entry in listed if entry["id"] == "quasi_identifier")
    assert places["paths"] == ["public.t.data at b"]


@pytest.fixture(scope="module")
def hospital(production18: Cluster) -> Iterator[Catalog]:
    """The demo's production, as a database to make others from."""
    with psycopg.connect(production18.dsn(), autocommit=True) as server:
        server.execute("CREATE DATABASE profiles TEMPLATE template0")
        with psycopg.connect(production18.dsn("profiles"), autocommit=True) as connection:
            load_hospital(connection, patients=200, seed=1)
            catalog = read_catalog(connection)
        yield catalog
        server.execute("DROP DATABASE profiles WITH (FORCE)")


@pytest.mark.parametrize("name", PROFILES)
def test_the_hospital_changes_its_profile_by_one_word(hospital: Catalog, name: str) -> None:
    plan = compile_plan(under(name), hospital)
    assert plan.profile == name
    (patients,) = (rule for rule in plan.rules if str(rule.table) == "clinical.patients")
    kept = {column.name for column in patients.columns if not column.treated}
    assert {"sex", "state"} <= kept
    assert kept.isdisjoint({"birth_date", "death_date", "zip", "city", "created_at"}) == (name in STRICTER)


DATES = {
    "clinical.patients": ("death_date", "created_at", "updated_at"),
    "clinical.encounters": ("started_at", "ended_at"),
    "clinical.observations": ("observed_at",),
    "clinical.conditions": ("onset_on", "resolved_on"),
    "clinical.notes": ("written_at",),
    "billing.claims": ("submitted_on",),
    "iam.sessions": ("started_at",),
    "audit.changes": ("changed_at",),
}
GRAIN = {"hipaa-lds-hardened": "month", "hipaa-safe-harbor": "year"}
PLACES = """
    SELECT count(*) FILTER (WHERE zip ~ '^[0-9]{3}00$'), count(*) FILTER (WHERE city = 'Anytown'),
           count(DISTINCT state) > 20, count(DISTINCT zip) > 20, count(latitude)
    FROM clinical.patients
"""
BIRTHS = """
    SELECT count(*) FILTER (WHERE birth_date <> date_trunc(%(grain)s, birth_date)),
           date_trunc(%(grain)s, (now() AT TIME ZONE 'UTC')::date - interval '90 years') = min(birth_date)
    FROM clinical.patients
"""
TRAIL = "SELECT DISTINCT row ->> 'city' FROM audit.changes, unnest(ARRAY[old_row, new_row]) AS u (row)"


@pytest.mark.parametrize("name", STRICTER)
def test_the_hospital_scrubbed_under_a_stricter_one(
    hospital: Catalog, production18: Cluster, name: str
) -> None:
    with psycopg.connect(production18.dsn(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE profiles").format(sql.Identifier(name)))
        with session(production18.dsn(name)) as connection:
            seen = connection.execute("SELECT count(*) FROM clinical.observations").fetchone()
            scrub(connection, compile_plan(under(name, exempt=False), hospital), read_catalog(connection))
            assert connection.execute("SELECT count(*) FROM clinical.observations").fetchone() == seen
            assert connection.execute(PLACES).fetchone() == (200, 200, True, True, 0)
            assert connection.execute(BIRTHS, {"grain": GRAIN[name]}).fetchone() == (0, True)
            assert {city for (city,) in connection.execute(TRAIL)} == {None, "Anytown"}
            for table, columns in DATES.items():
                for column in columns:
                    finer = f"date_trunc(%s, {column} AT TIME ZONE 'UTC') <> {column} AT TIME ZONE 'UTC'"
                    query = f"SELECT count(*) FILTER (WHERE {finer}), count({column}) > 0 FROM {table}"
                    found = connection.execute(query.encode(), [GRAIN[name]]).fetchone()
                    assert found == (0, True), f"{table}.{column}"
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
