-- How many large objects there are, their size on disk, and how many carry a comment.
SELECT (SELECT count(*) FROM pg_largeobject_metadata), pg_relation_size('pg_largeobject'),
       (SELECT count(*) FROM pg_description WHERE classoid = 'pg_largeobject'::regclass)
