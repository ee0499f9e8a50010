-- +goose Up

-- E-mail addresses have their domain first: see address.go. No index by domain is needed then.
CREATE TABLE domain_first (
    address TEXT NOT NULL,
    contact INTEGER NOT NULL,
    PRIMARY KEY (address, contact)
) WITHOUT ROWID, STRICT;
INSERT INTO domain_first
    SELECT CASE WHEN instr(c.a, '@') = 0 THEN c.a
           ELSE replace(c.a, rtrim(c.a, replace(c.a, '@', '')), '') || '@' || substr(rtrim(c.a, replace(c.a, '@', '')), 1, length(rtrim(c.a, replace(c.a, '@', ''))) - 1) END, c.contact
    FROM (SELECT address AS a, contact FROM addresses) c
    ORDER BY 1;
DROP TABLE addresses;
ALTER TABLE domain_first RENAME TO addresses;
