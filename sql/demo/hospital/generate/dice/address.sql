-- An address in networks of access providers, one in eight of them IPv6.
CREATE FUNCTION dice.address(seed bigint, purpose text, "row" bigint) RETURNS inet
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        CASE dice.roll(seed, purpose || ' family', "row", 8)
            WHEN 1 THEN '2601:' || to_hex(4095 + dice.roll(seed, purpose || ' net', "row", 61440)) || '::'
            ELSE ('{24,67,71,73,76,98,107,174}'::text[])[dice.roll(seed, purpose || ' block', "row", 8)] || '.'
                || dice.roll(seed, purpose || ' net', "row", 254) || '.'
                || dice.roll(seed, purpose || ' subnet', "row", 254) || '.'
        END || dice.roll(seed, purpose || ' host', "row", 254)
    )::inet
