INSERT INTO understudy.reports (run_id, record, page, digest, content)
VALUES (%(run_id)s, %(record)s, %(page)s, %(digest)s, %(content)s)
ON CONFLICT (run_id) DO UPDATE
SET record = excluded.record, page = excluded.page, digest = excluded.digest, content = excluded.content
