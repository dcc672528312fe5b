CREATE TABLE visits (
    id bigint PRIMARY KEY,
    first varchar(40) NOT NULL,
    last text NOT NULL,
    born date,
    ward text,
    badge varchar(12),
    tags text[],
    note text
);
INSERT INTO visits (id, first, last, born, ward, badge, tags, note)
VALUES (1, 'Ada', 'Example', '1970-05-17', 'north', 'N-1234567', '{vip,NULL}', 'Example, Ada: 212-867-0123');
