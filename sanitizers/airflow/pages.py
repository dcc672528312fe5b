"""The pages "Scrub reports" in Airflow's interface: nights, their reports, the way back to an earlier one.

Plain HTML without script. Everything is read from the control database; a rollback is a run of the DAG
`rollback_<database>`, started in the name of the user who asked. Every address below `/dags/{dag_id}` is
guarded by Airflow's own permission on that DAG. Annotations are not put off here: FastAPI reads them.
"""

import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, get_user, requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.configuration import conf
from airflow.exceptions import DagRunAlreadyExists, ParamValidationError
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.types import DagRunTriggeredByType
from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import FileSystemLoader
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException as AnyHTTPException

from sanitizers.airflow.nights import REFRESH, ROLLBACK, Nights, age, read_nights, zone_of
from sanitizers.airflow.vault import Connections
from sanitizers.audit import page, render_page
from sanitizers.audit.record import canonical
from sanitizers.control.model import Generation, RunEntry
from sanitizers.errors import NotFound, SettingsInvalid, UnderstudyError
from sanitizers.pipeline import utc_now
from sanitizers.settings import VAULTS, Settings, load_settings
from sanitizers.workspace import Workspace, open_workspace

ON_OVERVIEW: Final = 5
"""Runs shown of each database on the first page."""
ON_PAGE: Final = 100
"""Runs shown on a database's own page."""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # `no-referrer` would have browsers send a form's origin as `null`.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HEADLINES: Final = {
    401: ("You are not logged in", "Log in to Airflow and open this page again."),
    403: ("Not allowed", "Your role in Airflow does not let you do this."),
    404: ("Nothing here", "There is no such page."),
    409: ("Not possible now", ""),
    422: ("Incomplete request", "The form did not arrive as it was sent out. Go back and send it again."),
    503: ("The scrub reports cannot be read", ""),
}

app = FastAPI(
    title="Scrub reports",
    dependencies=[Depends(get_user)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)


# -- what the pages stand on


def _workspace() -> Iterator[Workspace]:
    VAULTS["airflow"] = Connections()
    with open_workspace(_settings()) as workspace:
        yield workspace


def _settings() -> Settings:
    named = os.environ.get("UNDERSTUDY_SETTINGS", "")
    if not Path(named).is_file():
        raise SettingsInvalid(
            "Airflow's API server does not find the settings file",
            where=named,
            hint="set UNDERSTUDY_SETTINGS to its path in the environment of every component of Airflow",
        )
    return load_settings(Path(named))


def _own_page(request: Request) -> None:
    """Refuses a form that a page from elsewhere sent with this user's cookie."""
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    ours = {request.url.netloc, urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    # Browsers leave Sec-Fetch-Site out where the address is not https, but never the origin of a form.
    if (site != "same-origin") if site else (not origin or origin not in ours):
        raise HTTPException(403, "This form was sent from another site.")


Opened = Annotated[Workspace, Depends(_workspace)]
MAY_READ: Final = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
MAY_RUN: Final = Depends(requires_access_dag("POST", DagAccessEntity.RUN))


def _permitted(user: Any, method: ResourceMethod, dag_ids: Iterable[str]) -> set[str]:
    """Those of the DAGs whose runs the user may read (`GET`) or start (`POST`)."""
    wanted, manager = list(dag_ids), get_auth_manager()
    teams = DagModel.get_dag_id_to_team_name_mapping(wanted)
    return {
        dag_id
        for dag_id in wanted
        if manager.is_authorized_dag(
            method=method,
            user=user,
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=dag_id, team_name=teams.get(dag_id)),
        )
    }


def _database(workspace: Workspace, dag_id: str, prefix: str) -> str:
    database = dag_id.removeprefix(prefix)
    if database == dag_id or database not in workspace.settings.targets:
        # Which databases there are is for those to know who may see their DAGs.
        raise HTTPException(404, f"There are no scrub reports of the DAG {dag_id}.")
    return database


# -- nights and reports


@app.get("/")
def overview(request: Request, workspace: Opened, user: GetUserDep) -> HTMLResponse:
    databases = sorted(workspace.settings.targets)
    seen = _permitted(user, "GET", (REFRESH + name for name in databases))
    read = partial(read_nights, workspace, limit=ON_OVERVIEW)
    # Most of the time goes into waiting for the control database: with 200 databases that adds up.
    with ThreadPoolExecutor(8) as pool:
        shown = list(pool.map(read, (name for name in databases if REFRESH + name in seen)))
    runnable = _permitted(user, "POST", (one.rollback_dag for one in shown))
    return _page(
        request,
        "overview",
        shown=shown,
        promised=any(one.freshness.due for one in shown),
        late=[one.database for one in shown if not one.freshness.kept],
        may_roll_back={one.database for one in shown if one.rollback_dag in runnable},
    )


@app.get("/dags/{dag_id}", dependencies=[MAY_READ])
def nights(request: Request, dag_id: str, workspace: Opened, user: GetUserDep) -> HTMLResponse:
    shown = read_nights(workspace, _database(workspace, dag_id, REFRESH), ON_PAGE)
    allowed = bool(_permitted(user, "POST", [shown.rollback_dag]))
    return _page(request, "nights", [(shown.database, "")], shown=shown, may_roll_back=allowed)


@app.get("/dags/{dag_id}/runs/{run_id:path}", dependencies=[MAY_READ])
def report_of_dag_run(request: Request, dag_id: str, run_id: str, workspace: Opened) -> HTMLResponse:
    database = _database(workspace, dag_id, REFRESH)
    run = workspace.control.run_of(f"airflow:{dag_id}/{run_id}")
    if run is None:
        raise NotFound("this DAG run has not begun a refresh", where=f"{dag_id}, {run_id}")
    return _report(request, workspace, run, database)


@app.get("/dags/{dag_id}/reports/{run_id}", dependencies=[MAY_READ])
def report(request: Request, dag_id: str, run_id: str, workspace: Opened) -> HTMLResponse:
    database = _database(workspace, dag_id, REFRESH)
    return _report(request, workspace, _run(workspace, database, run_id), database)


@app.get("/dags/{dag_id}/reports/{run_id}/record.json", dependencies=[MAY_READ])
def record(dag_id: str, run_id: str, workspace: Opened) -> Response:
    run = _run(workspace, _database(workspace, dag_id, REFRESH), run_id)
    file = {"Content-Disposition": f'attachment; filename="{run.id}.json"'}
    content = canonical(workspace.control.record(run.id))
    return Response(content, media_type="application/json", headers=HEADERS | file)


def _run(workspace: Workspace, database: str, run_id: str) -> RunEntry:
    run = workspace.control.run(run_id)
    if run.database != database:
        raise NotFound(f"no run {run_id} of {database}")
    return run


def _report(request: Request, workspace: Workspace, run: RunEntry, database: str) -> HTMLResponse:
    above = [(database, f"/dags/{quote(REFRESH + database)}")]
    try:
        found = workspace.control.record(run.id)
    except NotFound:
        return _without_report(request, workspace, run, above)
    link = f"/dags/{quote(REFRESH + database)}/reports/{run.id}/record.json"
    beside = [*above, (found["generation"] or run.id, ""), ("JSON record", link)]
    bar = _template("bar").render(_known(request, beside))
    return HTMLResponse(render_page(found).replace("<body>\n", f"<body>\n{bar}", 1), headers=HEADERS)


def _without_report(
    request: Request, workspace: Workspace, run: RunEntry, above: list[tuple[str, str]]
) -> HTMLResponse:
    zone = zone_of(workspace.settings.target(run.database))
    stages = [entry.stage for entry in workspace.control.stages(run.id) if entry.status == "running"]
    stage = stages[-1] if stages else ""
    return _page(request, "run", [*above, ("run", "")], run=run, stage=stage, zone=zone)


# -- rollback


class Wish(BaseModel):
    """The form that asks for a rollback."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    to: str
    instead_of: str
    """What was live when the form was made."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    ticket: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
    """One form starts one run, however often it is sent."""


@app.get("/dags/{dag_id}/rollback", dependencies=[MAY_RUN])
def ask_rollback(
    request: Request, dag_id: str, workspace: Opened, session: SessionDep, to: str = ""
) -> HTMLResponse:
    _startable(session, dag_id)
    return _ask(request, read_nights(workspace, _database(workspace, dag_id, ROLLBACK), 0), to)


def _ask(request: Request, shown: Nights, to: str, wrong: str = "") -> HTMLResponse:
    chosen = _way_back(shown, to or (shown.retired[0].label if shown.retired else ""))
    above = [(shown.database, f"/dags/{quote(shown.refresh_dag)}"), ("Roll back", "")]
    return _page(
        request,
        "rollback",
        above,
        status=400 if wrong else 200,
        shown=shown,
        to=chosen,
        wrong=wrong,
        ticket=secrets.token_hex(8),
    )


@app.post("/dags/{dag_id}/rollback", dependencies=[MAY_RUN, Depends(_own_page), Depends(action_logging())])
def roll_back(
    request: Request,
    dag_id: str,
    workspace: Opened,
    session: SessionDep,
    user: GetUserDep,
    form: Annotated[Wish, Form()],
) -> Response:
    """Starts the DAG; what it finds when it comes to the switch decides, not what this page saw."""
    _startable(session, dag_id)
    run_id = f"manual__rollback_{form.ticket}"
    if _dag_run(session, dag_id, run_id) is None:
        shown = read_nights(workspace, _database(workspace, dag_id, ROLLBACK), 0)
        _way_back(shown, form.to, form.instead_of)
        if not form.reason:
            return _ask(request, shown, form.to, wrong="A reason is needed.")
        _start(dag_id, run_id, form, user.get_name())
    return RedirectResponse(
        f"{request.scope['root_path']}/dags/{quote(dag_id)}/rollback/{run_id}", 303, headers=HEADERS
    )


@app.get("/dags/{dag_id}/rollback/{run_id}", dependencies=[MAY_READ])
def rolled_back(
    request: Request, dag_id: str, run_id: str, workspace: Opened, session: SessionDep
) -> HTMLResponse:
    database = _database(workspace, dag_id, ROLLBACK)
    run = _dag_run(session, dag_id, run_id)
    if run is None:
        raise HTTPException(404, "There is no such rollback.")
    above = [(database, f"/dags/{quote(REFRESH + database)}"), ("Rollback", "")]
    ended = run.state in {"success", "failed"}
    answer = _page(
        request, "rolled_back", above, name=database, run=run, ended=ended, refresh_dag=REFRESH + database
    )
    if not ended:
        answer.headers["Refresh"] = "5"
    return answer


def _startable(session: Any, dag_id: str) -> None:
    """A run of a paused DAG would wait for ever, and then roll back when nobody thinks of it any more."""
    dag = session.scalar(select(DagModel).where(DagModel.dag_id == dag_id, ~DagModel.is_stale))
    if dag is None:
        raise HTTPException(404, f"Airflow knows no DAG {dag_id}.")
    if dag.is_paused or dag.has_import_errors:
        why = "paused" if dag.is_paused else "broken (see Airflow's import errors)"
        raise HTTPException(409, f"The DAG {dag_id} is {why}, so that a rollback would not start.")


def _way_back(shown: Nights, to: str, instead_of: str | None = None) -> Generation:
    if not shown.live or instead_of not in (None, shown.live.label):
        raise HTTPException(409, "Staging has changed since this page was made. Look again first.")
    for generation in shown.retired:
        if generation.label == to:
            return generation
    raise HTTPException(409, f"Staging cannot go back to {to or 'anything'}: no such generation is kept.")


def _dag_run(session: Any, dag_id: str, run_id: str) -> DagRun | None:
    found: DagRun | None = session.scalar(
        select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    )
    return found


def _start(dag_id: str, run_id: str, wish: Wish, user: str) -> None:
    try:
        # The same form, sent twice at once, is content with the run that came first.
        with suppress(DagRunAlreadyExists, IntegrityError):
            trigger_dag(
                dag_id,
                run_id=run_id,
                conf={"to": wish.to, "reason": wish.reason},
                note=wish.reason,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=user,
            )
    except (ParamValidationError, ValueError):
        raise HTTPException(409, f"The DAG {dag_id} does not take such a run.") from None


# -- showing


def _line(error: dict[str, Any]) -> str:
    """An error in one line; all of it is in the report."""
    return str(error.get("what") or error.get("error") or "no cause was named")


def _local(at: datetime, zone: tzinfo) -> str:
    here = at.astimezone(zone)
    return f"{here:%Y-%m-%d %H:%M} {here.tzname()}"


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M on %Y-%m-%d}"


_templates = page.templates().overlay(
    loader=FileSystemLoader([Path(__file__).parent / "templates", Path(page.__file__).parent / "templates"])
)
_templates.filters = {**_templates.filters, "line": _line, "local": _local, "clock": _clock, "age": age}


def _template(name: str) -> Any:
    return _templates.get_template(f"{name}.html.j2")


def _known(request: Request, crumbs: list[tuple[str, str]]) -> dict[str, Any]:
    """What every page has: where it is mounted, where Airflow is, and the way up."""
    base = request.scope.get("root_path", "")
    return {"base": base, "root": base.rpartition("/")[0], "crumbs": crumbs, "now": utc_now()}


def _page(
    request: Request,
    template: str,
    crumbs: list[tuple[str, str]] | None = None,
    *,
    status: int = 200,
    **shown: Any,
) -> HTMLResponse:
    text = _template(template).render(_known(request, crumbs or []) | {"status": status} | shown)
    return HTMLResponse(text, status, headers=HEADERS)


@app.exception_handler(AnyHTTPException)
def _refused(request: Request, error: AnyHTTPException) -> HTMLResponse:
    _, usual = HEADLINES.get(error.status_code, ("", ""))
    said = usual if error.detail in {"Not Found", "Forbidden", "Not authenticated"} else error.detail
    return _problem(request, error.status_code, UnderstudyError(said))


@app.exception_handler(RequestValidationError)
def _incomplete(request: Request, _: RequestValidationError) -> HTMLResponse:
    return _problem(request, 422, UnderstudyError(HEADLINES[422][1]))


@app.exception_handler(UnderstudyError)
def _failed(request: Request, error: UnderstudyError) -> HTMLResponse:
    return _problem(request, 404 if isinstance(error, NotFound) else 503, error)


def _problem(request: Request, status: int, error: UnderstudyError) -> HTMLResponse:
    headline, _ = HEADLINES.get(status, ("Not possible", ""))
    return _page(request, "problem", [(headline, "")], status=status, headline=headline, error=error)
