"""Lineage: tells OpenLineage, where Airflow has it, which column came from which, and which were masked."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from psycopg.conninfo import conninfo_to_dict

from sanitizers.policy.plan import ColumnPlan, TableRulePlan
from sanitizers.results import PlanResult, SnapshotResult
from sanitizers.settings import AnyEndpoint, EndpointSettings, Source, resolve_dsn
from sanitizers.stages.base import Run

if TYPE_CHECKING:
    from openlineage.client.event_v2 import Dataset

log = logging.getLogger("airflow.task")


def emit_lineage(run: Run) -> None:
    """Sends one event for all tables of the run's plan; call it in a task, once the scrub has ended.

    Without the OpenLineage provider, or where it is switched off, it does nothing. Lineage that cannot be
    sent is a line in the log, never a failed night.
    """
    try:
        from airflow.providers.openlineage.api import emit_dataset_lineage, is_openlineage_active
    except ImportError:
        return
    try:
        if is_openlineage_active():
            inputs, outputs = _datasets(run)
            emit_dataset_lineage(inputs=[*inputs], outputs=[*outputs], raise_on_error=True)
    except Exception as raised:  # its text may name what is none of the log's business
        log.warning("the lineage of %s was not sent: %s", run.generation, type(raised).__name__)


def column_lineage(rule: TableRulePlan) -> dict[str, dict[str, Any]]:
    """How each column of one table came about, in OpenLineage's words for a transformation."""
    return {column.name: _transformation(column, bool(rule.exempt)) for column in rule.columns}


def _transformation(column: ColumnPlan, exempt: bool) -> dict[str, Any]:
    if not column.treated:
        return {"type": "DIRECT", "subtype": "IDENTITY", "masking": False}
    told = {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": column.summary}
    if column.kind == "generated":
        # As masked as the columns it is computed from, which only the server knows.
        return told
    kept = "; rows that the policy exempts are kept" if exempt else ""
    return {**told, "description": column.summary + kept, "masking": True}


def server(dsn: str, port: int = 5432) -> str:
    """`postgres://host:port` of a connection string (its first), and nothing else of it."""
    known = conninfo_to_dict(dsn)
    first, at = (str(known.get(key) or "").partition(",")[0] for key in ("host", "port"))
    # A socket's directory says nothing to other machines.
    host = first if first and not first.startswith(("/", "@")) else "localhost"
    return f"postgres://{host}:{at or port}"


def staging(endpoint: AnyEndpoint, database: str) -> tuple[str, str]:
    """Where clients find staging, and what it is called there; the same every night.

    An entry in a service file leads to another host or port each night, so there the endpoint's own name,
    which Airflow's asset has as well, stands for them.
    """
    if not isinstance(endpoint, EndpointSettings) or endpoint.console is None:
        return f"understudy://{endpoint.service}", database
    return server(_known(endpoint.console), 6432), endpoint.service


def _known(source: Source) -> str:
    """The connection string without the password, which is nobody's business here."""
    return resolve_dsn(Source(dsn=source.dsn))


def _datasets(run: Run) -> tuple[list[Dataset], list[Dataset]]:
    """The tables in production, and the same tables in staging with what became of their columns."""
    from openlineage.client.event_v2 import Dataset

    production, database = server(_known(run.target.source)), run.result(SnapshotResult).snapshot.database
    namespace, called = staging(run.target.endpoint, database)
    inputs, outputs = [], []
    for rule in run.result(PlanResult).plan.rules:
        name, schema = f"{database}.{rule.table}", _schema(rule)
        inputs.append(Dataset(namespace=production, name=name, facets={"schema": schema}))
        facets = {"schema": schema, "columnLineage": _origin(rule, production, name)}
        outputs.append(Dataset(namespace=namespace, name=f"{called}.{rule.table}", facets=facets))
    return inputs, outputs


def _schema(rule: TableRulePlan) -> Any:
    from openlineage.client.facet_v2 import schema_dataset

    fields = [schema_dataset.SchemaDatasetFacetFields(column.name, column.type) for column in rule.columns]
    return schema_dataset.SchemaDatasetFacet(fields)


def _origin(rule: TableRulePlan, namespace: str, name: str) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    fields = {
        column: facet.Fields([facet.InputField(namespace, name, column, [facet.Transformation(**how)])])
        for column, how in column_lineage(rule).items()
    }
    return facet.ColumnLineageDatasetFacet(fields)
