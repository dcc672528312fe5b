-- Every database of the server has a folder of files; some let nobody in.
SELECT oid::int8, datname, datallowconn FROM pg_database
