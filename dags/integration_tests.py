"""An example: Airflow DAGs that start on every new staging copy. Put tests of your own in its place."""

from __future__ import annotations

from sanitizers.airflow.housekeeping import integration_tests_dags
from sanitizers.airflow.operators import read_settings

for dag in integration_tests_dags(read_settings()):
    globals()[dag.dag_id] = dag
