ANALYZE clinical.providers, clinical.patients, clinical.relatives, clinical.encounters, clinical.conditions,
    clinical.medications, clinical.observations, clinical.notes, billing.payers, billing.insurance_cards,
    billing.claims, billing.ledger, iam.accounts, iam.sessions, audit.changes
