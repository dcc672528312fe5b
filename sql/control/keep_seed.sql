INSERT INTO understudy.seeds (database, day, seed) VALUES (%(database)s, %(day)s, %(seed)s)
ON CONFLICT (database, day) DO NOTHING
