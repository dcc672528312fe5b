-- Appointments, which until now lived in a calendar outside.

CREATE TABLE clinical.appointments (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id  bigint  NOT NULL REFERENCES clinical.patients ON DELETE CASCADE,
    provider_id integer NOT NULL REFERENCES clinical.providers,
    starts_at   timestamptz NOT NULL,
    duration    interval NOT NULL DEFAULT '20 minutes' CHECK (duration > '0'),
    remark      text
);
COMMENT ON TABLE clinical.appointments IS 'Visits to come.';
CREATE INDEX appointments_by_provider ON clinical.appointments (provider_id, starts_at);
CREATE INDEX appointments_by_patient  ON clinical.appointments (patient_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON clinical.appointments TO hospital_app;
