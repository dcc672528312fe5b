-- A stage that runs again starts over; its note stays, it is what the second attempt builds on.
INSERT INTO understudy.stages (run_id, stage, status, started)
VALUES (%(run_id)s, %(stage)s, 'running', %(now)s)
ON CONFLICT (run_id, stage) DO UPDATE
SET status = 'running', started = excluded.started, finished = NULL, result = NULL, error = NULL
