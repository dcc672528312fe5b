-- A place for the generator's functions, gone again before it commits.
CREATE SCHEMA dice
