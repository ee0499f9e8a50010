-- +goose Up

-- Addresses that have become contacts' and that the past is to be searched for:
-- the newest ones, numbered by meta's sought.
CREATE TABLE sought (
    n       INTEGER PRIMARY KEY,
    address TEXT NOT NULL
) STRICT;
INSERT INTO meta VALUES ('sought', 0);
ALTER TABLE streams ADD COLUMN looked_back INTEGER NOT NULL DEFAULT 0; -- the last sought.n that it was searched for

-- What digests of addresses are made with: another in each register, so that
-- nobody can tell by a digest alone whose it is.
CREATE TABLE salt (value BLOB NOT NULL) STRICT;
INSERT INTO salt VALUES (randomblob(32));

-- Digests of addresses that capture makes no contacts of.
CREATE TABLE forgotten (
    digest BLOB PRIMARY KEY,
    why    TEXT NOT NULL,
    at     INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Digests of addresses that may become contacts once mail went both ways.
CREATE TABLE correspondents (
    digest BLOB PRIMARY KEY,
    ways   INTEGER NOT NULL -- see kith.Ways
) WITHOUT ROWID, STRICT;

-- People who are no contacts, as far as they are to be suggested.
CREATE TABLE suggestions (
    address    TEXT NOT NULL,
    stream     INTEGER NOT NULL,
    name       TEXT NOT NULL,
    inbound    INTEGER NOT NULL,
    outbound   INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    PRIMARY KEY (address, stream)
) WITHOUT ROWID, STRICT;
CREATE INDEX suggestions_stream ON suggestions (stream);

-- When a run of an account last had to leave out contacts that it would have made.
CREATE TABLE capped (
    account TEXT PRIMARY KEY,
    at      INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
