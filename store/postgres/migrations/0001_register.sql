-- +goose Up

-- Conventions. Times are timestamptz; a zero time is NULL, or -infinity where
-- it must sort first. Text that is compared or sorted is COLLATE "C": byte by
-- byte, whatever the locale of the database. References into the big tables
-- are no foreign keys: checking them costs a look-up and a lock per row written.

-- A second program that migrates at the same time waits here, and fails at the
-- next line: see migrate.go. Every migration begins with the first two.
SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);
CREATE UNIQUE INDEX goose_once ON goose_db_version (version_id);

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO meta VALUES ('contacts_version', 0), ('definitions_version', 0);

-- Accounts ------------------------------------------------------------------

-- The rows of a poll are written three times each, so pages keep room for it.
CREATE TABLE accounts (
    name         text COLLATE "C" PRIMARY KEY,
    origin       text NOT NULL,
    kind         text NOT NULL,
    owner        text NOT NULL,
    schedule     text NOT NULL,
    settings     text NOT NULL,
    state        text NOT NULL,
    next_poll    timestamptz NOT NULL DEFAULT '-infinity',
    last_poll    timestamptz,
    last_success timestamptz,
    attempts     integer NOT NULL DEFAULT 0,
    error        text NOT NULL DEFAULT '',
    error_since  timestamptz,
    daemon       text COLLATE "C" NOT NULL DEFAULT '',
    leased_until timestamptz
) WITH (fillfactor = 70);
CREATE INDEX accounts_due ON accounts (next_poll, name) WHERE state NOT IN ('removed', 'disabled', 'needs_attention');
-- After the host's clock was set back: see ClaimDue.
CREATE INDEX accounts_ahead ON accounts (last_poll) WHERE state NOT IN ('removed', 'disabled', 'needs_attention');
CREATE INDEX accounts_daemon ON accounts (daemon) WHERE daemon <> '';
CREATE INDEX accounts_file ON accounts (name) WHERE origin = 'file';

-- Accounts that are defined here, beside those of the configuration file.
CREATE TABLE definitions (
    name       text COLLATE "C" PRIMARY KEY,
    text       text NOT NULL,
    key        text NOT NULL, -- the id of the key that opens the box
    box        bytea,
    disabled   boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE daemons (
    name    text COLLATE "C" PRIMARY KEY,
    host    text NOT NULL,
    version text NOT NULL,
    started timestamptz NOT NULL,
    seen    timestamptz NOT NULL,
    workers integer NOT NULL,
    running integer NOT NULL
);

-- Contacts ------------------------------------------------------------------

CREATE TABLE contacts (
    id           uuid PRIMARY KEY,
    type         text NOT NULL,
    source       text COLLATE "C" NOT NULL,
    external_id  text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    folded       text COLLATE "C" NOT NULL, -- the name without regard to case: see store.Fold
    first_name   text NOT NULL,
    last_name    text NOT NULL,
    company      uuid REFERENCES contacts,
    emails       text[] NOT NULL,
    phones       text[] NOT NULL,
    title        text NOT NULL,
    language     text NOT NULL,
    owner        text NOT NULL,
    tags         text[] NOT NULL,
    never_record boolean NOT NULL,
    archived     boolean NOT NULL,
    notes        jsonb,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX contacts_external ON contacts (external_id, source) WHERE external_id <> '';
CREATE INDEX contacts_folded ON contacts (folded, id);
CREATE INDEX contacts_company ON contacts (company) WHERE company IS NOT NULL;

-- What contacts are found by: their e-mail addresses and phone numbers.
CREATE TABLE addresses (
    address text COLLATE "C" NOT NULL,
    contact uuid NOT NULL,
    PRIMARY KEY (address, contact)
);

-- Interactions --------------------------------------------------------------
