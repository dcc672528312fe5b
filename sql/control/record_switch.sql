INSERT INTO understudy.switches (database, endpoint, generation, previous, by, at)
VALUES (%(database)s, %(endpoint)s, %(generation)s, %(previous)s, %(by)s, %(now)s)
