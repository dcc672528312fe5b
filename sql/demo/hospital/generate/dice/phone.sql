-- A North American telephone number that somebody could have: with no second digit 1 or 5, neither service codes (911)
-- nor the exchange reserved for fiction (555) come out.
CREATE FUNCTION dice.phone(seed bigint, purpose text, "row" bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substr('23456789', dice.roll(seed, purpose || ' 1', "row", 8), 1)
        || substr('0234678', dice.roll(seed, purpose || ' 2', "row", 7), 1)
        || substr('234567', dice.roll(seed, purpose || ' 3', "row", 6), 1) || '-'
        || substr('23456789', dice.roll(seed, purpose || ' 4', "row", 8), 1)
        || substr('0234678', dice.roll(seed, purpose || ' 5', "row", 7), 1)
        || substr('0123456789', dice.roll(seed, purpose || ' 6', "row", 10), 1) || '-'
        || substr((9999 + dice.roll(seed, purpose || ' 7', "row", 10000))::text, 2)
