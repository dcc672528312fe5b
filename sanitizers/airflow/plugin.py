"""The plugin that puts "Scrub reports" into Airflow's interface: the navigation, each DAG, each DAG run."""

from __future__ import annotations

import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/scrub-reports"
"""Where the pages are mounted on Airflow's API server."""


def _apps() -> list[dict[str, Any]]:
    # Every component loads plugins; only the API server serves pages, and has FastAPI imported anyway.
    if "airflow.api_fastapi.app" not in sys.modules:
        return []
    from sanitizers.airflow.pages import app

    return [{"name": "Understudy scrub reports", "url_prefix": PREFIX, "app": app}]


def _view(name: str, path: str, destination: str, **more: str) -> dict[str, str]:
    # Without a leading slash the address stays below Airflow's own base path.
    href = f"{PREFIX.lstrip('/')}/{path}"
    return {"name": name, "href": href, "destination": destination, **more}


def _views() -> list[dict[str, str]]:
    return [
        _view("Scrub reports", "", "nav", category="browse", url_route="scrub-reports"),
        _view("Scrub reports", "dags/{DAG_ID}", "dag", url_route="scrub-reports-dag"),
        _view("Scrub report", "dags/{DAG_ID}/runs/{RUN_ID}", "dag_run", url_route="scrub-report-run"),
    ]


class ScrubReports(AirflowPlugin):
    name = "understudy_scrub_reports"
    fastapi_apps = _apps()
    external_views = _views()
