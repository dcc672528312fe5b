INSERT INTO understudy.runs (id, database, trigger, policy_digest, policy_text, host, pid, started)
VALUES (%(id)s, %(database)s, %(trigger)s, %(policy_digest)s, %(policy_text)s, %(host)s, %(pid)s, %(now)s)
