CREATE TABLE people (
    id bigint PRIMARY KEY,
    born date,
    born_text varchar(10),
    birth_year smallint,
    age integer,
    zip varchar(10) NOT NULL CHECK (zip ~ '^[0-9]{5}$'),
    zip_number integer,
    income numeric(8, 2),
    weight real,
    children text,
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    home point,
    seen timestamptz[]
);
INSERT INTO people
VALUES (1, '1931-05-17', '1931-05-17', 1931, 93, '10025', 2139, 51234.50, 71.3, '2', 40.7128, '(-74.006, 40.7128)',
        '{2024-05-17 10:00+00, NULL, infinity}');
