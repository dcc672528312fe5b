"""What the pages tell of a database: what is live, what was promised, and what became of each night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from sanitizers.control.model import Generation, RunEntry, SwitchEntry
from sanitizers.endpoints import endpoint_provider
from sanitizers.settings import Target
from sanitizers.workspace import Freshness, Workspace

REFRESH, ROLLBACK = "staging_", "rollback_"
"""How the ids of a database's DAGs begin; the database's name follows."""


@dataclass(frozen=True)
class Night:
    """One run, with the generation it made if it came that far."""

    run: RunEntry
    generation: Generation | None

    @property
    def driver(self) -> tuple[str, str]:
        """Who took the run from stage to stage, and what set it off."""
        if self.run.driver.startswith("airflow:"):
            # Airflow's ids of runs begin with their kind: `scheduled__2026-11-21T02:00:00+00:00`.
            return "Airflow", self.run.driver.partition("/")[2].partition("__")[0]
        return "command line", f"{self.run.trigger}, on {self.run.host}"


@dataclass(frozen=True)
class Nights:
    """One database as the pages show it."""

    database: str
    live: Generation | None
    freshness: Freshness
    zone: tzinfo
    """The schedule's, in which times are shown."""
    connect: str
    """How clients connect, for instance `psql service=hospital_staging`."""
    switched: SwitchEntry | None
    """The last time the endpoint was pointed anywhere."""
    nights: list[Night]
    """The latest runs, newest first."""
    more: bool
    """Whether there are earlier runs than these."""
    retired: list[Generation]
    """What staging can go back to, newest first."""

    @property
    def refresh_dag(self) -> str:
        return REFRESH + self.database

    @property
    def rollback_dag(self) -> str:
        return ROLLBACK + self.database


def read_nights(workspace: Workspace, database: str, limit: int) -> Nights:
    """The database with its latest `limit` runs. NotFound when the settings do not name it."""
    target, control = workspace.settings.target(database), workspace.control
    runs, generations = control.runs(database, limit + 1), control.generations(database)
    made = {generation.run_id: generation for generation in generations}
    return Nights(
        database=database,
        live=next((one for one in generations if one.state == "live"), None),
        freshness=workspace.freshness(database),
        zone=zone_of(target),
        connect=endpoint_provider(target.endpoint).describe(),
        switched=next(iter(control.switches(database)), None),
        nights=[Night(run, made.get(run.id)) for run in runs[:limit]],
        more=len(runs) > limit,
        retired=[one for one in generations if one.state == "retired"],
    )


def zone_of(target: Target) -> tzinfo:
    """Where the clock hangs that the database's nights go by."""
    return ZoneInfo(target.schedule.timezone) if target.schedule else UTC


def age(since: datetime, now: datetime) -> str:
    """How long ago, in words: `just now`, `5 minutes ago`, `3 hours ago`, `2 days ago`."""
    passed = now - since
    for unit, length in (
        ("day", timedelta(days=2)),
        ("hour", timedelta(hours=2)),
        ("minute", timedelta(minutes=2)),
    ):
        if passed >= length:
            return f"{passed // (length / 2)} {unit}s ago"
    return "a minute ago" if passed >= timedelta(minutes=1) else "just now"
