CREATE TABLE members (
    id bigint PRIMARY KEY,
    ssn integer,
    npi bigint,
    mbi char(11),
    iban varchar(34),
    card text,
    vin char(17),
    imei text,
    plate varchar(10),
    passport text,
    device uuid UNIQUE,
    mac macaddr,
    network cidr,
    address inet,
    fax varchar(20),
    first text,
    last text,
    email text UNIQUE,
    town varchar(40),
    state text
);
INSERT INTO members VALUES (
    1, 123456789, 1234567893, '1EG4TE5MK73', 'GB82 WEST 1234 5698 7654 32', '4111-1111-1111-1111',
    '1M8GDM9AXKP042788', '49-015420-323751-8', 'ABC-1234', 'X12345678', 'c0ffee00-0000-4000-8000-000000000000',
    '08:00:2b:01:02:03', '10.0.0.0/8', '10.1.2.3/24', '212-867-0124', 'Ada', 'Example', 'ada@example.net',
    'Exampleton', 'NY'
);
INSERT INTO members (id) VALUES (2);
