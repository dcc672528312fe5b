"""Word to people: nights refused or failed, staging older than promised, production that has drifted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from sanitizers.airflow.operators import read_settings
from sanitizers.airflow.webhook import post
from sanitizers.control.model import RunEntry
from sanitizers.errors import NotFound, Problem, UnderstudyError
from sanitizers.pipeline import described, utc_now
from sanitizers.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

CONNECTION: Final = "understudy_alerts"
"""The Airflow connection, of type HTTP, that says where alerts go."""
DRIFT: Final = "understudy_drift"
"""The DAG whose failure is no night's."""
Kind = Literal["refused", "failed", "late", "drift"]
_HEADLINES: Final[dict[Kind, str]] = {
    "refused": "The refresh of {} was refused",
    "failed": "The refresh of {} failed",
    "late": "Staging of {} is older than promised",
    "drift": "Production of {} no longer fits what is known of it",
}
_SHOWN: Final = 10
"""Problems told in the text; the document has all of them."""


@dataclass(frozen=True)
class Alert:
    """What people are told: names, counts and times, never a value."""

    database: str
    kind: Kind
    error: dict[str, Any] | None = None
    """`UnderstudyError.to_json()` of what stopped the refresh."""
    stage: str = ""
    """Where the refresh stopped, or is by now."""
    generation: str = ""
    """What staging serves meanwhile; empty before the first release."""
    age_seconds: float | None = None
    """How old its data are."""
    promise: str = ""
    """For instance `fresh by 06:00 Europe/Vienna`."""
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        return _HEADLINES[self.kind].format(self.database)

    @property
    def text(self) -> str:
        """The alert for people, a few lines."""
        stage = [f"Stage: {self.stage}"] if self.stage else []
        links = [f"{name.capitalize()}: {link}" for name, link in self.links.items()]
        return "\n".join([self.headline, *stage, *_reason(self.error), self._serving(), *links])

    def _serving(self) -> str:
        age = f", {self.age_seconds / 3600:.0f} h old" if self.age_seconds is not None else ""
        serving = f"Staging serves {self.generation or 'nothing that is known of'}{age}"
        return f"{serving}; promised {self.promise}" if self.promise else serving

    def to_json(self) -> dict[str, Any]:
        """The document; `text` is what Slack, Mattermost and Teams show, and all they look at."""
        return {"text": self.text, **vars(self)}


def _reason(error: dict[str, Any] | None) -> list[str]:
    if error is None:
        return []
    problems = [f"- {Problem(**problem)}" for problem in error.get("problems", ())]
    more = [f"- and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    hint = [f"What to do: {error['hint']}"] if error.get("hint") else []
    what = Problem(error.get("where", ""), error["what"])
    return [f"{error['error']}: {what}", *problems[:_SHOWN], *more, *hint]


def describe(
    workspace: Workspace,
    database: str,
    kind: Kind,
    *,
    run: RunEntry | None = None,
    error: dict[str, Any] | None = None,
) -> Alert:
    """The alert with all the control database knows: of the run, and of what staging serves meanwhile."""
    live, since = workspace.control.live(database), workspace.freshness(database).live_since
    schedule = workspace.settings.target(database).schedule
    promised = schedule is not None and schedule.fresh_by is not None
    stage, failure = _where(workspace, run)
    return Alert(
        database,
        kind,
        error=(run and run.error) or failure or error,
        stage=stage,
        generation=live.label if live else "",
        age_seconds=(utc_now() - since).total_seconds() if since else None,
        promise=f"fresh by {schedule.fresh_by:%H:%M} {schedule.timezone}" if schedule and promised else "",
        links=_report(workspace, run),
    )


def _where(workspace: Workspace, run: RunEntry | None) -> tuple[str, dict[str, Any] | None]:
    """The first stage that failed, with its error; else the one at work."""
    entries = workspace.control.stages(run.id) if run else []
    for status in ("failed", "running"):
        for entry in entries:
            if entry.status == status:
                return entry.stage, entry.error
    return "", None


def _report(workspace: Workspace, run: RunEntry | None) -> dict[str, str]:
    try:
        return {"report": workspace.control.report(run.id).page} if run else {}
    except NotFound:
        return {}


def send(alert: Alert, conn_id: str = CONNECTION) -> None:
    """Posts the alert (see `webhook.post`). When that cannot be done, the log says so; it is no error."""
    if problem := post(conn_id, alert.to_json()):
        log.warning("%s. Nobody was told through the connection %s: %s", alert.headline, conn_id, problem)


class WebhookNotifier(BaseNotifier):
    """Tells what has gone wrong: give it as `on_failure_callback` to Understudy's tasks, or to their DAG.

    What it tells it finds in the control database. Where it cannot look there, it says so, and still tells.
    """

    def __init__(self, conn_id: str = CONNECTION) -> None:
        super().__init__()
        self.conn_id = conn_id

    def notify(self, context: Context) -> None:
        dag, run_id = context["dag"], context["run_id"]
        # A DAG's own callback may know no task; its DAG is about one database.
        tasks = (context.get("task"), *dag.tasks)
        database = next(filter(None, (getattr(task, "database", "") for task in tasks)), "")
        kind: Kind = "drift" if dag.dag_id == DRIFT else "failed"
        try:
            with open_workspace(read_settings()) as workspace:
                run = workspace.control.run_of(f"airflow:{dag.dag_id}/{run_id}")
                kind = "refused" if run and run.status == "refused" else kind
                alert = describe(workspace, database, kind, run=run, error=_raised(context))
        except Exception as raised:  # people have to know in any case
            alert = Alert(database, kind, error=_raised(context) or described(raised).to_json())
        send(_linked(alert, dag.dag_id, run_id), self.conn_id)


def _raised(context: Context) -> dict[str, Any] | None:
    """What the task raised, in Understudy's terms: Airflow's exception was raised because of one of ours."""
    raised = context.get("exception")
    if not isinstance(raised, BaseException):
        return None
    cause: BaseException | None = raised
    while cause is not None:
        if isinstance(cause, UnderstudyError):
            return cause.to_json()
        cause = cause.__context__
    # Understudy's operators raise this one, and tell names and counts.
    ours = isinstance(raised, AirflowFailException)
    return (UnderstudyError(str(raised)) if ours else described(raised)).to_json()


def late(database: str, conn_id: str = CONNECTION, context: Mapping[str, Any] | None = None) -> None:
    """Tells when staging is not what the last scheduled night was to make of it. For `SyncCallback`."""
    try:
        with open_workspace(read_settings()) as workspace:
            if workspace.freshness(database).kept:
                log.info("staging of %s is as fresh as promised", database)
                return
            last = next(iter(workspace.control.runs(database, 1)), None)
            alert = describe(workspace, database, "late", run=last)
    except Exception as raised:  # people have to know in any case
        alert = Alert(database, "late", error=described(raised).to_json())
    if dag_run := (context or {}).get("dag_run"):
        alert = _linked(alert, dag_run["dag_id"], dag_run["dag_run_id"])
    send(alert, conn_id)


def _linked(alert: Alert, dag_id: str, run_id: str) -> Alert:
    # Where Airflow was not told its own address, its own links say this, too.
    base = str(conf.get("api", "base_url", fallback="http://localhost:8080"))
    run = f"{base.rstrip('/')}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return replace(alert, links={"run": run, **alert.links})
