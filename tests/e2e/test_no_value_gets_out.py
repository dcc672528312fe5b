"""No value of production shows up in anything a night says or leaves behind, whatever fails and says so.

Every column of the production below holds values that stand for somebody, in every type there is. Each fault
makes PostgreSQL, Python or Great Expectations quote some of them in words of their own.
"""

from __future__ import annotations

import json
import pickle
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from sanitizers.cli import cli
from sanitizers.cli.terminal import CommandLine, json_option
from sanitizers.errors import ScrubFailed, SettingsInvalid, SourceUnreachable, UnderstudyError
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.connection import described
from sanitizers.settings import Source
from tests.e2e.conftest import LEDGER, Clinic, target
from tests.leaks import Said, control_database, leaks, left_behind, understudy
from tests.scrubbing import policy, scrubbed, session

TALKATIVE = """
CREATE TRIGGER telling BEFORE UPDATE OR INSERT OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION tell();
CREATE FUNCTION hello() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public AS $$ DECLARE somebody person; BEGIN
    SELECT * INTO somebody FROM person LIMIT 1; RAISE WARNING '% is here', somebody; END $$;
CREATE EVENT TRIGGER hello ON login EXECUTE FUNCTION hello();
ALTER EVENT TRIGGER hello ENABLE ALWAYS;
"""
PEOPLE = [
    {
        "id": f"73029184{n}6", "name": f"Zebulon O'Hartwíg-{n}", "email": f"zeb{n}.hartwig@northlake.example",
        "ward": f"Wing Quixote {n}7", "code": f"DEV-{n}81xq-Vireo", "visits": f"8192734{n}",
        "amount": f"73918{n}.4467", "born": f"1931-07-2{n}", "seen": f"1987-11-0{n} 04:53:17+00",
        "extra": f'{{"maiden": "Pemberwick{n}"}}', "phones": f'{{"(917) 633-84{n}2"}}',
        "photo": f"\\x{f'Photo of Zebulon {n}'.encode().hex()}",
        "token": f"9f3b7c1e-5d2a-4e86-b1f7-6a90d3c2e48{n}",
        "host": f"198.18.77.20{n}", "home": f'("Juniper Lane 77{n}",914{n}7)',
        "stay": f"[1987-10-1{n},1987-10-2{n})", "remark": f"Mr. Hartwig {n} came in limping",
        "mood": "calm",
    }
    for n in (1, 2, 3)
]  # fmt: skip
SHOWN = ("seen", "home", "stay", "photo", "phones", "extra")
"""Values that are shown otherwise than they are written here: what is searched for is inside."""
INSIDE = [
    *(f"1987-11-0{n} 04:53:17" for n in (1, 2, 3)), *(f"Juniper Lane 77{n}" for n in (1, 2, 3)),
    *(f"1987-10-1{n}" for n in (1, 2, 3)), *(f"Photo of Zebulon {n}" for n in (1, 2, 3)),
    *(f"(917) 633-84{n}2" for n in (1, 2, 3)), *(f"Pemberwick{n}" for n in (1, 2, 3)),
    *(f"datetime.date(1931, 7, 2{n})" for n in (1, 2, 3)),
    "Quarantined Zebulon", "Isadora Quenneville", "1931-05-17", "hunter2-of-production",
]  # fmt: skip
VALUES = [
    *(value for one in PEOPLE for name, value in one.items() if name not in (*SHOWN, "mood")),
    *INSIDE,
]

SCHEMA = """
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TYPE home AS (street text, number int);
CREATE DOMAIN remark AS text CHECK (length(value) < 200);
CREATE TABLE person (
    id bigint PRIMARY KEY, name text NOT NULL, email text UNIQUE, ward text NOT NULL, code varchar(24),
    visits int, amount numeric(12, 4), born date, seen timestamptz, extra jsonb, phones text[], photo bytea,
    token uuid, host inet, home home, stay daterange, remark remark, mood mood,
    shout text GENERATED ALWAYS AS (upper(name)) STORED,
    CONSTRAINT sane CHECK (length(name) > 3)
);
CREATE TABLE visit (day date, person bigint REFERENCES person, doctor text) PARTITION BY RANGE (day);
CREATE TABLE visit_1931 PARTITION OF visit FOR VALUES FROM ('1931-01-01') TO ('1932-01-01');
CREATE MATERIALIZED VIEW wards AS SELECT ward, count(*) FROM person GROUP BY ward;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE WARNING 'row of %', NEW USING DETAIL = NEW.name, HINT = NEW.email;
    RAISE EXCEPTION 'no % here', NEW.name
        USING TABLE = NEW.name, COLUMN = NEW.email, CONSTRAINT = NEW.ward, DETAIL = NEW.code;
END $$;
CREATE ROLE {database}_app PASSWORD 'hunter2-of-production';
ALTER ROLE {database}_app SET application_name = 'hunter2-of-production';
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere OPTIONS (host 'hunter2-of-production');
CREATE USER MAPPING FOR {database}_app SERVER elsewhere OPTIONS (password 'hunter2-of-production');
{ledger}"""
POLICY = """\
policy: {database}
version: 1
tables:
  public.person:
    columns:
      id: non_identifying
      name: name.full
      email: email
      ward: non_identifying
      code: device_id
      visits: {category: financial_sensitive}
      amount: financial_sensitive
      born: quasi_identifier.birth_date
      seen: {category: quasi_identifier, treat: {kind: date_shift}}
      extra: json
      phones: phone
      photo: binary
      token: unique_code
      host: ip_address
      home: {category: postal_address, treat: {kind: "null"}}
      stay: {category: quasi_identifier, treat: {kind: "null"}}
      remark: free_text
      mood: {category: sensitive_attribute, treat: {kind: choice, values: [calm]}}
      shout: name
  public.visit:
    columns: {day: quasi_identifier, person: non_identifying, doctor: name.full}
  public.flyway_schema_history:
    columns: {installed_rank: non_identifying, version: non_identifying, description: non_identifying,
              type: non_identifying, script: non_identifying, checksum: non_identifying,
              installed_by: non_identifying, installed_on: non_identifying,
              execution_time: non_identifying, success: non_identifying}
"""


def furnish(dsn: str, database: str) -> None:
    """Makes the production of this page."""
    names, places = ", ".join(PEOPLE[0]), ", ".join(["%s"] * len(PEOPLE[0]))
    with psycopg.connect(dsn) as connection:
        connection.execute(SCHEMA.replace("{database}", database).replace("{ledger}", LEDGER).encode())
        for one in PEOPLE:
            insert = f"INSERT INTO person ({names}) VALUES ({places})"
            connection.execute(insert.encode(), list(one.values()))
        connection.execute("INSERT INTO visit SELECT '1931-05-17', id, 'Isadora Quenneville' FROM person")
        connection.execute("REFRESH MATERIALIZED VIEW wards")


@pytest.fixture
def clinic(production18: Cluster, home: Path, tmp_path: Path) -> Iterator[Clinic]:
    made = target(production18, home, tmp_path, POLICY)
    clinic = next(made)
    furnish(production18.dsn(clinic.database), clinic.database)
    yield clinic
    clinic.produce(f"DROP OWNED BY {clinic.database}_app; DROP ROLE {clinic.database}_app")
    next(made, None)


def surfaces(clinic: Clinic, refresh: Said) -> dict[str, bytes | str]:
    """All that a night has said and left, and what the other commands tell of it."""
    told = {"refresh": refresh.text}
    for command in ("status", "report", "plan", "drift"):
        told[command] = clinic.run(command, clinic.database, "--json").output
    return {
        **{f"{name} said": text for name, text in told.items()},
        **dict(left_behind(clinic.home)),
        **{name: content for name, content in left_behind(clinic.folder) if "pg_service" in name},
        "control database": control_database(clinic.home),
    }


def ask(clinic: Clinic, *arguments: str) -> Said:
    return understudy(clinic.settings, *arguments, home=clinic.home, PYTHONPATH=str(clinic.folder))


@dataclass(frozen=True)
class Fault:
    """What is wrong on one night."""

    exit_code: int
    tells: str
    """Words of the refusal that show it was this fault, and no other, that ended the night."""
    production: str = ""
    rules: tuple[tuple[str, str], ...] = ()
    """Changes of the policy."""
    function: str = ""
    """A treatment's function in Python."""
    migration: str = ""


def treated(column: str, category: str, treat: str) -> tuple[tuple[str, str], ...]:
    """Another treatment of one column of `person`."""
    line = next(line.strip() for line in POLICY.splitlines() if line.strip().startswith(f"{column}: "))
    return ((line, f"{column}: {{category: {category}, treat: {{{treat}}}}}"),)


def computed(expression: str) -> tuple[tuple[str, str], ...]:
    """`code` by an expression over values that nothing treats."""
    return treated("code", "device_id", f'kind: sql, expression: "{expression}", originals: [email]')


def expects(expectation: str) -> tuple[tuple[str, str], ...]:
    return (("version: 1\n", f"version: 1\nexpect:\n  public.person:\n    - {{{expectation}}}\n"),)


EXEMPT = "reason: tests, owner: us}\n    columns:\n      id"
TALKING = """
import logging, os, subprocess, sys, warnings
logging.basicConfig()

def told(values, name, email):
    text = str([values.to_pylist(), name.to_pylist(), email.to_pylist()])
    print(text)
    print(text, file=sys.__stderr__)
    os.write(1, text.encode())
    subprocess.run(["echo", text])
    logging.getLogger("own").critical("about %s", text)
    warnings.warn(text)
    return text

"""
BY_FUNCTION = treated(
    "code", "device_id", 'kind: python, function: "own:own", reads: [], originals: [name, email]'
)
RAISES = "def own(values, name, email):\n    "
IMMUTABLE = "CREATE FUNCTION picky(text, text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
FAULTS = {
    "a function raises": Fault(
        32, "ValueError in line", rules=BY_FUNCTION,
        function=RAISES + "raise ValueError(told(values, name, email)) from KeyError(str(name))",
    ),
    "a function ends the process": Fault(
        32, "SystemExit in line", rules=BY_FUNCTION, function=RAISES + "sys.exit(told(values, name, email))"
    ),
    "a function is interrupted": Fault(
        130, "Stopped", rules=BY_FUNCTION,
        function=RAISES + "told(values, name, email); raise KeyboardInterrupt(str(name))",
    ),
    "a function kills the process": Fault(
        -6, "", rules=BY_FUNCTION,
        function=RAISES + "told(values, name, email); os.abort()",
    ),
    "a value is no number": Fault(
        32, "InvalidTextRepresentation", rules=computed("(ward || email)::int::text")
    ),
    "a value is no date": Fault(32, "InvalidDatetimeFormat", rules=computed("(ward || email)::date::text")),
    "division by zero": Fault(32, "DivisionByZero", rules=computed("(length(email) / (id - id))::text")),
    "a value is too long": Fault(
        32, "StringDataRightTruncation", rules=computed("repeat(ward || email, 9)")
    ),
    "a regular expression is none": Fault(
        32, "InvalidRegularExpression", rules=computed("regexp_replace(ward, email || '(', '')")
    ),
    "a number is too large": Fault(
        32, "NumericValueOutOfRange",
        rules=treated("amount", "financial_sensitive", 'kind: sql, expression: "value * 100000000"'),
    ),
    "values are not unique any more": Fault(
        32, "UniqueViolation", rules=treated(
            "email", "email", "kind: sql, expression: \"left(ward, 13) || '17'\", unique: true"
        ),
    ),
    "a row breaks its check": Fault(
        32, "CheckViolation",
        production="ALTER TABLE person ADD CONSTRAINT hartwig CHECK (name LIKE 'Zebulon%')",
    ),
    "a row has no partition": Fault(
        32, "fit none of its partitions",
        rules=(("day: quasi_identifier,",
                "day: {category: quasi_identifier, treat: {kind: sql, expression: \"value + 700\"}},"),),
    ),
    "an exemption cannot be told": Fault(
        32, "InvalidTextRepresentation",
        rules=(("    columns:\n      id", '    exempt: {where: "ward::int > 5", ' + EXEMPT),),
    ),
    "rows cannot be chosen": Fault(
        32, "InvalidTextRepresentation",
        rules=(("    columns:\n      id", '    rows: {keep: "ward::int > 5"}\n    columns:\n      id'),),
    ),
    "a view cannot be refreshed": Fault(
        30, "InvalidTextRepresentation",
        production="CREATE MATERIALIZED VIEW numbers AS SELECT (CASE WHEN name LIKE 'Zebulon%' THEN '1'"
        " ELSE ward || id END)::int FROM person",
    ),
    "statistics cannot be made": Fault(
        30, "RaiseException",
        production=f"{IMMUTABLE} $$ BEGIN IF $1 NOT LIKE 'Zebulon%' THEN RAISE '% of %', $1, $2; END IF;"
        " RETURN 1; END $$;"
        "CREATE STATISTICS numbers ON (picky(name, ward)), ward FROM person; ANALYZE person",
    ),
    "an index cannot be made": Fault(
        32, "RaiseException",
        production=f"{IMMUTABLE} $$ BEGIN IF $1 NOT LIKE 'Zebulon%' THEN RAISE '% of %', $1, $2; END IF;"
        " RETURN 1; END $$; CREATE INDEX picked ON person (picky(name, ward))",
    ),
    "a migration tells values": Fault(
        35, "statement 1",
        migration="DO $$ DECLARE found person; BEGIN SELECT * INTO found FROM person LIMIT 1;"
        " RAISE NOTICE '%', found; RAISE EXCEPTION '%', found USING DETAIL = found.ward, TABLE = found.ward,"
        " CONSTRAINT = found.ward, COLUMN = found.id, SCHEMA = found.ward; END $$;",
    ),
    "a migration breaks a key": Fault(
        35, "UniqueViolation", migration="ALTER TABLE visit ADD UNIQUE (day);"
        "INSERT INTO visit SELECT day, person, 'x' FROM visit;",
    ),
    "a migration wakes a trigger": Fault(
        35, "RaiseException",
        production="CREATE TRIGGER telling BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION tell();"
        "ALTER TABLE person ENABLE ALWAYS TRIGGER telling",
        migration="UPDATE person SET visits = 0;",
    ),
    "an expectation fails": Fault(
        36, "expect_column_values_to_be_in_set",
        rules=expects("type: expect_column_values_to_be_in_set, kwargs: {column: ward, value_set: [a, b]}"),
    ),
    "an expectation tells the largest value": Fault(
        36, "expect_column_max_to_be_between",
        rules=expects("type: expect_column_max_to_be_between, kwargs: {column: id, max_value: 5}"),
    ),
    "an expectation cannot be judged": Fault(
        36, "InvalidTextRepresentation",
        rules=expects(
            "type: unexpected_rows_expectation, kwargs: {unexpected_rows_query:"
            ' "SELECT * FROM {batch} WHERE ward::int > 5"}'
        ),
    ),
}  # fmt: skip
QUICK = ("a function ends the process", "a migration tells values", "an expectation fails")
MUTE = (
    "division by zero", "a value is too long", "a regular expression is none", "a number is too large",
    "a row breaks its check", "a row has no partition",
)  # fmt: skip
"""Faults of which the server, as it is today, tells no value."""


def chosen(names: Iterable[str], quick: Sequence[str]) -> list[Any]:
    """All of them as parameters, the quick ones for every day."""
    marks = {name: () if name in quick else pytest.mark.exhaustive for name in names}
    return [pytest.param(name, marks=mark) for name, mark in marks.items()]


@pytest.fixture
def production(postgres_database: str) -> Iterator[str]:
    """The same without anything around it; a connection string."""
    furnish(postgres_database, "lone")
    yield postgres_database
    with psycopg.connect(postgres_database) as connection:
        connection.execute("DROP OWNED BY lone_app; DROP ROLE lone_app")


IN_SCRUB = [name for name, fault in FAULTS.items() if fault.exit_code == ScrubFailed.exit_code]


@pytest.mark.parametrize("fault", chosen(IN_SCRUB, [name for name in IN_SCRUB if name not in MUTE]))
def test_a_scrub_that_fails_tells_no_value(
    fault: str,
    production: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    found, text = FAULTS[fault], POLICY.replace("{database}", "lone")
    for old, new in found.rules:
        text = text.replace(old, new)
    (tmp_path / "own.py").write_text(TALKING + found.function, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own", raising=False)
    with psycopg.connect(production, autocommit=True) as connection:
        connection.execute(found.production.encode() or b"SELECT 1")
    with pytest.raises(UnderstudyError) as caught, session(production) as connection, described("it"):
        scrubbed(connection, policy(tmp_path, text, head=""))
    error, printed = caught.value, capfd.readouterr()
    assert found.tells in str(error)
    told = {
        "message": str(error),
        "repr": repr(error),
        "JSON": json.dumps(error.to_json()),
        "pickle": pickle.dumps(error),
        "traceback": "".join(traceback.format_exception(error)),
        "printed": printed.out + printed.err,
        "logged": caplog.text,
    }
    assert leaks(told, VALUES) == []


@pytest.mark.parametrize("fault", chosen(FAULTS, QUICK))
def test_a_night_that_fails_tells_no_value(clinic: Clinic, fault: str) -> None:
    found = FAULTS[fault]
    strike(clinic, found)
    said = ask(clinic, "refresh", clinic.database)
    told = surfaces(clinic, said)
    assert said.exit_code == found.exit_code, said.text
    assert found.tells in " ".join(said.text.split()), said.text
    assert leaks(told, VALUES) == []


def strike(clinic: Clinic, fault: Fault) -> None:
    if fault.production:
        clinic.produce(fault.production)
    for old, new in fault.rules:
        clinic.edit(old, new)
    if fault.function:
        (clinic.folder / "own.py").write_text(TALKING + fault.function, encoding="utf-8")
    if fault.migration:
        (clinic.folder / "migrations" / "V1__told.sql").write_text(fault.migration, encoding="utf-8")


def test_a_night_that_comes_through_tells_no_value(clinic: Clinic) -> None:
    clinic.produce(TALKATIVE)
    said = ask(clinic, "refresh", clinic.database)
    assert said.exit_code == 0, said.text
    assert leaks(surfaces(clinic, said), VALUES) == []


SECRET = "hunter2-of-ours"


@pytest.mark.parametrize(
    "dsn",
    [
        f"host=127.0.0.1 port=1 user=me password={SECRET}",
        f"postgresql://me:{SECRET}@127.0.0.1:1/shop",
        f"postgresql://me:{SECRET}@127.0.0.1:port/shop",
        f"host=127.0.0.1 pass word={SECRET}",
        f"postgresql://me@127.0.0.1:1/shop?{SECRET}=1",
    ],
    ids=["words", "address", "no port", "broken words", "broken address"],
)
def test_a_connection_string_is_not_quoted(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN", dsn)
    for given in (dsn, "env:GIVEN"):
        said = CliRunner().invoke(cli, ["init", given, "-o", str(tmp_path / "policy.yaml")])
        assert said.exit_code in {SettingsInvalid.exit_code, SourceUnreachable.exit_code}, said.output
        assert leaks({"said": said.output}, [SECRET]) == []


@pytest.mark.parametrize("name", ["password", "sslpassword"])
def test_the_settings_file_takes_no_password(name: str) -> None:
    with pytest.raises(ValidationError, match="no passwords in the settings file"):
        Source(dsn=f"host=127.0.0.1 {name}={SECRET}")


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["people", "machines"])
def test_a_mistake_of_ours_is_told_by_its_place(how: list[str]) -> None:
    @click.command()
    @json_option
    def broken(as_json: bool) -> None:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error

    said = CliRunner().invoke(CommandLine(commands=[broken]), ["broken", *how])
    assert said.exit_code == UnderstudyError.exit_code
    assert "ValueError in broken" in said.output
    assert leaks({"said": said.output}, [SECRET]) == []
