-- +goose Up

-- Conventions. Times are microseconds since 1970, UTC. An id (UUIDv7) is two
-- integers: n, its first half, which holds its time and is the row's number,
-- and tail, its second half; so ids need no index of their own and rows are
-- appended. Lists that no query looks into are JSON. References into the big
-- tables are no foreign keys: checking them costs a look-up per row written.

-- A second program that has waited for this migration fails here, not halfway.
CREATE UNIQUE INDEX goose_once ON goose_db_version (version_id);

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
INSERT INTO meta VALUES ('contacts_version', 0);

CREATE TABLE accounts (
    name         TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    owner        TEXT NOT NULL,
    schedule     TEXT NOT NULL,
    settings     TEXT NOT NULL,
    state        TEXT NOT NULL,
    next_poll    INTEGER,
    last_poll    INTEGER,
    last_success INTEGER,
    attempts     INTEGER NOT NULL DEFAULT 0,
    error        TEXT NOT NULL DEFAULT '',
    error_since  INTEGER,
    leased_until INTEGER
) WITHOUT ROWID, STRICT;

-- A stream outlives its account, so that one that comes back goes on from there.
CREATE TABLE streams (
    n            INTEGER PRIMARY KEY,
    account      TEXT NOT NULL,
    name         TEXT NOT NULL,
    cursor       TEXT NOT NULL DEFAULT '',
    recorded     INTEGER NOT NULL DEFAULT 0,
    skipped      TEXT NOT NULL DEFAULT '{}', -- reason: count
    backfilled   REAL NOT NULL DEFAULT 0,
    last_success INTEGER,
    error        TEXT NOT NULL DEFAULT '',
    UNIQUE (account, name)
) STRICT;

CREATE TABLE quarantine (
    stream   INTEGER NOT NULL REFERENCES streams (n),
    ref      TEXT NOT NULL,
    cause    TEXT NOT NULL,
    since    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    PRIMARY KEY (stream, ref)
) WITHOUT ROWID, STRICT;

CREATE TABLE interactions (
    n           INTEGER PRIMARY KEY,
    tail        INTEGER NOT NULL,
    keys        BLOB NOT NULL,    -- its own, then those of copies found by fingerprint, 16 bytes each
    fingerprint BLOB,
    kind        TEXT NOT NULL,
    status      TEXT NOT NULL,
    direction   TEXT NOT NULL,
    owner       TEXT NOT NULL,
    template    TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    zone        INTEGER NOT NULL, -- seconds east of UTC
    thread      INTEGER NOT NULL, -- threads.n
    message_id  TEXT,
    subject     TEXT NOT NULL,
    facts       TEXT NOT NULL     -- everything else: see facts.go
) STRICT;
CREATE INDEX interactions_occurred ON interactions (occurred_at);
CREATE INDEX interactions_thread ON interactions (thread);
CREATE INDEX interactions_fingerprint ON interactions (fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE keys (
    key         BLOB PRIMARY KEY,
    interaction INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- What was deleted on purpose leaves digests, so that capture keeps it out.
CREATE TABLE tombstones (
    key       BLOB PRIMARY KEY,
    erased_at INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE fingerprint_tombstones (
    fingerprint BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    erased_at   INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, occurred_at)
) WITHOUT ROWID, STRICT;

-- The places where interactions were seen.
CREATE TABLE evidence (
    stream      INTEGER NOT NULL,
    ref         TEXT NOT NULL,
    interaction INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    gone        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, ref)
) WITHOUT ROWID, STRICT;
CREATE INDEX evidence_interaction ON evidence (interaction);

-- The links of interactions the other way round: what happened with a contact.
CREATE TABLE timeline (
    contact     INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    interaction INTEGER NOT NULL,
    PRIMARY KEY (contact, occurred_at, interaction)
) WITHOUT ROWID, STRICT;

-- Threads are sets of Message-ID digests: see store.Thread. A thread that has
-- become part of another one points at it; that one points nowhere.
CREATE TABLE message_ids (
    hash   INTEGER PRIMARY KEY,
    thread INTEGER NOT NULL
) STRICT;
CREATE TABLE threads (
    n      INTEGER PRIMARY KEY,
    parent INTEGER,
    merged INTEGER NOT NULL DEFAULT 0, -- how many point at it
    root   INTEGER NOT NULL,
    least  INTEGER NOT NULL,
    heads  BLOB                        -- NULL: the root is the only one
) STRICT;
CREATE INDEX threads_parent ON threads (parent) WHERE parent IS NOT NULL;

-- Delivery reports of messages that are not recorded, or not yet: a mailbox is
-- read newest first, so the report mostly comes before the message.
CREATE TABLE bounces (
    hash   INTEGER PRIMARY KEY, -- of the Message-ID
    status TEXT NOT NULL        -- RFC 3463
) STRICT;

CREATE TABLE contacts (
    n            INTEGER PRIMARY KEY,
    tail         INTEGER NOT NULL,
    type         TEXT NOT NULL,
    source       TEXT NOT NULL,
    external_id  TEXT NOT NULL,
    name         TEXT NOT NULL,
    folded       TEXT NOT NULL, -- the name without regard to case
    company      INTEGER REFERENCES contacts (n),
    never_record INTEGER NOT NULL,
    archived     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    facts        TEXT NOT NULL  -- everything else: see facts.go
) STRICT;
CREATE UNIQUE INDEX contacts_external ON contacts (external_id, source) WHERE external_id <> '';
CREATE INDEX contacts_folded ON contacts (folded);
CREATE INDEX contacts_company ON contacts (company) WHERE company IS NOT NULL;

-- E-mail addresses and phone numbers.
CREATE TABLE addresses (
    address TEXT NOT NULL,
    contact INTEGER NOT NULL,
    PRIMARY KEY (address, contact)
) WITHOUT ROWID, STRICT;
