"""One Airflow DAG for each database of the settings, by hand only: staging back to an earlier generation."""

from __future__ import annotations

from sanitizers.airflow.housekeeping import rollback_dags
from sanitizers.airflow.operators import read_settings

for dag in rollback_dags(read_settings()):
    globals()[dag.dag_id] = dag
