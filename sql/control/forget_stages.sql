-- A note stays: it tells of the clone as it was before the stage began, and the clone is the same.
UPDATE understudy.stages SET status = 'waiting', finished = NULL, result = NULL, error = NULL
WHERE run_id = %(run_id)s AND stage = ANY(%(stages)s)
