-- Whether something happens to this row that happens to `percent` of 100.
CREATE FUNCTION dice.chance(seed bigint, purpose text, "row" bigint, percent integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN dice.roll(seed, purpose, "row", 100) <= percent
