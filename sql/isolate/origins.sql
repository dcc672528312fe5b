-- How far this server had followed others.
SELECT roname, 'forgotten', ARRAY[format('SELECT pg_replication_origin_drop(%L)', roname)], NULL
FROM pg_replication_origin ORDER BY 1
