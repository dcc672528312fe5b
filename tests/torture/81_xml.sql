-- Résumés, where the server was built with libxml.
CREATE TABLE docs.resume (id int PRIMARY KEY, name text, body xml, pages xml[]);
INSERT INTO docs.resume SELECT n, 'Qilda' || n, xmlparse(DOCUMENT '<cv><name>Qilda Qvist</name><born>1950</born></cv>'), ARRAY['<p>Qvist</p>'::xml]
FROM generate_series(1, 30) AS n;
CREATE VIEW docs.born AS SELECT id, (xpath('/cv/born/text()', body))[1] AS born FROM docs.resume;
CREATE INDEX ON docs.resume (((xpath('/cv/name/text()', body))[1]::text));
