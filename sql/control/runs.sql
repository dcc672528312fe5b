SELECT id, database, driver, trigger, options, policy_digest, host, pid, started, status, finished, error
FROM understudy.runs WHERE database = %(database)s ORDER BY started DESC, id DESC LIMIT %(limit)s
