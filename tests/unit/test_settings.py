"""Settings: every mistake with its line, no secret in the file, paths relative to it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from sanitizers.errors import NotFound, SettingsInvalid
from sanitizers.settings import Source, load_settings, resolve_dsn, resolve_secret
from sanitizers.yamlfile import Document

GOOD = """\
targets:
  shop:
    policy: policies/shop.yaml
    source: {dsn: "host=db.example dbname=shop user=copier", password: "env:SHOP_PASSWORD"}
    endpoint: {service: shop_staging, file: pg_service.conf}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "understudy.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    target = load_settings(written(tmp_path, GOOD)).target("shop")
    assert target.policy == tmp_path / "policies" / "shop.yaml"
    assert target.endpoint.file == tmp_path / "pg_service.conf"


def test_an_unknown_target_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did you mean shop"):
        load_settings(written(tmp_path, GOOD)).target("shp")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("user=copier", "user=copier password=hunter2", "no passwords in the settings file"),
        ("env:SHOP_PASSWORD", "hunter2", "given by reference"),
        ("service: shop_staging, ", "", "endpoint.service: Field required"),
        ("policy: policies/shop.yaml", "polizy: policies/shop.yaml", "did you mean policy?"),
    ],
)
def test_a_mistake_has_its_place_and_not_its_value(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(written(tmp_path, GOOD.replace(old, new)))
    assert said in str(caught.value)
    assert "understudy.yaml:" in str(caught.value)
    assert "hunter2" not in str(caught.value.to_json())


def test_broken_yaml_has_a_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"understudy\.yaml:\d+: broken YAML"):
        load_settings(written(tmp_path, GOOD + "  other: ["))


def test_no_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="understudy demo"):
        load_settings(tmp_path / "none.yaml")


def test_a_secret_comes_from_environment_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "from the environment")
    (tmp_path / "secret").write_text("from a file\n")
    assert resolve_secret("env:SHOP_PASSWORD") == "from the environment"
    assert resolve_secret(f"file:{tmp_path / 'secret'}") == "from a file"
    source = Source(dsn="host=x", password=f"file:{tmp_path / 'secret'}")
    assert "password='from a file'" in resolve_dsn(source)


def test_a_missing_secret_is_named_by_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    with pytest.raises(SettingsInvalid, match="the environment variable SHOP_PASSWORD is not set"):
        resolve_secret("env:SHOP_PASSWORD")


def test_lines_are_not_looked_up_without_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked_up(_: Document) -> None:
        raise AssertionError("lines take twenty times as long as the rest")

    monkeypatch.setattr(Document, "tree", property(looked_up))
    assert load_settings(written(tmp_path, GOOD)).target("shop").endpoint.service == "shop_staging"


@pytest.mark.parametrize("dsn", ["postgresql://copier:hunter2@db.example/shop", "password hunter2"])
def test_a_password_in_a_uri_or_a_broken_string_is_refused_and_not_quoted(tmp_path: Path, dsn: str) -> None:
    text = GOOD.replace("host=db.example dbname=shop user=copier", dsn)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(written(tmp_path, text))
    assert "hunter2" not in str(caught.value.to_json())
