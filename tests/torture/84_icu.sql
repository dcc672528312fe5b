-- Collations of ICU, one for which different texts are equal.
CREATE COLLATION docs.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION docs.swedish (provider = icu, locale = 'sv-SE');
CREATE TABLE docs.nickname (nick text COLLATE docs.any_case PRIMARY KEY, town varchar(60) COLLATE docs.swedish NOT NULL);
INSERT INTO docs.nickname SELECT 'Qilda' || n, 'Umeå ' || n FROM generate_series(1, 40) AS n;
CREATE INDEX ON docs.nickname (town COLLATE docs.any_case DESC, nick);
