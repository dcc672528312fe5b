-- A note on one in three visits. $1 seed, $2 authors, $3 sentences.
INSERT INTO clinical.notes (encounter_id, author, body, written_at)
SELECT encounter.id,
       words.authors[dice.roll($1, 'author', encounter.id, cardinality(words.authors))],
       CASE dice.roll($1, 'note', encounter.id, 3)
           WHEN 1 THEN format('%s (%s) came in for %s. %s Call back at %s.',
                              patient.full_name, patient.mrn, encounter.reason, sentence, patient.phone)
           WHEN 2 THEN format('Spoke to %s. %s Patient %s can be reached at %s; chart %s updated.',
                              patient.first_name, sentence, patient.last_name, patient.phone, patient.mrn)
           ELSE format('%s Results for %s, %s, to be sent to %s, %s.',
                       sentence, patient.mrn, patient.full_name, patient.street, patient.city)
       END,
       encounter.started_at + dice.roll($1, 'written', encounter.id, 600) * interval '1 minute'
FROM clinical.encounters AS encounter
JOIN clinical.patients AS patient ON patient.id = encounter.patient_id
CROSS JOIN (SELECT $2::text[] AS authors, $3::text[] AS sentences) AS words
CROSS JOIN LATERAL (
    SELECT words.sentences[dice.roll($1, 'sentence', encounter.id, cardinality(words.sentences))] AS sentence
) AS drawn
WHERE NOT patient.is_test
  AND dice.chance($1, 'has note', encounter.id, 33)
ORDER BY encounter.id
