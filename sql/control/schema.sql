-- Everything the control database holds. Every statement may run again on a schema that is already there;
-- what came later than its table is added to it below the table.
CREATE SCHEMA IF NOT EXISTS understudy;

CREATE TABLE IF NOT EXISTS understudy.runs (
    id            text PRIMARY KEY,
    database      text NOT NULL,
    trigger       text NOT NULL,
    policy_digest text NOT NULL,
    policy_text   text NOT NULL,
    host          text NOT NULL,
    pid           integer NOT NULL,
    started       timestamptz NOT NULL,
    status        text NOT NULL DEFAULT 'running' CHECK (status IN
                      ('running', 'released', 'rehearsed', 'refused', 'failed')),
    finished      timestamptz,
    error         json,
    CHECK ((finished IS NULL) = (status = 'running'))
);
CREATE INDEX IF NOT EXISTS runs_by_database ON understudy.runs (database, started DESC);

ALTER TABLE understudy.runs
    ADD COLUMN IF NOT EXISTS driver  text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS options json NOT NULL DEFAULT '{}';
CREATE INDEX IF NOT EXISTS runs_by_driver ON understudy.runs (driver, started DESC) WHERE driver <> '';

CREATE TABLE IF NOT EXISTS understudy.stages (
    run_id   text NOT NULL REFERENCES understudy.runs,
    stage    text NOT NULL,
    status   text NOT NULL,
    started  timestamptz NOT NULL,
    finished timestamptz,
    result   json,
    error    json,
    note     json,
    PRIMARY KEY (run_id, stage)
);
ALTER TABLE understudy.stages
    DROP CONSTRAINT IF EXISTS stages_status_check,
    ADD CONSTRAINT stages_status_check CHECK (status IN ('waiting', 'running', 'finished', 'failed'));

CREATE TABLE IF NOT EXISTS understudy.generations (
    label    text PRIMARY KEY,
    database text NOT NULL,
    day      date NOT NULL,
    number   integer NOT NULL,
    run_id   text NOT NULL REFERENCES understudy.runs,
    state    text NOT NULL CHECK (state IN
                 ('sealed', 'scrubbed', 'validated', 'live', 'retired', 'destroyed', 'refused')),
    clone    json,
    created  timestamptz NOT NULL,
    changed  timestamptz NOT NULL,
    UNIQUE (database, day, number)
);
CREATE UNIQUE INDEX IF NOT EXISTS generations_one_live ON understudy.generations (database) WHERE state = 'live';

CREATE TABLE IF NOT EXISTS understudy.snapshots (
    label    text PRIMARY KEY,
    database text NOT NULL,
    snapshot json NOT NULL,
    saved    timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS understudy.switches (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database   text NOT NULL,
    endpoint   text NOT NULL,
    generation text NOT NULL REFERENCES understudy.generations,
    previous   text,
    by         text NOT NULL,
    at         timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS understudy.seeds (
    database text NOT NULL,
    day      date NOT NULL,
    seed     bytea NOT NULL CHECK (octet_length(seed) = 32),
    PRIMARY KEY (database, day)
);

CREATE TABLE IF NOT EXISTS understudy.windows (
    generation      text NOT NULL REFERENCES understudy.generations,
    sequence_schema text NOT NULL,
    sequence_name   text NOT NULL,
    production      bigint NOT NULL,
    first           bigint NOT NULL,
    last            bigint NOT NULL,
    day             date NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (generation, sequence_schema, sequence_name)
);

CREATE TABLE IF NOT EXISTS understudy.reports (
    run_id text PRIMARY KEY REFERENCES understudy.runs,
    record text NOT NULL,
    page   text NOT NULL,
    digest text NOT NULL
);
ALTER TABLE understudy.reports ADD COLUMN IF NOT EXISTS content text;
