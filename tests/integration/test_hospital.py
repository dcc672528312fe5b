"""The demo's production: reproducible, whole, and with every awkward thing a refresh has to cope with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from sanitizers.demo.hospital import MIGRATIONS, TEST_PATIENTS, HospitalSize, load_hospital

SCHEMAS = ("clinical", "billing", "iam", "audit")
PATIENTS = 200

TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('clinical', 'billing', 'iam', 'audit') ORDER BY 1
"""
SHAPE = """
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace::regnamespace::text = ANY (%(schemas)s)
    UNION ALL
    SELECT 'column', attrelid::regclass::text, attnum::text,
           attname || ' ' || format_type(atttypid, atttypmod)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace::regnamespace::text = ANY (%(schemas)s) AND attnum > 0
    ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
def connection(postgres_database: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def hospital(connection: Connection[Any]) -> Connection[Any]:
    load_hospital(connection, patients=PATIENTS, seed=1)
    return connection


def one(connection: Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def digests(connection: Connection[Any]) -> dict[str, str]:
    """A digest of each table's rows, keys given by sequences included."""
    digest = "SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {} AS t"
    tables = connection.execute(TABLES).fetchall()
    return {table: one(connection, digest.format(table)) for (table,) in tables}


def raze(connection: Connection[Any]) -> None:
    connection.execute("DROP PUBLICATION hospital_feed")
    connection.execute("DROP SCHEMA clinical, billing, iam, audit CASCADE")
    connection.execute("DROP TABLE IF EXISTS flyway_schema_history")


def migrate_only(connection: Connection[Any]) -> None:
    for version in ("V1", "V2", "V3"):
        (path,) = MIGRATIONS.glob(f"{version}__*.sql")
        connection.execute(path.read_bytes())


def test_same_seed_gives_the_same_rows(hospital: Connection[Any]) -> None:
    first = digests(hospital)
    raze(hospital)
    load_hospital(hospital, patients=PATIENTS, seed=1)
    assert digests(hospital) == first


def test_another_seed_gives_other_people_but_the_same_test_patients(hospital: Connection[Any]) -> None:
    people = "SELECT array_agg(p::text ORDER BY id) FROM clinical.patients AS p WHERE is_test = "
    real, test = one(hospital, people + "false"), one(hospital, people + "true")
    raze(hospital)
    load_hospital(hospital, patients=PATIENTS, seed=2)
    assert not set(real) & set(one(hospital, people + "false"))
    assert one(hospital, people + "true") == test


def test_loading_leaves_the_schema_that_the_migrations_make(hospital: Connection[Any]) -> None:
    loaded = hospital.execute(SHAPE, {"schemas": list(SCHEMAS)}).fetchall()
    assert one(hospital, "SELECT count(*) FROM pg_namespace WHERE nspname = 'dice'") == 0
    assert one(hospital, "SELECT bool_and(convalidated) FROM pg_constraint")
    raze(hospital)
    migrate_only(hospital)
    assert hospital.execute(SHAPE, {"schemas": list(SCHEMAS)}).fetchall() == loaded


def test_size_and_report_agree_with_the_tables(connection: Connection[Any]) -> None:
    told: dict[str, int] = {}

    def report(table: str, rows: int) -> None:
        told[table] = told.get(table, 0) + rows

    size = load_hospital(connection, patients=PATIENTS, seed=1, report=report)
    assert size.patients == PATIENTS == one(connection, "SELECT count(*) FROM clinical.patients")
    assert told["clinical.patients"] == PATIENTS - TEST_PATIENTS
    assert told["clinical.observations"] == size.observations
    assert size.changes == size.patients + told["audit.changes"]


def test_row_counts_per_patient(connection: Connection[Any]) -> None:
    size = load_hospital(connection, patients=2000, seed=3)
    expected: dict[str, float] = {
        "relatives": 1,
        "encounters": 3,
        "conditions": 2,
        "medications": 2,
        "observations": 6,
    }
    expected |= {
        "notes": 1,
        "claims": 2,
        "ledger": 4,
        "accounts": 0.8,
        "sessions": 0.4,
        "insurance_cards": 0.9,
    }
    for table, per_patient in expected.items():
        assert getattr(size, table) / size.patients == pytest.approx(per_patient, rel=0.1), table


def test_only_test_patients_live_in_reserved_ranges(hospital: Connection[Any]) -> None:
    reserved = {
        "SELECT id FROM clinical.patients": (
            "email LIKE '%@example.com'",
            "phone ~ '^[0-9]{3}-555-01[0-9]{2}$'",
            "contact_phones::text LIKE '%-555-01%'",
            "ssn ~ '^(000|666|9)|-00-|-0000$'",
            "homepage LIKE 'https://www.example.com/%'",
            "mrn < 'MRN-00000100'",
        ),
        "SELECT patient_id FROM clinical.relatives": ("phone LIKE '%-555-01%'", "email LIKE '%@example.com'"),
        "SELECT patient_id FROM clinical.encounters": ("ip << '192.0.2.0/24'",),
        "SELECT patient_id FROM iam.accounts": ("last_login_ip << '192.0.2.0/24'",),
    }
    for owners, ranges in reserved.items():
        for condition in ranges:
            found = hospital.execute(f"{owners} WHERE {condition} ORDER BY 1".encode()).fetchall()
            assert found == [(number,) for number in range(1, TEST_PATIENTS + 1)], condition


def test_nulls_empty_strings_and_letters_beyond_ascii_occur(hospital: Connection[Any]) -> None:
    for column in ("ssn", "middle_name", "email", "fax", "photo", "contact_phones", "preferences"):
        share = one(hospital, f"SELECT avg(({column} IS NULL)::int) FROM clinical.patients")
        assert 0.04 < share < 0.2, column
    assert one(hospital, "SELECT bool_or(middle_name = '') FROM clinical.patients")
    assert one(hospital, "SELECT bool_or(last_name ~ '[^ -~]') FROM clinical.patients")
    assert not one(hospital, "SELECT bool_or(email ~ '[^ -~]') FROM clinical.patients")


def test_triggers_wrote_whole_rows_to_the_audit_trail(hospital: Connection[Any]) -> None:
    latest = """
        SELECT DISTINCT ON (row_id) new_row = to_jsonb(patient) AS is_current
        FROM audit.changes JOIN clinical.patients AS patient ON patient.id = row_id
        ORDER BY row_id, changes.id DESC
    """
    assert one(hospital, f"SELECT bool_and(is_current) FROM ({latest}) AS latest")
    assert one(hospital, f"SELECT count(*) FROM ({latest}) AS latest") == PATIENTS
    assert one(hospital, "SELECT bool_or(old_row ->> 'phone' <> new_row ->> 'phone') FROM audit.changes")


def test_awkward_things_are_there(hospital: Connection[Any]) -> None:
    assert one(hospital, "SELECT count(*) FROM pg_attribute WHERE attisdropped") == 1
    assert one(hospital, "SELECT last_value < 0 FROM billing.claim_reference_seq")
    assert not one(hospital, "SELECT is_called FROM clinical.archive_box_seq")
    assert one(hospital, "SELECT count(*) FROM clinical.patient_summary") == PATIENTS
    assert one(hospital, "SELECT count(*) FROM clinical.emergency_directory") > TEST_PATIENTS
    assert one(hospital, "SELECT count(DISTINCT tableoid) FROM clinical.observations") >= 8
    hospital.execute("SET ROLE hospital_app")
    assert one(hospital, "SELECT count(*) FROM iam.accounts") == 0


def test_pending_migrations_run_on_it_and_touch_nobody(hospital: Connection[Any]) -> None:
    last_change, trail = "SELECT max(updated_at) FROM clinical.patients", "SELECT count(*) FROM audit.changes"
    before = one(hospital, last_change), one(hospital, trail)
    for version in ("V4", "V5"):
        (path,) = MIGRATIONS.glob(f"{version}__*.sql")
        hospital.execute(path.read_bytes())
    assert one(hospital, "SELECT bool_and(preferred_name = first_name) FROM clinical.patients")
    assert (one(hospital, last_change), one(hospital, trail)) == before


def test_the_ledger_records_the_migrations_that_ran(hospital: Connection[Any]) -> None:
    entries = hospital.execute(
        "SELECT version, script, success FROM flyway_schema_history ORDER BY installed_rank"
    ).fetchall()
    assert entries == [
        ("1", "V1__hospital.sql", True),
        ("2", "V2__portal_and_audit.sql", True),
        ("3", "V3__reporting_and_access.sql", True),
    ]


def test_it_can_be_made_with_the_pending_migrations(connection: Connection[Any]) -> None:
    assert isinstance(load_hospital(connection, patients=TEST_PATIENTS, seed=1, through="5"), HospitalSize)
    assert one(connection, "SELECT count(*) FROM flyway_schema_history") == 5


@pytest.mark.parametrize(("patients", "through"), [(4, "3"), (100, "2")])
def test_too_little_is_refused(connection: Connection[Any], patients: int, through: str) -> None:
    with pytest.raises(ValueError, match="at least"):
        load_hospital(connection, patients=patients, seed=1, through=through)
