CREATE TABLE person (id int PRIMARY KEY, mentor int REFERENCES person, email text);
CREATE TABLE product (id int PRIMARY KEY, label text);
CREATE TABLE visit (id int, at date, person int NOT NULL REFERENCES person, product int REFERENCES product,
                    PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE visit_new PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE "Session" (id int PRIMARY KEY, token text);
CREATE TABLE click (session int REFERENCES "Session", person int REFERENCES person, at int);
INSERT INTO person SELECT i, nullif(i / 2, 0), i || '@here.org' FROM generate_series(1, 20) AS i;
INSERT INTO product SELECT i, 'product ' || i FROM generate_series(1, 9) AS i;
INSERT INTO visit SELECT i, date '2019-12-01' + i, 1 + i % 20, 1 + i % 9 FROM generate_series(1, 60) AS i;
INSERT INTO "Session" VALUES (1, 'abc');
INSERT INTO click VALUES (1, 19, 1), (NULL, 2, 3);
