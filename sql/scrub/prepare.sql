-- The scratch schema of a clone: the run's key, and which heaps are done. Dropped by the purge.
CREATE SCHEMA IF NOT EXISTS understudy;
REVOKE ALL ON SCHEMA understudy FROM PUBLIC;
CREATE TABLE IF NOT EXISTS understudy.run_key (one boolean PRIMARY KEY DEFAULT true CHECK (one), secret bytea NOT NULL);
CREATE TABLE IF NOT EXISTS understudy.done (heap text PRIMARY KEY, plan text NOT NULL, result jsonb NOT NULL);
