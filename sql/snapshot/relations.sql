-- The files of everything that is stored, below the data directory, and from which page on all pages of a file tell
-- themselves where their free space is (NULL: not all do). The first page of a B-tree index describes the index.
SELECT pg_relation_filepath(c.oid),
       CASE WHEN c.relkind IN ('r', 't', 'm') AND a.amhandler = 'heap_tableam_handler'::regproc THEN 0
            WHEN c.relkind = 'i' AND a.amhandler = 'bthandler'::regproc THEN 1 END
FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
WHERE pg_relation_filepath(c.oid) IS NOT NULL
