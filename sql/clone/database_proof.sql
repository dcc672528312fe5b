-- What a clone beside its source can prove itself by: its comment, and the name that only we give.
SELECT shobj_description(oid, 'pg_database'), datname FROM pg_database WHERE datname = current_database()
