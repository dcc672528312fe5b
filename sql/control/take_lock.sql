SELECT CASE WHEN %(shared)s THEN pg_try_advisory_lock_shared(%(key)s) ELSE pg_try_advisory_lock(%(key)s) END AS value
