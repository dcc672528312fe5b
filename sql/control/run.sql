SELECT id, database, driver, trigger, options, policy_digest, host, pid, started, status, finished, error
FROM understudy.runs WHERE id = %(run_id)s
