CREATE TABLE patient (id int PRIMARY KEY, mrn varchar(12) NOT NULL UNIQUE, ssn char(11), is_test boolean NOT NULL);
CREATE TABLE card (mrn varchar(12) REFERENCES patient (mrn), member text UNIQUE);
INSERT INTO patient VALUES (1, 'MRN-0001', '123-45-6789', false), (2, 'MRN-0002', '666-45-6789', true);
INSERT INTO card VALUES ('MRN-0001', 'H7'), ('MRN-0002', 'H8');
