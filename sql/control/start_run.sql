INSERT INTO understudy.runs
    (id, database, driver, trigger, options, policy_digest, policy_text, host, pid, started)
VALUES (%(id)s, %(database)s, %(driver)s, %(trigger)s, %(options)s, %(policy_digest)s, %(policy_text)s,
        %(host)s, %(pid)s, %(now)s)
