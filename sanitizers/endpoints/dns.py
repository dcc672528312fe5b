"""A CNAME in a hosted zone of Route 53's: clients keep one host name and follow it when they next look it up.

A name carries neither port nor database nor role, so those have to be the same for every generation, each
on a host of another name. A TXT record beside it, changed in the same batch, says which generation it is.
Takes the rights route53:ListResourceRecordSets, ChangeResourceRecordSets and GetChange.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from psycopg.conninfo import make_conninfo

from sanitizers import aws
from sanitizers.endpoints.base import Destination
from sanitizers.errors import EndpointFailed, SettingsInvalid
from sanitizers.settings import DnsSettings

_HOST: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]+", re.IGNORECASE)

_BETWEEN_LOOKS: Final = 2.0
"""Seconds. Route 53 answers five requests a second of one account."""

Records = dict[str, Any]
"""Record sets as Route 53 has them, by their type."""


class Dns:
    """Keeps two records, which change together."""

    def __init__(self, settings: DnsSettings) -> None:
        if not _HOST.fullmatch(settings.service):
            raise SettingsInvalid(
                f"{settings.service!r} is not the whole name of a host",
                hint="for instance hospital.staging.example, without a dot at its end",
            )
        self._name = settings.service.lower()
        self._settings = settings
        self._client = aws.client("route53")

    def current(self) -> Destination | None:
        """The destination of the records; None when there are none, or one that we did not write."""
        return _destination(self._read())

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Changes both records at once and waits until all of Route 53's servers know; no password is kept.

        EndpointFailed when they do not in time; the records are then what they were.
        """
        self._check(destination)
        before, after = self._read(), self._records(destination)
        if after != before:
            try:
                self._wait(self._change("UPSERT", after))
            except EndpointFailed:
                with suppress(EndpointFailed):
                    self._restore(before, after)
                raise
        return _destination(before)

    def client_dsn(self) -> str:
        """The name, with port, database and role; clients bring their password."""
        there = self.current()
        known = {"dbname": there.database, "user": there.role} if there else {}
        return make_conninfo(host=self._name, port=self._settings.port, **known)

    def describe(self) -> str:
        """How a person connects."""
        return f"psql -h {self._name} -p {self._settings.port}"

    def _check(self, destination: Destination) -> None:
        if destination.port != self._settings.port:
            raise EndpointFailed(
                f"the generation is on port {destination.port}, and clients ask for {self._settings.port}",
                where=self._name,
                hint="a name carries no port: give `access.port` and the endpoint's `port` the same number",
            )
        if _is_address(destination.host) or not _HOST.fullmatch(destination.host):
            raise EndpointFailed(
                "a CNAME leads to the whole name of a host",
                where=self._name,
                hint="give `access.listen` the name of the staging host, not its address",
            )

    def _read(self) -> Records:
        names = {"CNAME": self._name, "TXT": _beside(self._name)}
        found = {kind: self._record(kind, name) for kind, name in names.items()}
        return {kind: record for kind, record in found.items() if record}

    def _record(self, kind: str, name: str) -> Any:
        with aws.answering("reading the records", self._name):
            answer = self._client.list_resource_record_sets(
                HostedZoneId=self._settings.zone, StartRecordName=name, StartRecordType=kind, MaxItems="1"
            )
        # Where there is no such record, the one that comes after it in the zone is the answer.
        return next(
            (one for one in answer["ResourceRecordSets"] if (one["Type"], one["Name"]) == (kind, f"{name}.")),
            None,
        )

    def _records(self, destination: Destination) -> Records:
        said = urlencode(
            {
                "generation": destination.generation,
                "port": destination.port,
                "dbname": destination.database,
                "user": destination.role,
            }
        )
        # One string of a TXT record has up to 255 characters.
        strings = " ".join(f'"{said[start : start + 255]}"' for start in range(0, len(said), 255))
        return {
            "CNAME": self._record_set("CNAME", self._name, destination.host),
            "TXT": self._record_set("TXT", _beside(self._name), strings),
        }

    def _record_set(self, kind: str, name: str, value: str) -> Any:
        records = [{"Value": value}]
        return {"Name": f"{name}.", "Type": kind, "TTL": self._settings.ttl, "ResourceRecords": records}

    def _change(self, action: str, records: Records) -> str:
        """Changes them all or none; returns the change's id."""
        changes = [{"Action": action, "ResourceRecordSet": record} for record in records.values()]
        with aws.answering("changing the records", self._name):
            answer = self._client.change_resource_record_sets(
                HostedZoneId=self._settings.zone, ChangeBatch={"Changes": changes}
            )
        return str(answer["ChangeInfo"]["Id"])

    def _wait(self, change: str) -> None:
        end = time.monotonic() + self._settings.wait_seconds
        while self._status(change) != "INSYNC":
            if time.monotonic() >= end:
                raise EndpointFailed(
                    f"not all of Route 53's servers knew of it after {self._settings.wait_seconds:g} s",
                    where=self._name,
                    hint="try again, with longer `wait_seconds`",
                )
            time.sleep(min(_BETWEEN_LOOKS, self._settings.wait_seconds))

    def _status(self, change: str) -> str:
        with aws.answering("waiting for the records", self._name):
            return str(self._client.get_change(Id=change)["ChangeInfo"]["Status"])

    def _restore(self, before: Records, after: Records) -> None:
        """Puts back what was there, where there is now what we wrote."""
        if self._read() != after:
            return
        made = {kind: record for kind, record in after.items() if kind not in before}
        if before:
            self._change("UPSERT", before)
        if made:
            self._change("DELETE", made)


def _beside(name: str) -> str:
    return f"_understudy.{name}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _destination(records: Records) -> Destination | None:
    values = {kind: record["ResourceRecords"][0]["Value"] for kind, record in records.items()}
    said = dict(parse_qsl(values.get("TXT", "").replace('" "', "").strip('"')))
    try:
        host = values["CNAME"].rstrip(".")
        return Destination(said["generation"], host, int(said["port"]), said["dbname"], said["user"])
    except (KeyError, ValueError):
        return None
