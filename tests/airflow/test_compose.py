"""docker-compose.yml: valid by the compose specification, pinned, watched over, without root or secrets."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from compose_spec import PyCompose
from ruamel.yaml import YAML

from sanitizers.airflow.compose import COMPOSE_FILE, load_compose, variables
from sanitizers.settings import Settings

CHECKOUT = COMPOSE_FILE.parent
DEPLOY = CHECKOUT / "deploy"
ASKED_FOR = {
    "production": "postgres",
    "staging": "airflow scheduler",
    "pgbouncer": "pgbouncer",
    "objects": "server -s3",
    "airflow-db": "postgres",
    "api-server": "airflow api-server",
    "dag-processor": "airflow dag-processor",
    "triggerer": "airflow triggerer",
}


def _demo() -> dict[str, str]:
    lines = (DEPLOY / "demo.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def document() -> Any:
    """The file as it is written, anchors merged."""
    return YAML(typ="safe").load(COMPOSE_FILE)


@pytest.fixture(scope="module")
def services() -> Any:
    """The services with the demo's values put in."""
    return load_compose(_demo())["services"]


def _long_running(services: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in services.items() if one["restart"] == "unless-stopped"}


def _files(service: dict[str, Any]) -> set[str]:
    return {config["source"] for config in service.get("configs", [])}


def test_the_file_is_valid_by_the_compose_specification() -> None:
    PyCompose.from_json(json.dumps(load_compose(_demo()))).validate()


@pytest.mark.parametrize(
    "mistake",
    [
        {"heathcheck": {}},
        {"healthcheck": {"interval": "ten"}},
        {"depends_on": {"pgbouncer": {"condition": "service_well"}}},
        {"command": 5},
        {"networks": ["nowhere"]},
        {"secrets": ["nothing"]},
    ],
    ids=lambda mistake: next(iter(mistake)),
)
def test_the_validation_finds_mistakes(mistake: dict[str, Any]) -> None:
    wrong = load_compose(_demo())
    wrong["services"]["staging"].update(mistake)
    with pytest.raises(ValueError, match=r"."):
        PyCompose.from_json(json.dumps(wrong)).validate()


def test_all_that_belongs_to_an_installation_is_there(services: dict[str, Any]) -> None:
    for name in ASKED_FOR:
        assert name in _long_running(services), name
    airflow = {name for name, one in services.items() if one.get("command", [])[:1] == ["airflow"]}
    assert airflow == {"staging", "api-server", "dag-processor", "triggerer"}
    assert "summarize_wal=on" in services["production"]["command"]
    assert services["production"]["image"].startswith("postgres:18.")


def test_every_image_is_pinned_to_a_version_or_built_here(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), name
        assert "build" in service or not service["image"].startswith("understudy"), name
    pinned = re.findall(r"^FROM (\S+)", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    assert pinned
    assert all(re.fullmatch(r"\w+:\d+\.\d+\.\d+-\S+", image) for image in pinned)


def test_nothing_runs_as_root_or_may_become_it(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert int(service["user"].partition(":")[0]) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "pid", "ipc"} & set(service), name


def test_whatever_keeps_running_is_watched_over(services: dict[str, Any]) -> None:
    for name, service in _long_running(services).items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name


def test_who_waits_for_whom_can_come_about(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for awaited, how in service.get("depends_on", {}).items():
            watched = "healthcheck" in services[awaited]
            assert how["condition"] == ("service_healthy" if watched else "service_completed_successfully"), (
                f"{name} waits for {awaited}"
            )
            profiles = set(services[awaited].get("profiles", []))
            assert profiles <= set(service.get("profiles", [])) or how["required"] is False, name


def test_state_lives_in_named_volumes_and_host_paths_are_read_only_configuration(document: Any) -> None:
    for name, service in document["services"].items():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in document["volumes"], f"{name}: {volume}"
    for config in document["configs"].values():
        assert (CHECKOUT / config["file"]).is_file()
    used = set().union(*(_files(service) for service in document["services"].values()))
    assert used == set(document["configs"])


def test_only_this_machine_reaches_the_published_ports(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_production_is_reached_from_the_staging_host_alone(document: Any) -> None:
    reach = {name for name, one in document["services"].items() if "production" in one.get("networks", [])}
    assert reach == {"production", "production-data", "staging"}
    assert document["networks"]["production"]["internal"] is True
    assert document["networks"]["airflow"]["internal"] is True


def _settings_of(node: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _settings_of(value, str(key))
    elif isinstance(node, list):
        for item in node:
            yield from _settings_of(item, name)
    else:
        yield name, str(node)


def test_no_secret_is_written_down(document: Any) -> None:
    """What is called a password, secret or key is a reference, and one that has no default."""
    telling = re.compile(r"PASSWORD|SECRET|KEY|PASS$|CONN", re.IGNORECASE)
    environments = [service.get("environment", {}) for service in document["services"].values()]
    for name, value in _settings_of(environments):
        if telling.search(name) and not name.endswith("_FILE"):
            assert re.search(r"\$\{\w+:\?[^}]+\}", value), name
            assert ":-" not in value, name
    for source in document["secrets"].values():
        assert list(source) == ["environment"]
    text = COMPOSE_FILE.read_text()
    assert not [value for value in _demo().values() if value.startswith("demo-only") and value in text]


def test_the_demo_gives_every_secret_and_says_that_they_are_for_the_demo_only() -> None:
    demo = _demo()
    assert (DEPLOY / "demo.env").read_text().startswith("# Demo only.")
    assert {name for name, needed in variables().items() if needed} == set(demo) - {"COMPOSE_PROFILES"}
    assert all("demo-only" in value for name, value in demo.items() if name.endswith("PASSWORD"))


def test_without_the_demos_values_nothing_starts() -> None:
    with pytest.raises(KeyError):
        load_compose({})


def test_the_demo_and_nothing_else_is_in_the_demo_profile(services: dict[str, Any]) -> None:
    in_profile = {name for name, one in services.items() if one.get("profiles") == ["demo"]}
    assert in_profile == {"production", "production-data", "first-night"}


def test_the_settings_can_be_read_and_lie_where_the_containers_have_things(services: dict[str, Any]) -> None:
    settings = Settings.model_validate(YAML(typ="safe").load(DEPLOY / "understudy.yaml"))
    staging = services["staging"]
    mounted = {volume.split(":")[1] for volume in staging["volumes"]}
    target = settings.targets["hospital"]
    assert {str(settings.home), str(target.endpoint.file.parent)} <= mounted
    secrets = {f"file:/run/secrets/{name}" for name in staging["secrets"]}
    assert {target.source.password, target.access.password} <= secrets
    assert settings.control is not None
    for name in ("staging", "api-server", "dag-processor"):
        assert settings.control.password == "file:/run/secrets/control"
        assert "control" in services[name]["secrets"]


def test_the_image_has_what_the_settings_and_services_name() -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    for place in ("/srv/understudy", "/var/lib/understudy", "/var/lib/airflow", "/var/lib/pgbouncer"):
        assert place in dockerfile
    assert re.search(r"^USER 50000:50000$", dockerfile, re.MULTILINE)
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for word in line.split()
    ]
    assert copied
    assert all((CHECKOUT / word).exists() for word in copied)


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
