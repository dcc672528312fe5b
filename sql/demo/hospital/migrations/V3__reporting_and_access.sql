-- Reports, who may see what, and the feed to the warehouse.

-- Kept for the paper archive; nothing draws from it any more.
CREATE SEQUENCE clinical.archive_box_seq AS smallint;


-- Reports ------------------------------------------------------------------------------------------------------

CREATE VIEW clinical.patient_directory WITH (security_barrier) AS
SELECT id, mrn, full_name, last_name, phone, email
FROM clinical.patients
WHERE death_date IS NULL;
COMMENT ON VIEW clinical.patient_directory IS 'The switchboard''s phone book.';

CREATE VIEW clinical.emergency_directory AS
SELECT patient.id AS patient_id, patient.full_name AS patient, patient.phone, relative.name AS contact,
       relative.relation, relative.phone AS contact_phone
FROM clinical.patient_directory AS patient
JOIN clinical.relatives AS relative ON relative.patient_id = patient.id AND relative.is_emergency_contact;
COMMENT ON VIEW clinical.emergency_directory IS 'Whom to call for whom.';

CREATE MATERIALIZED VIEW clinical.patient_summary AS
SELECT patient.id AS patient_id, patient.mrn, patient.full_name, patient.email, patient.phone, patient.birth_date,
       count(encounter.id) AS encounters, max(encounter.started_at) AS last_seen_at
FROM clinical.patients AS patient
LEFT JOIN clinical.encounters AS encounter ON encounter.patient_id = patient.id
GROUP BY patient.id
WITH NO DATA;
COMMENT ON MATERIALIZED VIEW clinical.patient_summary IS 'First screen of a patient''s chart.';
CREATE UNIQUE INDEX patient_summary_key ON clinical.patient_summary (patient_id);

CREATE MATERIALIZED VIEW billing.payer_totals AS
SELECT payer.code, payer.name, count(DISTINCT claim.id) AS claims, coalesce(sum(posting.amount), 0) AS posted
FROM billing.payers AS payer
LEFT JOIN billing.claims AS claim ON claim.payer_code = payer.code
LEFT JOIN billing.ledger AS posting ON posting.claim_id = claim.id
GROUP BY payer.code
WITH NO DATA;
COMMENT ON MATERIALIZED VIEW billing.payer_totals IS 'Postings per payer, for the end of the month.';
CREATE UNIQUE INDEX payer_totals_key ON billing.payer_totals (code);


-- Access -------------------------------------------------------------------------------------------------------

-- Roles belong to the server, not to this database: they may be here already.
DO $$
BEGIN
    IF to_regrole('hospital_app') IS NULL THEN
        CREATE ROLE hospital_app NOLOGIN;
    END IF;
    IF to_regrole('hospital_login') IS NULL THEN
        CREATE ROLE hospital_login LOGIN PASSWORD 'correct horse battery staple' IN ROLE hospital_app;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else made them just now
END
$$;

GRANT USAGE ON SCHEMA clinical, billing, iam TO hospital_app;
GRANT SELECT, INSERT, UPDATE ON clinical.patients, clinical.relatives, clinical.encounters, clinical.conditions,
    clinical.medications, clinical.observations, clinical.notes TO hospital_app;
GRANT SELECT ON clinical.patient_directory, clinical.emergency_directory, clinical.patient_summary TO hospital_app;
GRANT SELECT ON clinical.departments, clinical.diagnoses, clinical.drugs, clinical.measures TO hospital_app;
GRANT SELECT (id, department_id, first_name, last_name, credentials) ON clinical.providers TO hospital_app;
GRANT SELECT ON billing.payers, billing.insurance_cards, billing.claims TO hospital_app;
GRANT SELECT, UPDATE ON iam.accounts TO hospital_app;
GRANT SELECT, INSERT, DELETE ON iam.sessions TO hospital_app;

ALTER TABLE iam.accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_account ON iam.accounts TO hospital_app
    USING (login = current_setting('hospital.login', true));


-- Feed ---------------------------------------------------------------------------------------------------------

CREATE PUBLICATION hospital_feed FOR TABLE clinical.patients;
