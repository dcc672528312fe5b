# Airflow's database and the control database, each of a role of its own.
psql --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=airflow="$(cat /run/secrets/airflow-db)" --set=control="$(cat /run/secrets/control)" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE DATABASE airflow OWNER airflow;
CREATE ROLE understudy LOGIN PASSWORD :'control';
CREATE DATABASE understudy OWNER understudy;
SQL
