-- A number from 0 to `prime` - 1, in no visible order and no two alike for rows 1 to `prime`:
-- multiplying modulo a prime permutes what is below it.
CREATE FUNCTION dice.scatter(seed bigint, purpose text, "row" bigint, prime integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ("row" * 618033989 + dice.roll(seed, purpose, 0, prime)) % prime
