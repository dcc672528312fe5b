"""What every registered endpoint provider must do, whatever it moves clients by."""

from __future__ import annotations

import json
import pickle
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import TypeAdapter

from sanitizers.endpoints import PROVIDERS, endpoint_provider
from sanitizers.endpoints.base import Destination, EndpointProvider
from sanitizers.errors import EndpointFailed
from sanitizers.postgres.cluster import Cluster
from sanitizers.settings import AnyEndpoint
from tests.amazon import Cloud, amazon, hosted_zone
from tests.bouncer import bouncing
from tests.generations import PASSWORD, generation_of, two_generations

PROGRAM = """\
#!{python}
import json, pathlib, sys
place = pathlib.Path(__file__).with_suffix(".json")
if sys.argv[-2] == "current":
    print(place.read_text() if place.exists() else "null")
else:
    said = json.load(sys.stdin)
    sys.exit(3) if said["database"] == "refused" else place.write_text(json.dumps(said))
"""


@dataclass
class Case:
    """An endpoint, two destinations, and a third it cannot be pointed at."""

    settings: dict[str, Any]
    one: Destination
    two: Destination
    refused: tuple[Destination, str]
    password_kept: bool = True
    connecting: dict[str, str] = field(default_factory=dict)
    """What clients add, where the test's machine knows nothing of the endpoint's host name."""
    told: Callable[[Destination], Destination] = lambda destination: destination
    """The destination as the provider tells of it."""
    breaking: Callable[[], AbstractContextManager[None]] = nullcontext
    """Within it the endpoint cannot be pointed at the third."""

    def made(self) -> EndpointProvider:
        return endpoint_provider(TypeAdapter(AnyEndpoint).validate_python(self.settings))

    def reached(self, dsn: str) -> object:
        """The generation that a client comes to."""
        return generation_of(dsn, **{"password": PASSWORD, **self.connecting})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with amazon(tmp_path_factory.mktemp("amazon")) as made:
        yield made


@pytest.fixture
def generations(production18: Cluster) -> Iterator[list[Destination]]:
    with two_generations(production18) as made:
        yield made


Make = Callable[[list[Destination], Path, pytest.FixtureRequest], Case]


def _service(generations: list[Destination], folder: Path, _: pytest.FixtureRequest) -> Case:
    one, two = generations
    return Case({"service": "staging", "file": folder / "services"}, one, two, (two, f"{PASSWORD}\n"))


def _pgbouncer(generations: list[Destination], folder: Path, request: pytest.FixtureRequest) -> Case:
    home = request.getfixturevalue("home")
    one, two = generations
    bouncer = bouncing(home, staging="of the bouncer", endpoint="for the console")
    made = bouncer.__enter__()
    request.addfinalizer(lambda: bouncer.__exit__(None, None, None))
    console = {"dsn": made.dsn("pgbouncer", "understudy"), "password": f"file:{home}/endpoint"}
    settings = {"provider": "pgbouncer", "service": "hospital", "file": made.file, "console": console}
    refused = (two, f"{PASSWORD}\n")
    connecting = {"user": "staging", "password": "of the bouncer"}
    return Case(settings, one, two, refused, password_kept=False, connecting=connecting)


def _rename(generations: list[Destination], folder: Path, request: pytest.FixtureRequest) -> Case:
    one, two = generations
    cluster: Cluster = request.getfixturevalue("production18")
    name = f"staging_{uuid.uuid4().hex[:8]}"
    # The superuser of the tests comes in by the socket only; clients by the port.
    return Case(
        {"provider": "rename", "service": name, "server": {"dsn": cluster.dsn()}},
        one,
        two,
        (replace(two, generation="of another server", database="nowhere"), PASSWORD),
        password_kept=False,
        connecting={"host": "127.0.0.1"},
        told=lambda there: replace(there, host=str(cluster.socket_dir), database=name),
    )


def _dns(generations: list[Destination], folder: Path, request: pytest.FixtureRequest) -> Case:
    request.getfixturevalue("cloud")
    one, two = (replace(one, host=f"host-{at}.staging.example") for at, one in enumerate(generations))
    name = f"{uuid.uuid4().hex[:8]}.staging.example"
    settings = {"provider": "dns", "service": name, "zone": hosted_zone(f"{name}."), "port": one.port}
    refused = (replace(two, port=two.port + 1), PASSWORD)
    return Case(settings, one, two, refused, password_kept=False, connecting={"hostaddr": "127.0.0.1"})


def _parameter(generations: list[Destination], folder: Path, request: pytest.FixtureRequest) -> Case:
    cloud: Cloud = request.getfixturevalue("cloud")
    one, two = generations
    settings = {"provider": "parameter", "service": f"/staging/{uuid.uuid4().hex}"}
    breaking = partial(cloud.refusing, "AmazonSSM.PutParameter")
    return Case(settings, one, two, (two, PASSWORD), breaking=breaking)


def _command(generations: list[Destination], folder: Path, _: pytest.FixtureRequest) -> Case:
    one, two = generations
    program = folder / "move-clients"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    settings = {"provider": "command", "service": "staging", "program": program, "arguments": ["-v"]}
    return Case(settings, one, two, (replace(two, database="refused"), PASSWORD))


def _multi(generations: list[Destination], folder: Path, request: pytest.FixtureRequest) -> Case:
    first, second = (make(generations, folder, request) for make in (_service, _command))
    settings = {"provider": "multi", "service": "both", "endpoints": [first.settings, second.settings]}
    return Case(settings, first.one, first.two, second.refused)


MAKES: dict[str, Make] = {
    "command": _command,
    "dns": _dns,
    "multi": _multi,
    "parameter": _parameter,
    "pgbouncer": _pgbouncer,
    "rename": _rename,
    "service": _service,
}


@pytest.fixture(params=sorted(PROVIDERS))
def case(request: pytest.FixtureRequest, generations: list[Destination], tmp_path: Path) -> Case:
    return MAKES[request.param](generations, tmp_path, request)


def test_it_points_nowhere_until_it_is_pointed_somewhere(case: Case) -> None:
    endpoint = case.made()
    assert endpoint.current() is None
    assert endpoint.point_to(case.one, PASSWORD) is None
    assert endpoint.current() == case.told(case.one)


def test_pointing_it_elsewhere_tells_where_it_pointed_and_can_be_repeated(case: Case) -> None:
    case.made().point_to(case.one, PASSWORD)
    assert case.made().point_to(case.two, PASSWORD) == case.told(case.one)
    assert case.made().point_to(case.two, PASSWORD) == case.told(case.two)
    assert case.made().current() == case.told(case.two)


def test_clients_come_to_the_generation(case: Case) -> None:
    endpoint = case.made()
    for destination in (case.one, case.two, case.one):
        endpoint.point_to(destination, PASSWORD)
        said = endpoint.client_dsn()
        assert conninfo_to_dict(said).get("password") == (PASSWORD if case.password_kept else None)
        assert case.reached(said) == destination.generation


def test_how_to_connect_is_one_line_without_the_password(case: Case) -> None:
    endpoint = case.made()
    endpoint.point_to(case.one, PASSWORD)
    said = endpoint.describe()
    assert "\n" not in said
    assert any(part["service"] in said for part in [case.settings, *case.settings.get("endpoints", [])])
    assert PASSWORD not in said
    assert repr(PASSWORD)[1:-1] not in repr(vars(endpoint))


def test_a_switch_that_fails_leaves_clients_where_they_are(case: Case) -> None:
    endpoint = case.made()
    endpoint.point_to(case.one, PASSWORD)
    before = endpoint.client_dsn()
    destination, password = case.refused
    with case.breaking(), pytest.raises(EndpointFailed) as refused:
        endpoint.point_to(destination, password)
    assert endpoint.current() == case.told(case.one)
    assert endpoint.client_dsn() == before
    assert case.reached(before) == case.one.generation
    assert PASSWORD not in str(refused.value) + json.dumps(refused.value.to_json())
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_a_first_switch_that_fails_can_be_tried_again(case: Case) -> None:
    with case.breaking(), pytest.raises(EndpointFailed):
        case.made().point_to(*case.refused)
    case.made().point_to(case.two, PASSWORD)
    assert case.made().current() == case.told(case.two)
