"""Two Airflow DAGs that run between the nights: the reaper, and the one that sees drift."""

from __future__ import annotations

from sanitizers.airflow.alerts import WebhookNotifier
from sanitizers.airflow.housekeeping import drift_dag, reaper_dag
from sanitizers.airflow.operators import read_settings

settings = read_settings()
reaper = reaper_dag(settings)
drift = drift_dag(settings, [WebhookNotifier()])
