-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- A contact that was found to be another points at it (merged_into), and stays as
-- it is, with its addresses and timeline. survivor is where the pointers end; the
-- survivor has its own id there. Both are NULL for who was never merged.
ALTER TABLE contacts ADD COLUMN merged_into uuid, ADD COLUMN survivor uuid;
CREATE INDEX contacts_survivor ON contacts (survivor) WHERE survivor IS NOT NULL;

-- Contacts that are not one, whatever they have in common. a < b.
CREATE TABLE distinct_contacts (
    a     uuid NOT NULL,
    b     uuid NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (a, b)
);
CREATE INDEX distinct_contacts_b ON distinct_contacts (b);
