# One image for every part of Understudy: Airflow's components, the staging host, the demo's data.
# Built from requirements.lock, every package checked by hash: what runs in it is what the tests ran with.
FROM python:3.12.13-slim-trixie AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN awk '/^[^ #]/ { wanted = /^uv==/ } wanted && !/^ *#/' requirements.lock > uv.lock \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement uv.lock \
    && uv pip install --system --no-cache --constraint requirements.lock hatchling \
    && uv venv /opt/understudy \
    && uv pip install --python /opt/understudy --no-cache --compile-bytecode --constraint requirements.lock \
        --requirement pyproject.toml --extra airflow --extra embedded --extra gx
COPY sql sql
COPY policies policies
COPY sanitizers sanitizers
RUN uv build --wheel --no-build-isolation --out-dir dist \
    && uv pip install --python /opt/understudy --no-cache --compile-bytecode --no-deps dist/*.whl

FROM python:3.12.13-slim-trixie
# Servers of clones are named after users, so the user has a name. No shell, no password.
RUN groupadd --gid 50000 understudy \
    && useradd --uid 50000 --gid 50000 --home-dir /var/lib/airflow --shell /usr/sbin/nologin understudy \
    && install --directory --owner=50000 --group=50000 --mode=0711 \
        /var/lib/airflow /var/lib/understudy /var/lib/pgbouncer /var/lib/objects
COPY --from=build /opt/understudy /opt/understudy
WORKDIR /srv/understudy
COPY dags dags
COPY policies policies
COPY sql/demo/hospital/migrations migrations/hospital
ENV PATH=/opt/understudy/bin:$PATH PYTHONUNBUFFERED=1 AIRFLOW_HOME=/var/lib/airflow
USER 50000:50000
CMD ["understudy", "--help"]
