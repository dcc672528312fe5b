"""One Airflow DAG for each database of the settings: its nightly refresh."""

from __future__ import annotations

from sanitizers.airflow.alerts import WebhookNotifier
from sanitizers.airflow.factory import refresh_dags
from sanitizers.airflow.operators import read_settings

for dag in refresh_dags(read_settings(), [WebhookNotifier()]):
    globals()[dag.dag_id] = dag
