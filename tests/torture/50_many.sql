-- Much of everything: 2,500 indexes of which 400 are partial, 1,100 columns, hundreds of partitions.
CREATE SCHEMA many;
DO $$ BEGIN
    FOR t IN 1..100 LOOP
        EXECUTE format('CREATE TABLE many.indexed_%s (id int PRIMARY KEY, name text NOT NULL, mail text, amount int)', t);
        EXECUTE format('INSERT INTO many.indexed_%s SELECT n, ''Qilda'' || n, n || ''@qmail.test'', n FROM generate_series(1, 5) AS n', t);
    END LOOP;
END $$;
DO $$ BEGIN
    FOR t IN 1..100 LOOP
        FOR i IN 1..24 LOOP
            EXECUTE format('CREATE INDEX indexed_%1$s_%2$s ON many.indexed_%1$s (%3$s) %4$s', t, i,
                (ARRAY['name', 'mail', 'amount', 'lower(name)', 'name, mail', 'amount DESC, (mail || name)'])[1 + i % 6],
                CASE WHEN i % 6 = 0 THEN format('WHERE amount > %s', i) ELSE '' END);
        END LOOP;
    END LOOP;
END $$;
DO $$ BEGIN
    EXECUTE format('CREATE TABLE many.wide (id int PRIMARY KEY, %s, name text)',
        (SELECT string_agg(format('column_%s int', n), ', ' ORDER BY n) FROM generate_series(1, 1100) AS n));
END $$;
INSERT INTO many.wide (id, name, column_7) SELECT n, 'Qilda' || n, n FROM generate_series(1, 20) AS n;
ALTER TABLE many.wide DROP column_900, DROP column_13;
-- Hundreds of partitions in another schema.
CREATE TABLE ledger.event (id bigint NOT NULL, who text, mail text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE INDEX ON ledger.event (lower(mail)) WHERE who IS NOT NULL;
DO $$ BEGIN
    FOR n IN 0..249 LOOP
        EXECUTE format('CREATE TABLE far.event_%s PARTITION OF ledger.event FOR VALUES FROM (%s) TO (%s)', n, n * 10, n * 10 + 10);
    END LOOP;
END $$;
INSERT INTO ledger.event SELECT n, 'Qilda' || n || ' Qvist', 'qilda' || n || '@qmail.test' FROM generate_series(0, 2499, 2) AS n;
