-- Other databases that cannot be dropped before somebody has gone in and cut what uses them.
SELECT datname, datallowconn FROM pg_database
WHERE datname <> current_database()
  AND (oid IN (SELECT subdbid FROM pg_subscription) OR datname IN (SELECT database FROM pg_prepared_xacts))
ORDER BY 1
