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
    company      uuid,
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

-- Digests of 128 bits are uuid, which is what PostgreSQL calls 16 bytes.

-- A stream outlives its account, so that one that comes back goes on from there.
-- Each batch updates its row, so pages keep room for it.
CREATE TABLE streams (
    n            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account      text COLLATE "C" NOT NULL,
    name         text COLLATE "C" NOT NULL,
    cursor       bytea NOT NULL DEFAULT '',
    recorded     bigint NOT NULL DEFAULT 0,
    skipped      json NOT NULL DEFAULT '{}', -- reason: count
    backfilled   double precision NOT NULL DEFAULT 0,
    last_success timestamptz,
    error        text NOT NULL DEFAULT '',
    UNIQUE (account, name)
) WITH (fillfactor = 50);

CREATE TABLE quarantine (
    stream   bigint NOT NULL REFERENCES streams,
    ref      text COLLATE "C" NOT NULL,
    cause    text NOT NULL,
    since    timestamptz NOT NULL,
    attempts integer NOT NULL,
    next_try timestamptz NOT NULL,
    PRIMARY KEY (stream, ref)
);

CREATE TABLE interactions (
    id          uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    thread      bigint NOT NULL,  -- threads.n
    zone        integer NOT NULL, -- seconds east of UTC
    fingerprint uuid,
    keys        bytea NOT NULL,   -- its own, then those of copies found by fingerprint, 16 bytes each
    kind        text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    direction   text COLLATE "C" NOT NULL,
    owner       text COLLATE "C" NOT NULL,
    template    text COLLATE "C" NOT NULL,
    message_id  text COLLATE "C",
    subject     text NOT NULL,
    facts       json NOT NULL     -- everything else: see package facts
);
CREATE INDEX interactions_occurred ON interactions (occurred_at);
CREATE INDEX interactions_thread ON interactions (thread);

-- What finds interactions: their keys, which are row 0, and fingerprints, which
-- several may share: rows 1 and up. Who adds one takes the next number, so of
-- two programs that do so at once one fails, and looks again.
CREATE TABLE keys (
    key         uuid NOT NULL,
    interaction uuid NOT NULL,
    n           integer NOT NULL,
    PRIMARY KEY (key, n)
);

-- What was deleted on purpose leaves digests, so that capture keeps it out.
CREATE TABLE tombstones (
    key       uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL
);
CREATE TABLE fingerprint_tombstones (
    fingerprint uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    erased_at   timestamptz NOT NULL,
    PRIMARY KEY (fingerprint, occurred_at)
);

-- The places where interactions were seen.
CREATE TABLE evidence (
    stream      bigint NOT NULL,
    seen_at     timestamptz NOT NULL,
    interaction uuid NOT NULL,
    gone        boolean NOT NULL DEFAULT false,
    ref         text COLLATE "C" NOT NULL,
    PRIMARY KEY (stream, ref)
);
CREATE INDEX evidence_interaction ON evidence (interaction);

-- The links of interactions the other way round: what happened with a contact.
CREATE TABLE timeline (
    contact     uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    interaction uuid NOT NULL,
    PRIMARY KEY (contact, occurred_at, interaction)
);

-- Threads are sets of Message-ID digests: see store.Thread. A thread that has
-- become part of another one points at it; that one points nowhere. Programs
-- take labels for new threads by the block.
CREATE TABLE message_ids (
    hash   bigint PRIMARY KEY,
    thread bigint NOT NULL
);
CREATE TABLE threads (
    n      bigint PRIMARY KEY,
    parent bigint,
    root   bigint NOT NULL,
    least  bigint NOT NULL,
    merged integer NOT NULL DEFAULT 0, -- how many point at it
    heads  bytea                       -- NULL: the root is the only one
);
CREATE INDEX threads_parent ON threads (parent) WHERE parent IS NOT NULL;
CREATE SEQUENCE thread_labels INCREMENT BY 1024;

-- Delivery reports of messages that are not recorded, or not yet: a mailbox is
-- read newest first, so the report mostly comes before the message.
CREATE TABLE bounces (
    hash   bigint PRIMARY KEY, -- of the Message-ID
    status text NOT NULL       -- RFC 3463
);
