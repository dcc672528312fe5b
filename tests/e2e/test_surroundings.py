"""Whole refreshes of databases in which much hangs on every column, or that are set up unkindly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sanitizers.postgres.cluster import Cluster
from tests.e2e.conftest import Clinic, target
from tests.torture.database import load, torture_policy, torture_roles


@pytest.fixture
def torture(production18: Cluster, home: Path, tmp_path: Path) -> Iterator[Clinic]:
    """A target whose production is the torture schema."""
    with torture_roles(production18):
        made = target(production18, home, tmp_path, torture_policy().text, migrations=False)
        clinic = next(made)
        # Base backups leave tablespaces alone, and say so.
        load(production18.dsn(clinic.database), "pg_default", without="50_many")
        yield clinic
        next(made, None)


def test_the_torture_schema(torture: Clinic) -> None:
    torture.refresh()
    assert torture.staging("SELECT count(*) FROM registry.person WHERE given LIKE 'Qilda%'") == [(0,)]


UNKIND = """
ALTER DATABASE {0} SET default_transaction_read_only = on;
ALTER DATABASE {0} SET statement_timeout = '20ms';
ALTER DATABASE {0} SET search_path = nowhere;
ALTER DATABASE {0} SET "DateStyle" = 'SQL, DMY';
ALTER DATABASE {0} SET idle_in_transaction_session_timeout = '20ms';
"""


def test_settings_of_the_database_do_not_disturb(clinic: Clinic) -> None:
    clinic.produce(UNKIND.format(clinic.database))
    clinic.refresh()
    assert clinic.staging("SELECT count(*) FROM public.patients WHERE name LIKE 'Original%'") == [(0,)]


EVENTS = """
CREATE TABLE ddl (n serial PRIMARY KEY, tag text);
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.ddl (tag) VALUES (tg_tag); END $$;
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no dropping here'; END $$;
CREATE EVENT TRIGGER log_all ON ddl_command_end EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER forbid_all ON sql_drop EXECUTE FUNCTION forbid();
"""
RULES = "  public.ddl:\n    columns: {n: non_identifying, tag: non_identifying}\n"


@pytest.mark.parametrize("name", ["clinic", "clinic16"])
def test_event_triggers_do_not_fire(name: str, request: pytest.FixtureRequest) -> None:
    clinic: Clinic = request.getfixturevalue(name)
    clinic.produce(EVENTS)
    clinic.policy.write_text(clinic.policy.read_text() + RULES)
    clinic.refresh()
    assert clinic.staging("SELECT count(*) FROM ddl") == [(0,)]
    found = clinic.staging("SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1")
    assert found == [("forbid_all", "O"), ("log_all", "O")]


HIDDEN_ORDER = """
CREATE MATERIALIZED VIEW z_names AS SELECT name FROM patients;
CREATE FUNCTION names() RETURNS SETOF text STABLE LANGUAGE sql AS 'SELECT name FROM public.z_names';
CREATE MATERIALIZED VIEW a_names AS SELECT names() AS name;
"""


def test_materialized_views_that_read_others_through_functions(clinic: Clinic) -> None:
    clinic.produce(HIDDEN_ORDER)
    clinic.refresh()
    assert clinic.staging("SELECT count(*) FROM a_names WHERE name LIKE 'Original%'") == [(0,)]
