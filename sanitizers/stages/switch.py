"""Switch: makes the validated clone durable and reachable, and points the endpoint at it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import psycopg

from sanitizers.control import Control
from sanitizers.endpoints.base import Destination, EndpointProvider
from sanitizers.errors import EndpointFailed, UnderstudyError, WrongState
from sanitizers.postgres.admission import admit
from sanitizers.postgres.connection import open_clone
from sanitizers.results import SnapshotResult, SwitchResult
from sanitizers.settings import Target, resolve_secret
from sanitizers.snapshots.base import CloneRef, SnapshotProvider
from sanitizers.stages.base import Run

NAME = "switch"


def run(run: Run) -> SwitchResult:
    """Releases the generation and switches to it. Until the endpoint moves, clients stay where they were."""
    state = run.control.generation(run.generation).state
    if state not in {"validated", "live"}:
        raise WrongState(f"the generation is {state}, not validated", where=run.generation)
    access, ref = run.target.access, run.result(SnapshotResult).clone
    run.progress.item(NAME, "making the clone durable")
    released = run.provider.release(ref, access.listen, access.port, access.role)
    run.control.move(run.generation, state, run.clock(), released)
    switch = Switch(run.database, run.target, run.control, run.provider, run.endpoint)
    return switch.to(run.generation, by=run.options.trigger, now=run.clock())


@dataclass(frozen=True)
class Switch:
    """Moves one database's endpoint between its generations: forward after a run, back by rollback."""

    database: str
    target: Target
    control: Control
    provider: SnapshotProvider
    endpoint: EndpointProvider

    def to(self, label: str, *, by: str, now: datetime) -> SwitchResult:
        """Points the endpoint at a released generation, after a client has been able to log in there."""
        clone = self.control.generation(label).clone
        if clone is None or not clone.client_host:
            raise WrongState("the generation was never released, so nobody can be sent there", where=label)
        self.provider.start(clone)
        password = self._admit(clone)
        role = self.target.access.role
        destination = Destination(label, clone.client_host, clone.client_port, clone.database, role)
        _probe(destination, password)
        # A worker that somebody else has taken over from meanwhile must not move clients back.
        self.control.require(label, "live")
        previous = self.endpoint.point_to(destination, password)
        self.control.move(label, "live", now)
        said = self.endpoint.describe()
        self.control.record_switch(
            self.database, said, label, previous.generation if previous else None, by, now
        )
        # Should it have died while all this was done, with clients on their way.
        self.provider.start(clone)
        return SwitchResult(said, destination, previous, now)

    def settle(self, now: datetime) -> None:
        """Ends a forward switch whose worker died between moving clients and saying so.

        Where it cannot be ended properly, because the server is broken, clients are there all the same.
        """
        served = self.endpoint.current()
        for generation in self.control.generations(self.database, ["validated"]):
            if served and generation.label == served.generation:
                try:
                    self.to(generation.label, by="settle", now=now)
                except UnderstudyError:
                    self.control.move(generation.label, "live", now)

    def _admit(self, clone: CloneRef) -> str:
        """Gives the staging role its password: the target's, or a fresh one only the endpoint will know."""
        access, shared = self.target.access, self.provider.database_marker
        password = resolve_secret(access.password) if access.password else secrets.token_urlsafe(24)
        with open_clone(clone.dsn(), clone.label, database_marker=shared) as connection:
            admit(connection, access.role, password, access.grants, shared_server=shared)
        return password


def _probe(destination: Destination, password: str) -> None:
    """Logs in as a client would and reads the catalog; EndpointFailed when that does not work."""
    try:
        with psycopg.connect(
            host=destination.host,
            port=destination.port,
            dbname=destination.database,
            user=destination.role,
            password=password,
            connect_timeout=10,
            application_name="understudy probe",
        ) as connection:
            connection.execute("SELECT count(*) FROM pg_tables")
    except psycopg.Error:
        raise EndpointFailed(
            f"a client could not log in as {destination.role}",
            where=f"{destination.host}:{destination.port}",
            hint="the endpoint was not moved; look at the clone's server log",
        ) from None
