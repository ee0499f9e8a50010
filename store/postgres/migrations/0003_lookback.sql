-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- Addresses that have become contacts' and that the past is to be searched for:
-- the newest ones, numbered by meta's sought.
CREATE TABLE sought (
    n       bigint PRIMARY KEY,
    address text COLLATE "C" NOT NULL
);
INSERT INTO meta VALUES ('sought', 0);
ALTER TABLE streams ADD COLUMN looked_back bigint NOT NULL DEFAULT 0; -- the last sought.n that it was searched for

-- What digests of addresses are made with: another in each register, so that
-- nobody can tell by a digest alone whose it is.
CREATE TABLE salt (value bytea NOT NULL);
INSERT INTO salt VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- Digests of addresses that capture makes no contacts of.
CREATE TABLE forgotten (
    digest uuid PRIMARY KEY,
    why    text NOT NULL,
    at     timestamptz NOT NULL
);

-- Digests of addresses that may become contacts once mail went both ways.
CREATE TABLE correspondents (
    digest uuid PRIMARY KEY,
    ways   integer NOT NULL -- see kith.Ways
);

-- People who are no contacts, as far as they are to be suggested.
CREATE TABLE suggestions (
    address    text COLLATE "C" NOT NULL,
    stream     bigint NOT NULL,
    name       text NOT NULL,
    inbound    bigint NOT NULL,
    outbound   bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    PRIMARY KEY (address, stream)
);
CREATE INDEX suggestions_stream ON suggestions (stream);

-- When a run of an account last had to leave out contacts that it would have made.
CREATE TABLE capped (
    account text COLLATE "C" PRIMARY KEY,
    at      timestamptz NOT NULL
);
