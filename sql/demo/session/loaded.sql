-- Whether the hospital is complete: it is filled in one transaction.
SELECT to_regclass('clinical.patients') IS NOT NULL
