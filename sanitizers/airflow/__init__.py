"""Understudy inside Airflow: DAGs made from the pipeline, callbacks, and pages in Airflow's interface."""
