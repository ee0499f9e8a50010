-- +goose Up

ALTER TABLE accounts ADD COLUMN origin TEXT NOT NULL DEFAULT 'file';
ALTER TABLE accounts ADD COLUMN daemon TEXT NOT NULL DEFAULT '';

-- Accounts that are defined here, beside those of the configuration file.
CREATE TABLE definitions (
    name       TEXT PRIMARY KEY,
    text       TEXT NOT NULL,
    key        TEXT NOT NULL, -- the id of the key that opens the box
    box        BLOB,
    disabled   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
INSERT INTO meta VALUES ('definitions_version', 0);

CREATE TABLE daemons (
    name    TEXT PRIMARY KEY,
    host    TEXT NOT NULL,
    version TEXT NOT NULL,
    started INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    workers INTEGER NOT NULL,
    running INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
