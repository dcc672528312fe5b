-- The hospital: who is treated, by whom, for what, and who pays.

CREATE SCHEMA clinical;
CREATE SCHEMA billing;

COMMENT ON SCHEMA clinical IS 'Patients and their care.';
COMMENT ON SCHEMA billing  IS 'Payers, claims and the books.';

CREATE TYPE clinical.sex             AS ENUM ('female', 'male', 'other', 'unknown');
CREATE TYPE clinical.encounter_class AS ENUM ('ambulatory', 'emergency', 'inpatient', 'virtual');
CREATE TYPE billing.claim_status     AS ENUM ('draft', 'submitted', 'paid', 'denied');


-- Reference tables ---------------------------------------------------------------------------------------------

CREATE TABLE clinical.departments (
    id   smallserial PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE clinical.departments IS 'Where providers work. Few rows, hence the small key.';

CREATE TABLE clinical.diagnoses (
    code  varchar(8) PRIMARY KEY,
    title text NOT NULL
);
COMMENT ON TABLE clinical.diagnoses IS 'The ICD-10-CM codes this hospital uses.';

CREATE TABLE clinical.drugs (
    code varchar(24) PRIMARY KEY,
    name text NOT NULL,
    unit text NOT NULL
);
COMMENT ON TABLE clinical.drugs IS 'The formulary.';

CREATE TABLE clinical.measures (
    code varchar(10) PRIMARY KEY,
    name text    NOT NULL,
    unit text    NOT NULL,
    low  numeric NOT NULL,
    high numeric NOT NULL,
    CHECK (low < high)
);
COMMENT ON TABLE clinical.measures IS 'What is measured (LOINC), in which unit, between which plausible values.';

CREATE TABLE billing.payers (
    code    varchar(8) PRIMARY KEY,
    name    text NOT NULL,
    phone   text,
    website text
);
COMMENT ON TABLE billing.payers IS 'Insurers, by the code that the clearing house gave them.';


-- People -------------------------------------------------------------------------------------------------------

CREATE TABLE clinical.providers (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    department_id smallint NOT NULL REFERENCES clinical.departments,
    npi           char(10) NOT NULL UNIQUE CHECK (npi ~ '^[0-9]{10}$'),
    first_name    text     NOT NULL,
    last_name     text     NOT NULL,
    credentials   text     NOT NULL,
    email         text     NOT NULL UNIQUE,
    phone         text,
    hired_on      date     NOT NULL
);
COMMENT ON TABLE clinical.providers IS 'Physicians, nurses and everybody else who sees patients.';
CREATE INDEX ON clinical.providers (department_id);

CREATE TABLE clinical.patients (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mrn             varchar(12) NOT NULL UNIQUE,
    ssn             char(11) UNIQUE,
    first_name      text NOT NULL,
    middle_name     text,
    last_name       text NOT NULL,
    nickname        text,
    full_name       text GENERATED ALWAYS AS (first_name || ' ' || last_name) STORED,
    birth_date      date NOT NULL,
    death_date      date,
    sex             clinical.sex NOT NULL,
    email           text,
    phone           text NOT NULL,
    fax             text,
    street          text NOT NULL,
    city            text NOT NULL,
    state           char(2) NOT NULL,
    zip             varchar(10) NOT NULL,
    latitude        numeric(8, 6),
    longitude       numeric(9, 6),
    drivers_license text,
    license_plate   text,
    photo           bytea,
    fingerprint     bytea,
    homepage        text,
    languages       text[] NOT NULL DEFAULT '{en}',
    contact_phones  text[],
    preferences     jsonb,
    is_test         boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT mrn_format      CHECK (mrn ~ '^MRN-[0-9]{8}$'),
    CONSTRAINT ssn_format      CHECK (ssn ~ '^[0-9]{3}-[0-9]{2}-[0-9]{4}$'),
    CONSTRAINT email_format    CHECK (email ~ '^[^@ ]+@[^@ ]+$'),
    CONSTRAINT state_format    CHECK (state ~ '^[A-Z]{2}$'),
    CONSTRAINT zip_format      CHECK (zip ~ '^[0-9]{5}(-[0-9]{4})?$'),
    CONSTRAINT on_the_globe    CHECK (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180),
    CONSTRAINT born_before_death CHECK (death_date >= birth_date)
);
COMMENT ON TABLE  clinical.patients             IS 'One row a person who was ever treated here.';
COMMENT ON COLUMN clinical.patients.mrn         IS 'Medical record number: on wristbands and letters.';
COMMENT ON COLUMN clinical.patients.preferences IS 'How to reach the patient, and the next of kin.';
COMMENT ON COLUMN clinical.patients.is_test     IS 'Made-up people that interfaces and acceptance tests rely on.';
CREATE UNIQUE INDEX patients_email_key  ON clinical.patients (lower(email));
CREATE INDEX        patients_by_name    ON clinical.patients (last_name, first_name);
CREATE INDEX        patients_by_address ON clinical.patients (state, zip);

CREATE TABLE clinical.relatives (
    id                   serial PRIMARY KEY,
    patient_id           bigint NOT NULL REFERENCES clinical.patients ON DELETE CASCADE,
    name                 text NOT NULL,
    relation             text NOT NULL CHECK (relation IN ('spouse', 'parent', 'child', 'sibling', 'friend')),
    phone                text,
    email                text,
    employer             text,
    is_emergency_contact boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE clinical.relatives IS 'Family, friends and emergency contacts of patients.';
CREATE INDEX ON clinical.relatives (patient_id);


-- Care ---------------------------------------------------------------------------------------------------------

-- Shared with the reception's ticket printers, so no column owns it.
CREATE SEQUENCE clinical.visit_number_seq START 100001;

CREATE TABLE clinical.encounters (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit_number bigint  NOT NULL UNIQUE DEFAULT nextval('clinical.visit_number_seq'),
    patient_id   bigint  NOT NULL REFERENCES clinical.patients ON DELETE CASCADE,
    provider_id  integer NOT NULL REFERENCES clinical.providers,
    class        clinical.encounter_class NOT NULL,
    reason       text    NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    ip           inet,
    CHECK (ended_at >= started_at)
);
COMMENT ON TABLE  clinical.encounters    IS 'Visits, stays and video calls.';
COMMENT ON COLUMN clinical.encounters.ip IS 'Where the patient checked in from, when through the portal.';
CREATE INDEX ON clinical.encounters (patient_id);
CREATE INDEX ON clinical.encounters (provider_id, started_at);

CREATE TABLE clinical.conditions (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id     bigint NOT NULL REFERENCES clinical.patients ON DELETE CASCADE,
    diagnosis_code varchar(8) NOT NULL REFERENCES clinical.diagnoses,
    onset_on       date NOT NULL,
    resolved_on    date,
    CHECK (resolved_on >= onset_on)
);
COMMENT ON TABLE clinical.conditions IS 'What a patient has or had.';
CREATE INDEX ON clinical.conditions (patient_id);

CREATE TABLE clinical.medications (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id    bigint  NOT NULL REFERENCES clinical.patients ON DELETE CASCADE,
    prescriber_id integer NOT NULL REFERENCES clinical.providers,
    drug_code     varchar(24) NOT NULL REFERENCES clinical.drugs,
    units_per_day smallint NOT NULL CHECK (units_per_day BETWEEN 1 AND 12),
    started_on    date NOT NULL,
    stopped_on    date,
    CHECK (stopped_on >= started_on)
);
COMMENT ON TABLE clinical.medications IS 'What a patient takes or took.';
CREATE INDEX ON clinical.medications (patient_id);

CREATE TABLE clinical.observations (
    id            bigserial,
    encounter_id  bigint NOT NULL REFERENCES clinical.encounters ON DELETE CASCADE,
    measure_code  varchar(10) NOT NULL REFERENCES clinical.measures,
    value         numeric(8, 1) NOT NULL,
    device_serial text,
    observed_at   timestamptz NOT NULL,
    PRIMARY KEY (id, observed_at)
) PARTITION BY RANGE (observed_at);
COMMENT ON TABLE clinical.observations IS 'Measurements, one partition a quarter.';
CREATE INDEX ON clinical.observations (encounter_id);

CREATE TABLE clinical.observations_2023_q1 PARTITION OF clinical.observations
    FOR VALUES FROM ('2023-01-01 00:00+00') TO ('2023-04-01 00:00+00');
CREATE TABLE clinical.observations_2023_q2 PARTITION OF clinical.observations
    FOR VALUES FROM ('2023-04-01 00:00+00') TO ('2023-07-01 00:00+00');
CREATE TABLE clinical.observations_2023_q3 PARTITION OF clinical.observations
    FOR VALUES FROM ('2023-07-01 00:00+00') TO ('2023-10-01 00:00+00');
CREATE TABLE clinical.observations_2023_q4 PARTITION OF clinical.observations
    FOR VALUES FROM ('2023-10-01 00:00+00') TO ('2024-01-01 00:00+00');
CREATE TABLE clinical.observations_2024_q1 PARTITION OF clinical.observations
    FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-04-01 00:00+00');
CREATE TABLE clinical.observations_2024_q2 PARTITION OF clinical.observations
    FOR VALUES FROM ('2024-04-01 00:00+00') TO ('2024-07-01 00:00+00');
CREATE TABLE clinical.observations_2024_q3 PARTITION OF clinical.observations
    FOR VALUES FROM ('2024-07-01 00:00+00') TO ('2024-10-01 00:00+00');
CREATE TABLE clinical.observations_2024_q4 PARTITION OF clinical.observations
    FOR VALUES FROM ('2024-10-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE clinical.observations_later PARTITION OF clinical.observations DEFAULT;

CREATE TABLE clinical.notes (
    id           bigserial PRIMARY KEY,
    encounter_id bigint NOT NULL REFERENCES clinical.encounters ON DELETE CASCADE,
    author       text NOT NULL,
    body         text NOT NULL,
    written_at   timestamptz NOT NULL
);
COMMENT ON TABLE clinical.notes IS 'What was written down about a visit, in free text.';
CREATE INDEX ON clinical.notes (encounter_id);


-- Money --------------------------------------------------------------------------------------------------------

CREATE TABLE billing.insurance_cards (
    patient_mrn varchar(12) PRIMARY KEY REFERENCES clinical.patients (mrn) ON UPDATE CASCADE ON DELETE CASCADE,
    payer_code  varchar(8)  NOT NULL REFERENCES billing.payers ON UPDATE CASCADE,
    member_id   varchar(16) NOT NULL,
    group_no    varchar(10),
    valid_from  date NOT NULL
);
COMMENT ON TABLE billing.insurance_cards IS 'The card shown at reception, by MRN: the scanner knows nothing else.';
CREATE INDEX ON billing.insurance_cards (payer_code);

-- Counts down: the clearing house owns the positive numbers.
CREATE SEQUENCE billing.claim_reference_seq AS integer INCREMENT BY -1 START WITH -1;

CREATE TABLE billing.claims (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference    integer NOT NULL UNIQUE DEFAULT nextval('billing.claim_reference_seq'),
    patient_id   bigint  NOT NULL REFERENCES clinical.patients,
    payer_code   varchar(8)  NOT NULL REFERENCES billing.payers ON UPDATE CASCADE,
    member_id    varchar(16) NOT NULL,
    account_no   varchar(12) NOT NULL,
    amount       numeric(12, 2) NOT NULL CHECK (amount >= 0),
    status       billing.claim_status NOT NULL DEFAULT 'draft',
    submitted_on date
);
ALTER SEQUENCE billing.claim_reference_seq OWNED BY billing.claims.reference;
COMMENT ON TABLE billing.claims IS 'What payers are asked for. Keeps the member number as it was when billed.';
CREATE INDEX ON billing.claims (patient_id);
CREATE INDEX ON billing.claims (payer_code, status);

CREATE TABLE billing.ledger (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id       bigint NOT NULL REFERENCES billing.claims,
    posted_on      date NOT NULL,
    debit_account  varchar(12) NOT NULL,
    credit_account varchar(12) NOT NULL,
    amount         numeric(12, 2) NOT NULL,
    memo           text,
    CHECK (debit_account <> credit_account)
);
COMMENT ON TABLE billing.ledger IS 'Double-entry postings behind each claim.';
CREATE INDEX ON billing.ledger (claim_id);
CREATE INDEX ON billing.ledger (posted_on);
