CREATE TABLE people (
    id bigint PRIMARY KEY,
    first varchar(40) NOT NULL,
    last text,
    email text UNIQUE,
    contact text,
    phone text,
    phones text[],
    home inet,
    notes text,
    born date,
    fee numeric(10, 2),
    shown text GENERATED ALWAYS AS (first || ' ' || last) STORED
);
INSERT INTO people (id, first, last, email, contact, phones, born, fee)
VALUES (1, 'Ada', 'Example', 'ada@example.net', 'Ada@Example.net', '{212-867-0123,NULL}', '1970-05-17', 12.50);
