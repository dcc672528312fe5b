-- A die with that many sides, 1 to `sides`. The same seed, purpose and row always show the same face.
-- The purpose and the seed are hashed once when the statement is planned, so that a roll costs one integer hash.
CREATE FUNCTION dice.roll(seed bigint, purpose text, "row" bigint, sides integer) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 1 + ((hashint8extended("row", hashtextextended(purpose, seed)) & 9223372036854775807) % sides)::integer
