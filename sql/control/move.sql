UPDATE understudy.generations
SET state = %(state)s, changed = %(now)s, clone = coalesce(%(clone)s::json, clone)
WHERE label = %(label)s AND state = ANY(%(allowed)s)
RETURNING label, database, run_id, state, clone, created, changed
