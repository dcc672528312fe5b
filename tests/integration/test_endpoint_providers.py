"""What the endpoint providers do each in its own way; what all have to do is a contract of its own."""

from __future__ import annotations

import concurrent.futures
import json
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import TypeAdapter

from sanitizers.cli.checks import Finding, target_findings
from sanitizers.endpoints import endpoint_provider
from sanitizers.endpoints.base import Destination, EndpointProvider
from sanitizers.errors import EndpointFailed, SettingsInvalid
from sanitizers.postgres.cluster import Cluster
from sanitizers.settings import AnyEndpoint, Settings, Target, load_settings
from sanitizers.snapshots import snapshot_provider
from tests.amazon import Cloud, amazon, hosted_zone
from tests.generations import PASSWORD, generation_of, two_generations

ONE = Destination("hospital-20261121-001", "one.staging.example", 5432, "hospital", "staging")
TWO = Destination("hospital-20261122-001", "two.staging.example", 5432, "hospital", "staging")


def _endpoint(provider: str, **settings: object) -> EndpointProvider:
    return endpoint_provider(TypeAdapter(AnyEndpoint).validate_python({"provider": provider, **settings}))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with amazon(tmp_path_factory.mktemp("amazon")) as made:
        yield made


# rename

CUT = {"just been dropped or renamed", "terminating connection", "server closed the connection"}
"""What those are told who come, or are there, while the name changes hands: all may come again at once."""


@pytest.fixture(params=["production16", "production18"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    made: Cluster = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def generations(cluster: Cluster) -> Iterator[list[Destination]]:
    with two_generations(cluster) as made:
        yield made


def _rename(cluster: Cluster) -> tuple[EndpointProvider, str]:
    name = f"staging_{uuid.uuid4().hex[:8]}"
    return _endpoint("rename", service=name, server={"dsn": cluster.dsn()}), name


def _names(cluster: Cluster) -> set[str]:
    with psycopg.connect(cluster.dsn()) as admin:
        return {str(row[0]) for row in admin.execute("SELECT datname FROM pg_database")}


def test_a_database_gets_its_own_name_back_when_another_takes_over(
    cluster: Cluster, generations: list[Destination]
) -> None:
    (one, two), (endpoint, name) = generations, _rename(cluster)
    endpoint.point_to(one, None)
    assert {name, two.database} <= _names(cluster)
    assert one.database not in _names(cluster)
    previous = endpoint.point_to(two, None)
    assert {name, one.database} <= _names(cluster)
    assert previous is not None
    endpoint.point_to(previous, None)
    assert {name, two.database} <= _names(cluster)


def test_clients_that_never_rest_find_one_generation_or_the_other_under_the_name(
    cluster: Cluster, generations: list[Destination]
) -> None:
    (one, two), (endpoint, _) = generations, _rename(cluster)
    endpoint.point_to(one, None)
    dsn = make_conninfo(endpoint.client_dsn(), host="127.0.0.1", password=PASSWORD)
    ended = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(_coming_and_going, dsn, ended) for _ in range(4)]
        for destination in (two, one, two):
            endpoint.point_to(destination, None)
            time.sleep(0.2)
        ended.set()
        found = [client.result() for client in clients]
    seen = set().union(*found)
    assert {one.generation, two.generation} <= seen
    assert seen - {one.generation, two.generation} <= CUT


def _coming_and_going(dsn: str, ended: threading.Event) -> set[object]:
    """The generations seen, and what is said to those who come while the name changes hands."""
    seen: set[object] = set()
    while not ended.is_set():
        try:
            seen.add(generation_of(dsn))
        except psycopg.OperationalError as error:
            seen.add(next((said for said in CUT if said in str(error)), str(error)))
    return seen


def test_a_database_of_somebody_elses_keeps_the_name(
    cluster: Cluster, generations: list[Destination]
) -> None:
    endpoint, name = _rename(cluster)
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            assert endpoint.current() is None
            with pytest.raises(EndpointFailed, match="not ours"):
                endpoint.point_to(generations[0], None)
            assert generations[0].database in _names(cluster)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@contextmanager
def _mover(cluster: Cluster, generations: list[Destination]) -> Iterator[str]:
    """A role with just the rights that the provider asks for."""
    names = [sql.Identifier(one.database) for one in generations]
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute("CREATE ROLE mover LOGIN CREATEDB PASSWORD 'moving' IN ROLE pg_signal_backend")
        for name in names:
            admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO mover").format(name))
        yield make_conninfo(cluster.dsn(), host="127.0.0.1", user="mover")
        admin.execute("REASSIGN OWNED BY mover TO postgres")
        admin.execute("DROP OWNED BY mover")
        admin.execute("DROP ROLE mover")


def test_both_names_change_or_neither(
    cluster: Cluster, generations: list[Destination], tmp_path: Path
) -> None:
    (one, two), name = generations, f"staging_{uuid.uuid4().hex[:8]}"
    (tmp_path / "secret").write_text("moving")
    with _mover(cluster, generations) as dsn:
        server = {"dsn": dsn, "password": f"file:{tmp_path}/secret"}
        endpoint = _endpoint("rename", service=name, server=server)
        client = make_conninfo(host="127.0.0.1", port=cluster.port, user=one.role, password=PASSWORD)
        with psycopg.connect(client, dbname=one.database) as session:
            endpoint.point_to(one, None)
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        # Nobody but a superuser ends a superuser's sessions.
        with (
            psycopg.connect(cluster.dsn(two.database)),
            pytest.raises(EndpointFailed, match="sessions are in the way"),
        ):
            endpoint.point_to(two, None)
        assert {name, two.database} <= _names(cluster)
        assert one.database not in _names(cluster)
        endpoint.point_to(two, None)
        assert {name, one.database} <= _names(cluster)


def test_a_role_that_may_not_rename_changes_nothing(cluster: Cluster, generations: list[Destination]) -> None:
    (one, two), (endpoint, name) = generations, _rename(cluster)
    endpoint.point_to(one, None)
    server = {"dsn": make_conninfo(cluster.dsn(), host="127.0.0.1", user=one.role), "password": "env:CLIENT"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENT", PASSWORD)
        with pytest.raises(EndpointFailed, match="renames nothing: InsufficientPrivilege") as refused:
            _endpoint("rename", service=name, server=server).point_to(two, None)
    assert PASSWORD not in str(refused.value)
    assert {name, two.database} <= _names(cluster)
    assert endpoint.current() == replace(one, host=str(cluster.socket_dir), database=name)


def test_the_snapshot_provider_finds_its_clone_under_the_name(cluster: Cluster, tmp_path: Path) -> None:
    name = f"staging_{uuid.uuid4().hex[:8]}"
    endpoint = {"provider": "rename", "service": name, "server": {"dsn": cluster.dsn()}}
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE source_of_renamed")
        source = {"dsn": cluster.dsn("source_of_renamed")}
        access = {"role": "client_of_renamed", "password": "env:CLIENT"}
        snapshot = {"provider": "template"}
        target = Target.model_validate(
            {"policy": "p", "source": source, "snapshot": snapshot, "endpoint": endpoint, "access": access}
        )
        provider = snapshot_provider(target, name, tmp_path)
        taken = provider.create("g-1", None)
        refs = [
            provider.release(provider.clone(taken, label), "", 0, "client_of_renamed")
            for label in ("g-1", "g-2")
        ]
        moving = endpoint_provider(target.endpoint)
        for ref in (*refs, *refs):
            there = Destination(
                ref.label, ref.client_host, ref.client_port, ref.database, "client_of_renamed"
            )
            provider.start(ref)
            moving.point_to(there, None)
            assert moving.current() == replace(there, database=name)
            provider.start(ref)
            provider.stop(ref)
        for label in ("g-1", "g-2"):
            provider.destroy(label)
        assert moving.current() is None
        assert not [one for one in _names(cluster) if one == name or ("_g-" in one and "clone" in one)]
        provider.discard("g-1")
        admin.execute("DROP DATABASE source_of_renamed")
        admin.execute("DROP ROLE client_of_renamed")


def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    endpoint = _endpoint("rename", service="staging", server={"dsn": f"host={tmp_path} user=nobody"})
    with pytest.raises(EndpointFailed, match="does not answer"):
        endpoint.current()


# dns


def _dns(**settings: object) -> EndpointProvider:
    name = f"{uuid.uuid4().hex[:8]}.staging.example"
    return _endpoint("dns", **{"service": name, "zone": hosted_zone(f"{name}."), **settings})


def test_records_live_as_long_as_the_settings_say(cloud: Cloud) -> None:
    import boto3

    zone = hosted_zone("live.example.")
    endpoint = _endpoint("dns", service="hospital.live.example", zone=zone, ttl=7)
    endpoint.point_to(ONE, "of nobody's business")
    answer = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)
    ours = [one for one in answer["ResourceRecordSets"] if one["Type"] in {"CNAME", "TXT"}]
    assert [one["TTL"] for one in ours] == [7, 7]
    assert [one["ResourceRecords"][0]["Value"] for one in ours if one["Type"] == "CNAME"] == [ONE.host]
    assert "nobody" not in json.dumps(ours)


def test_a_change_that_is_there_already_is_not_made_again(cloud: Cloud) -> None:
    endpoint = _dns()
    endpoint.point_to(ONE, None)
    cloud.asked.clear()
    endpoint.point_to(ONE, None)
    assert {said.partition(" ")[0] for said in cloud.asked} == {"GET"}


@pytest.mark.parametrize("before", [None, ONE])
def test_a_change_that_route_53_does_not_carry_out_in_time_is_taken_back(
    cloud: Cloud, before: Destination | None
) -> None:
    endpoint = _dns(wait_seconds=0.1)
    if before:
        endpoint.point_to(before, None)
    with cloud.saying(b"PENDING", of=b"INSYNC"), pytest.raises(EndpointFailed, match=r"after 0\.1 s"):
        endpoint.point_to(TWO, None)
    assert endpoint.current() == before


def test_a_long_destination_fits_into_the_record(cloud: Cloud) -> None:
    endpoint, long = _dns(), replace(ONE, generation="g" * 200, database='a "b" &=\\ ü' * 20)
    endpoint.point_to(long, None)
    assert endpoint.current() == long


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "two words.example"])
def test_a_name_leads_to_names_only(cloud: Cloud, host: str) -> None:
    with pytest.raises(EndpointFailed, match="whole name of a host"):
        _dns().point_to(replace(ONE, host=host), None)


# parameter


@pytest.mark.parametrize("store", ["ssm", "secretsmanager"])
def test_programs_read_json_or_an_address(cloud: Cloud, store: str) -> None:
    name = f"/staging/{uuid.uuid4().hex}"
    said = {}
    for form in ("json", "dsn"):
        endpoint = _endpoint("parameter", service=name, store=store, form=form)
        endpoint.point_to(ONE, PASSWORD)
        assert endpoint.current() == ONE
        assert conninfo_to_dict(endpoint.client_dsn())["password"] == PASSWORD
        said[form] = _read(store, name)
    assert json.loads(said["json"]) == {
        "host": ONE.host,
        "port": 5432,
        "dbname": "hospital",
        "user": "staging",
        "password": PASSWORD,
        "generation": ONE.generation,
    }
    assert said["dsn"].startswith("postgresql://staging:it%27s%20")
    assert conninfo_to_dict(said["dsn"])["password"] == PASSWORD


def _read(store: str, name: str) -> str:
    import boto3

    client = boto3.client(store)
    if store == "ssm":
        found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert found["Type"] == "SecureString"
        return str(found["Value"])
    return str(client.get_secret_value(SecretId=name)["SecretString"])


def test_a_value_that_is_there_already_makes_no_new_version(cloud: Cloud) -> None:
    endpoint = _endpoint("parameter", service=f"/staging/{uuid.uuid4().hex}")
    endpoint.point_to(ONE, PASSWORD)
    cloud.asked.clear()
    endpoint.point_to(ONE, PASSWORD)
    assert cloud.asked == ["AmazonSSM.GetParameter"]


def test_a_value_that_somebody_else_wrote_is_no_destination_and_is_replaced(cloud: Cloud) -> None:
    import boto3

    name = f"/staging/{uuid.uuid4().hex}"
    for text in ("by hand", "[1]", '{"host": "there"}', "postgresql://u@h:1/d"):
        boto3.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
        assert _endpoint("parameter", service=name).current() is None
    assert _endpoint("parameter", service=name).point_to(ONE, None) is None
    assert _endpoint("parameter", service=name).current() == ONE


@pytest.mark.parametrize("operation", ["GetParameter", "PutParameter"])
def test_what_amazon_refuses_is_told_by_its_code_and_not_in_its_words(cloud: Cloud, operation: str) -> None:
    endpoint = _endpoint("parameter", service="/staging/refused")
    with cloud.refusing(f"AmazonSSM.{operation}"), pytest.raises(EndpointFailed) as refused:
        endpoint.point_to(ONE, "hunter2")
    assert "AccessDeniedException" in str(refused.value)
    assert "hunter2" not in json.dumps(refused.value.to_json())
    assert refused.value.__cause__ is None


def test_no_password_is_logged_however_much_is(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    _endpoint("parameter", service="/staging/logged").point_to(ONE, "hunter2")
    assert "hunter2" not in caplog.text


def test_a_cloud_that_is_away_or_knows_nobody_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    endpoint = _endpoint("parameter", service="/staging/x", region="eu-central-1")
    with pytest.raises(EndpointFailed, match="NoCredentialsError"):
        endpoint.current()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    with pytest.raises(EndpointFailed, match="EndpointConnectionError"):
        _endpoint("parameter", service="/staging/x", region="eu-central-1").current()


def test_without_boto3_or_a_region_the_settings_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(SettingsInvalid, match="NoRegionError"):
        _endpoint("parameter", service="x")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsInvalid, match="boto3 is not installed"):
        _endpoint("parameter", service="x")


# command


def _program(folder: Path, body: str) -> Path:
    program = folder / "move-clients"
    program.write_text(f"#!{sys.executable}\nimport json, os, pathlib, sys, time\n{body}")
    program.chmod(0o755)
    return program


KEEPING = """
place = pathlib.Path(__file__).with_suffix(".json")
if sys.argv[-2] == "current":
    print(place.read_text() if place.exists() else "null")
    sys.exit()
said = json.load(sys.stdin)
"""


def test_a_program_is_given_its_arguments_the_destination_and_few_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_RUNNER", "hunter2")
    monkeypatch.setenv("LOAD_BALANCER", "lb.example")
    body = """
place.write_text(json.dumps(said))
place.with_name("seen").write_text(json.dumps([sys.argv[1:], sorted(os.environ), said]))
"""
    settings = {"arguments": ["--force", "a b"], "environment": ["LOAD_BALANCER", "NOT_SET"]}
    program = _program(tmp_path, KEEPING + body)
    _endpoint("command", service="hospital", program=program, **settings).point_to(ONE, PASSWORD)
    arguments, environment, said = json.loads((tmp_path / "seen").read_text())
    assert arguments == ["--force", "a b", "point-to", "hospital"]
    assert set(environment) - {"LC_CTYPE"} <= {"PATH", "HOME", "LANG", "LOAD_BALANCER"}
    assert said == {**vars(ONE), "password": PASSWORD}


def test_a_program_that_takes_too_long_is_killed_with_what_it_started_and_undone(tmp_path: Path) -> None:
    body = """
place.write_text(json.dumps(said))
if said["generation"].startswith("hospital-20261122"):
    os.fork()
    place.with_name("pids").open("a").write(f"{os.getpid()} ")
    time.sleep(60)
"""
    program = _program(tmp_path, KEEPING + body)
    endpoint = _endpoint("command", service="hospital", program=program, timeout_seconds=3)
    endpoint.point_to(ONE, PASSWORD)
    with pytest.raises(EndpointFailed, match="longer than 3 s"):
        endpoint.point_to(TWO, PASSWORD)
    assert endpoint.current() == ONE
    assert conninfo_to_dict(endpoint.client_dsn())["password"] == PASSWORD
    for pid in (tmp_path / "pids").read_text().split():
        state = Path(f"/proc/{pid}/stat")
        assert not state.exists() or ") Z " in state.read_text()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print('hunter2', file=sys.stderr); print('hunter2'); sys.exit(3)", "ended with status 3"),
        ("print('hunter2')", "does not print JSON"),
        ("print('[\"hunter2\"]')", "neither an object nor null"),
        ("print(json.dumps({'generation': 'g', 'host': 'h', 'port': 'hunter2'}))", "database, port, role"),
        ("print('null')", "`current` says something else"),
    ],
)
def test_a_program_that_fails_or_lies_is_told_without_what_it_printed(
    tmp_path: Path, body: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = _endpoint("command", service="hospital", program=_program(tmp_path, body))
    with pytest.raises(EndpointFailed, match=said) as refused:
        endpoint.point_to(ONE, "hunter2")
    assert "hunter2" not in json.dumps(refused.value.to_json())
    assert "hunter2" not in "".join(capfd.readouterr())


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EndpointFailed, match="cannot be run: No such file"):
        _endpoint("command", service="hospital", program=tmp_path / "none").current()


# multi


def _multi(folder: Path, *programs: Path, first: str = "services") -> EndpointProvider:
    each = [{"provider": "service", "service": "one", "file": folder / first}]
    each += [{"provider": "service", "service": "two", "file": folder / "second"}]
    each += [{"provider": "command", "service": "lb", "program": str(program)} for program in programs]
    return _endpoint("multi", service="all", endpoints=each)


def test_when_one_fails_those_before_it_are_led_back_password_included(tmp_path: Path) -> None:
    refusing = "sys.exit(4) if said['generation'].startswith('hospital-20261122') else 0\n"
    program = _program(tmp_path, KEEPING + refusing + "place.write_text(json.dumps(said))")
    endpoint = _multi(tmp_path, program)
    endpoint.point_to(ONE, PASSWORD)
    before = [(tmp_path / name).read_text() for name in ("services", "second")]
    with pytest.raises(EndpointFailed) as refused:
        endpoint.point_to(TWO, "of the second night")
    assert [(tmp_path / name).read_text() for name in ("services", "second")] == before
    told = [(problem.where, problem.what) for problem in refused.value.problems]
    assert told == [
        (str(program), "`point-to` ended with status 4"),
        ("service two", f"points at {ONE.generation} again"),
        ("service one", f"points at {ONE.generation} again"),
    ]
    assert refused.value.where == "command lb"


def test_one_that_cannot_be_led_back_is_told_apart(tmp_path: Path) -> None:
    # The program breaks the first endpoint before it fails itself.
    breaking = f"pathlib.Path({str(tmp_path)!r}, 'services').unlink()\n"
    breaking += f"pathlib.Path({str(tmp_path)!r}, 'services').mkdir()\nsys.exit(4)"
    once = "if not place.exists():\n    place.write_text(json.dumps(said))\n    sys.exit()\n"
    endpoint = _multi(tmp_path, _program(tmp_path, KEEPING + once + breaking))
    endpoint.point_to(ONE, PASSWORD)
    with pytest.raises(EndpointFailed) as refused:
        endpoint.point_to(TWO, PASSWORD)
    _, second, first = refused.value.problems
    assert second.what == f"points at {ONE.generation} again"
    assert first.what.startswith(f"still points at {TWO.generation}, it could not be led back")


def test_the_first_leads_a_switch_that_was_cut_short(tmp_path: Path) -> None:
    endpoint = _multi(tmp_path)
    endpoint.point_to(ONE, None)
    _endpoint("service", service="one", file=tmp_path / "services").point_to(TWO, None)
    assert endpoint.current() == TWO
    endpoint.point_to(TWO, None)
    assert _endpoint("service", service="two", file=tmp_path / "second").current() == TWO


# settings

TARGET = """\
targets:
  shop:
    policy: shop.yaml
    source: {dsn: "host=db.example dbname=shop"}
    access: {password: "env:STAGING"}
    endpoint: ENDPOINT
"""


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("{provider: dns, service: a.b, zone: Z, file: x}", "unknown key targets.shop.endpoint.file"),
        ("{provider: dns, service: a.b, zonne: Z}", "did you mean zone?"),
        ("{provider: dsn, service: a.b}", "did you mean dns?"),
        ("{provider: parameter, service: a, store: s3}", "endpoint.store: Input should be 'ssm'"),
        ("{service: a, file: b, console: {dsn: host=x}}", "only the provider pgbouncer has a console"),
        ("{provider: rename, service: a}", "endpoint.server: Field required"),
        ("{provider: command, service: a}", "endpoint.program: Field required"),
        ("{provider: multi, service: a, endpoints: [{service: a, file: b}]}", "at least 2 items"),
        ("{provider: multi, service: a, endpoints: [{provider: multi}, {service: a}]}", "endpoints.1.file"),
        ("staging", "one of these as its provider"),
    ],
)
def test_a_key_of_another_provider_is_a_mistake_with_its_place(
    tmp_path: Path, endpoint: str, said: str
) -> None:
    file = tmp_path / "understudy.yaml"
    file.write_text(TARGET.replace("ENDPOINT", endpoint))
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(file)
    assert said in str(caught.value)
    assert f"{file}:6: " in str(caught.value)


def test_paths_of_programs_and_of_many_endpoints_are_relative_to_the_settings(tmp_path: Path) -> None:
    each = "{service: a, file: services}, {provider: command, service: b, program: bin/move}"
    file = tmp_path / "understudy.yaml"
    file.write_text(TARGET.replace("ENDPOINT", f"{{provider: multi, service: all, endpoints: [{each}]}}"))
    endpoint: Any = load_settings(file).target("shop").endpoint
    assert endpoint.endpoints[0].file == tmp_path / "services"
    assert endpoint.endpoints[1].program == tmp_path / "bin" / "move"


def test_the_doctor_asks_the_endpoint_where_it_points(tmp_path: Path) -> None:
    program = _program(tmp_path, KEEPING)
    text = TARGET.replace("ENDPOINT", f"{{provider: command, service: lb, program: {program}}}")
    (tmp_path / "understudy.yaml").write_text(text.replace("host=db.example", "host=/nonexistent"))
    settings = load_settings(tmp_path / "understudy.yaml")
    said = _doctor(settings)
    assert said.verdict == "ok"
    assert said.what == f"{program} current lb, nowhere yet"
    program.unlink()
    assert _doctor(settings).verdict == "fail"


def _doctor(settings: Settings) -> Finding:
    found = target_findings("shop", settings.target("shop"), settings)
    return next(one for one in found if one.subject == "endpoint")


def test_an_endpoint_that_keeps_no_password_needs_one_that_clients_know(tmp_path: Path) -> None:
    text = TARGET.replace('    access: {password: "env:STAGING"}\n', "")
    file = tmp_path / "understudy.yaml"
    file.write_text(text.replace("ENDPOINT", "{provider: dns, service: a.b, zone: Z}"))
    with pytest.raises(SettingsInvalid, match="the endpoint dns keeps no password"):
        load_settings(file)
