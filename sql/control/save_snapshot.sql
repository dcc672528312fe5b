INSERT INTO understudy.snapshots (label, database, snapshot, saved)
VALUES (%(label)s, %(database)s, %(snapshot)s, %(now)s)
ON CONFLICT (label) DO UPDATE SET snapshot = excluded.snapshot, saved = excluded.saved
