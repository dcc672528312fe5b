-- Takes the content of all large objects away; the objects are in pg_largeobject_metadata and stay.
TRUNCATE pg_catalog.pg_largeobject
