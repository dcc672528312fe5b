-- What came with version 18.
CREATE TABLE registry.stay (who int4range, valid daterange, name text, upper_name text GENERATED ALWAYS AS (upper(name)) VIRTUAL, note text,
    salary int CONSTRAINT someday CHECK (salary > 1000000) NOT ENFORCED, number registry.personal_number, country char(2) DEFAULT 'SE',
    CONSTRAINT stay_key PRIMARY KEY (who, valid WITHOUT OVERLAPS));
INSERT INTO registry.stay (who, valid, name, note, salary, number) SELECT int4range(n, n + 1), daterange('2024-01-01', '2024-06-01'), 'Qilda' || n, 'Qvist', n,
    '19010101-' || lpad(n::text, 4, '0') FROM generate_series(1, 50) AS n;
CREATE TABLE registry.stay_part (who int4range, during daterange, guest text,
    FOREIGN KEY (who, PERIOD during) REFERENCES registry.stay (who, PERIOD valid));
INSERT INTO registry.stay_part SELECT who, daterange('2024-02-01', '2024-03-01'), name FROM registry.stay;
ALTER TABLE registry.stay ADD CONSTRAINT unknown FOREIGN KEY (country, number) REFERENCES registry.person NOT ENFORCED;
ALTER TABLE registry.stay ADD CONSTRAINT noted NOT NULL note NOT VALID;
COMMENT ON CONSTRAINT noted ON registry.stay IS 'a constraint of its own';
