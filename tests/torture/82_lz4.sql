-- Compression, where the server was built with it.
CREATE TABLE docs.compressed (id int PRIMARY KEY, body text COMPRESSION lz4, other text COMPRESSION pglz);
INSERT INTO docs.compressed SELECT n, repeat('Qilda' || n, 900), repeat('Qvist', 900) FROM generate_series(1, 20) AS n;
