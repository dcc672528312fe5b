CREATE TYPE place AS (street text, zip varchar(5), tags text[]);
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TABLE visit (
    id int PRIMARY KEY, contacts jsonb, log json, home place, mood mood, feeling mood NOT NULL, flags bit(3) NOT NULL,
    spot point NOT NULL, stay int4range NOT NULL, words text[], hash varchar(97)
);
INSERT INTO visit VALUES (
    1, '{"people": [{"name": "Ada", "age": 36, "x": 1}], "a.b": true}', '[{"name": "Ada"}]', '(Mill Lane,12345,"{a}")',
    'low', 'high', '101', '(1,2)', '[1,9)', '{{Ada},{Bob}}', '$argon2id$'
);
