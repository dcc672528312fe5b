-- How many patients production has.
SELECT count(*) FROM clinical.patients
