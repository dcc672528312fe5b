-- A wrapper without its handler reaches nothing, whatever servers and tables somebody makes for it later.
SELECT fdwname, 'its handler was taken away', ARRAY[format('ALTER FOREIGN DATA WRAPPER %I NO HANDLER', fdwname)], NULL
FROM pg_foreign_data_wrapper WHERE fdwhandler <> 0 ORDER BY 1
