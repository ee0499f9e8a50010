-- +goose Up

-- A contact that was found to be another points at it (merged_into), and stays as
-- it is, with its addresses and timeline. survivor is where the pointers end; the
-- survivor has its own number there. Both are NULL for who was never merged.
ALTER TABLE contacts ADD COLUMN merged_into INTEGER;
ALTER TABLE contacts ADD COLUMN survivor INTEGER;
CREATE INDEX contacts_survivor ON contacts (survivor) WHERE survivor IS NOT NULL;

-- Contacts that are not one, whatever they have in common. a < b.
CREATE TABLE distinct_contacts (
    a     INTEGER NOT NULL,
    b     INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (a, b)
) WITHOUT ROWID, STRICT;
CREATE INDEX distinct_contacts_b ON distinct_contacts (b);
