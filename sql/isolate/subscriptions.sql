-- Subscriptions of this database. Without its slot name one can be dropped with no connection to the publisher.
SELECT subname, 'dropped without telling the publisher',
       ARRAY[format('ALTER SUBSCRIPTION %I DISABLE', subname),
             format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', subname),
             format('DROP SUBSCRIPTION %I', subname)], NULL
FROM pg_subscription
WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1
