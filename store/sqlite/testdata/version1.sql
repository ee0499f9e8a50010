-- A database with schema version 1 and a little of everything in it.
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
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
CREATE TABLE streams (
    n            INTEGER PRIMARY KEY,
    account      TEXT NOT NULL,
    name         TEXT NOT NULL,
    cursor       TEXT NOT NULL DEFAULT '',
    recorded     INTEGER NOT NULL DEFAULT 0,
    skipped      TEXT NOT NULL DEFAULT '{}',
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
    keys        BLOB NOT NULL,
    fingerprint BLOB,
    kind        TEXT NOT NULL,
    status      TEXT NOT NULL,
    direction   TEXT NOT NULL,
    owner       TEXT NOT NULL,
    template    TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    zone        INTEGER NOT NULL,
    thread      INTEGER NOT NULL,
    message_id  TEXT,
    subject     TEXT NOT NULL,
    facts       TEXT NOT NULL
) STRICT;
CREATE TABLE keys (
    key         BLOB PRIMARY KEY,
    interaction INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
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
CREATE TABLE evidence (
    stream      INTEGER NOT NULL,
    ref         TEXT NOT NULL,
    interaction INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    gone        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, ref)
) WITHOUT ROWID, STRICT;
CREATE TABLE timeline (
    contact     INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    interaction INTEGER NOT NULL,
    PRIMARY KEY (contact, occurred_at, interaction)
) WITHOUT ROWID, STRICT;
CREATE TABLE message_ids (
    hash   INTEGER PRIMARY KEY,
    thread INTEGER NOT NULL
) STRICT;
CREATE TABLE threads (
    n      INTEGER PRIMARY KEY,
    parent INTEGER,
    merged INTEGER NOT NULL DEFAULT 0,
    root   INTEGER NOT NULL,
    least  INTEGER NOT NULL,
    heads  BLOB
) STRICT;
CREATE TABLE bounces (
    hash   INTEGER PRIMARY KEY,
    status TEXT NOT NULL
) STRICT;
CREATE TABLE contacts (
    n            INTEGER PRIMARY KEY,
    tail         INTEGER NOT NULL,
    type         TEXT NOT NULL,
    source       TEXT NOT NULL,
    external_id  TEXT NOT NULL,
    name         TEXT NOT NULL,
    folded       TEXT NOT NULL,
    company      INTEGER REFERENCES contacts (n),
    never_record INTEGER NOT NULL,
    archived     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    facts        TEXT NOT NULL
) STRICT;
CREATE TABLE addresses (
    address TEXT NOT NULL,
    contact INTEGER NOT NULL,
    PRIMARY KEY (address, contact)
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX goose_once ON goose_db_version (version_id);
CREATE INDEX interactions_occurred ON interactions (occurred_at);
CREATE INDEX interactions_thread ON interactions (thread);
CREATE INDEX interactions_fingerprint ON interactions (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX evidence_interaction ON evidence (interaction);
CREATE INDEX threads_parent ON threads (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX contacts_external ON contacts (external_id, source) WHERE external_id <> '';
CREATE INDEX contacts_folded ON contacts (folded);
CREATE INDEX contacts_company ON contacts (company) WHERE company IS NOT NULL;
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, 1, '2026-11-23 19:19:26');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 1, 1, '2026-11-23 19:19:26');
INSERT INTO meta (name, value) VALUES ('contacts_version', 1);
INSERT INTO accounts (name, kind, owner, schedule, settings, state, next_poll, last_poll, last_success, attempts, error, error_since, leased_until) VALUES ('alice', 'imap', 'alice@example.test', '@every 5m', 'digest', 'failing', 1795428900000000, NULL, NULL, 2, 'reset', 1795425300000000, NULL);
INSERT INTO streams (n, account, name, cursor, recorded, skipped, backfilled, last_success, error) VALUES (1, 'alice', 'Sent', '1', 4, '{"bulk":7}', 0.5, NULL, '');
INSERT INTO streams (n, account, name, cursor, recorded, skipped, backfilled, last_success, error) VALUES (2, 'alice', 'INBOX', '11', 2, '{}', 0.0, NULL, '');
INSERT INTO quarantine (stream, ref, cause, since, attempts, next_try) VALUES (1, '7:9', 'bad header', 1795425300000000, 1, 1795426200000000);
INSERT INTO interactions (n, tail, keys, fingerprint, kind, status, direction, owner, template, occurred_at, zone, thread, message_id, subject, facts) VALUES (117664992460828675, -8567670166040807060, X'6B86B273FF34FCE19D6B804EFF5A3F5704D96D8A91EA74AA0EC9ADB2F390D4F0', X'3F524CDC07A11D7C6220BDB049FE8DD4', 'email', 'recorded', 'outbound', 'alice@example.test', 'EMAIL_OUT', 1795425300000000, 3600, 1, '<1@client.test>', 'Offer 4711', '{"by":"us","rule":"author","group":"EMAIL","who":[{"r":"from","a":"alice@example.test","n":"Alice"},{"r":"to","a":"ann@client.test","n":"Ann Doe"}],"links":[{"c":117664992460828673,"r":"to","p":2}],"attachments":[{"name":"offer.pdf","media_type":"application/pdf","size":48123}],"flags":["date_source=internal"],"ids":["\u003crewritten@client.test\u003e"],"delivery":"sent","via":"email"}');
INSERT INTO interactions (n, tail, keys, fingerprint, kind, status, direction, owner, template, occurred_at, zone, thread, message_id, subject, facts) VALUES (117664992460828676, -4930298386808035654, X'D4735E3A265E16EEE03F59718B9B5D03', X'E4AB4E3B1493D5A997B4E51CDEFBAA10', 'email', 'recorded', 'outbound', 'alice@example.test', 'EMAIL_OUT', 1795425300000000, 3600, 1, '<2@client.test>', 'Offer 4711', '{"by":"us","rule":"author","group":"EMAIL","who":[{"r":"from","a":"alice@example.test","n":"Alice"},{"r":"to","a":"ann@client.test","n":"Ann Doe"}],"links":[{"c":117664992460828673,"r":"to","p":2}],"attachments":[{"name":"offer.pdf","media_type":"application/pdf","size":48123}],"flags":["date_source=internal"],"delivery":"bounced","delivery_reason":"no such user","via":"email"}');
INSERT INTO interactions (n, tail, keys, fingerprint, kind, status, direction, owner, template, occurred_at, zone, thread, message_id, subject, facts) VALUES (117664992460828678, -9165397430529007051, X'4B227777D4DD1FC61C6F884F48641D02', X'608CDB524384F5EE06EDC2830D6B13A9', 'email', 'recorded', 'outbound', 'alice@example.test', 'EMAIL_OUT', 1795425300000000, 3600, 3, '<4@client.test>', 'Offer 4711', '{"by":"us","rule":"author","group":"EMAIL","who":[{"r":"from","a":"alice@example.test","n":"Alice"},{"r":"to","a":"ann@client.test","n":"Ann Doe"}],"links":[{"c":117664992460828673,"r":"to","p":2}],"attachments":[{"name":"offer.pdf","media_type":"application/pdf","size":48123}],"flags":["date_source=internal"],"delivery":"sent","via":"email"}');
INSERT INTO interactions (n, tail, keys, fingerprint, kind, status, direction, owner, template, occurred_at, zone, thread, message_id, subject, facts) VALUES (117664992460828679, -5629037193832063086, X'6F595EBA3F46CEAA9FD0B0A93CB363CA', X'C0124AA0104ECE1195A14869B5CBB862', 'email', 'recorded', 'outbound', 'alice@example.test', 'EMAIL_OUT', 1795425300000000, 3600, 1, '<tie@client.test>', 'Offer 4711', '{"by":"us","rule":"author","group":"EMAIL","who":[{"r":"from","a":"alice@example.test","n":"Alice"},{"r":"to","a":"ann@client.test","n":"Ann Doe"}],"links":[{"c":117664992460828673,"r":"to","p":2}],"attachments":[{"name":"offer.pdf","media_type":"application/pdf","size":48123}],"flags":["date_source=internal"],"delivery":"sent","via":"email"}');
INSERT INTO keys (key, interaction) VALUES (X'04D96D8A91EA74AA0EC9ADB2F390D4F0', 117664992460828675);
INSERT INTO keys (key, interaction) VALUES (X'4B227777D4DD1FC61C6F884F48641D02', 117664992460828678);
INSERT INTO keys (key, interaction) VALUES (X'6B86B273FF34FCE19D6B804EFF5A3F57', 117664992460828675);
INSERT INTO keys (key, interaction) VALUES (X'6F595EBA3F46CEAA9FD0B0A93CB363CA', 117664992460828679);
INSERT INTO keys (key, interaction) VALUES (X'D4735E3A265E16EEE03F59718B9B5D03', 117664992460828676);
INSERT INTO tombstones (key, erased_at) VALUES (X'1DD9FB612AAC31ECCDB1690A1CE14107', 1795425300000000);
INSERT INTO fingerprint_tombstones (fingerprint, occurred_at, erased_at) VALUES (X'FFD98F3E7F10E410CC670061246A1F6E', 1795425300000000, 1795425300000000);
INSERT INTO evidence (stream, ref, interaction, seen_at, gone) VALUES (1, '7:1', 117664992460828675, 1795425300000000, 0);
INSERT INTO evidence (stream, ref, interaction, seen_at, gone) VALUES (1, '7:2', 117664992460828676, 1795425300000000, 0);
INSERT INTO evidence (stream, ref, interaction, seen_at, gone) VALUES (1, '7:4', 117664992460828678, 1795425300000000, 0);
INSERT INTO evidence (stream, ref, interaction, seen_at, gone) VALUES (2, '3:1', 117664992460828675, 1795425300000000, 1);
INSERT INTO evidence (stream, ref, interaction, seen_at, gone) VALUES (2, '3:2', 117664992460828679, 1795425300000000, 0);
INSERT INTO timeline (contact, occurred_at, interaction) VALUES (117664992460828673, 1795425300000000, 117664992460828675);
INSERT INTO timeline (contact, occurred_at, interaction) VALUES (117664992460828673, 1795425300000000, 117664992460828676);
INSERT INTO timeline (contact, occurred_at, interaction) VALUES (117664992460828673, 1795425300000000, 117664992460828678);
INSERT INTO timeline (contact, occurred_at, interaction) VALUES (117664992460828673, 1795425300000000, 117664992460828679);
INSERT INTO message_ids (hash, thread) VALUES (-6360013958096073498, 1);
INSERT INTO message_ids (hash, thread) VALUES (-5785842262497606126, 3);
INSERT INTO message_ids (hash, thread) VALUES (-4865226033034687654, 1);
INSERT INTO message_ids (hash, thread) VALUES (3302251356237691603, 2);
INSERT INTO message_ids (hash, thread) VALUES (3640951097372883293, 1);
INSERT INTO message_ids (hash, thread) VALUES (4097279005156843315, 1);
INSERT INTO threads (n, parent, merged, root, least, heads) VALUES (1, NULL, 1, -4865226033034687654, -6360013958096073498, X'BC7B3EB334FC0B5A328741BB837AB95D');
INSERT INTO threads (n, parent, merged, root, least, heads) VALUES (2, NULL, 0, 3302251356237691603, 3302251356237691603, NULL);
INSERT INTO threads (n, parent, merged, root, least, heads) VALUES (3, 1, 0, -5785842262497606126, -5785842262497606126, NULL);
INSERT INTO bounces (hash, status) VALUES (-4613694830216675753, '5.1.1');
INSERT INTO contacts (n, tail, type, source, external_id, name, folded, company, never_record, archived, created_at, updated_at, facts) VALUES (117664992460828672, -4771574290013737010, 'company', 'csv', '', 'Acme', 'acme', NULL, 0, 0, 1795425300000000, 1795425300000000, '{}');
INSERT INTO contacts (n, tail, type, source, external_id, name, folded, company, never_record, archived, created_at, updated_at, facts) VALUES (117664992460828673, -7830644062598932979, 'person', 'csv', 'P1', 'Ann Doe', 'ann doe', 117664992460828672, 0, 0, 1795425300000000, 1795425300000000, '{"first":"Ann","last":"Doe","emails":["ann@client.test","ann@home.test"],"phones":["+3225551234"],"tags":["vip"]}');
INSERT INTO contacts (n, tail, type, source, external_id, name, folded, company, never_record, archived, created_at, updated_at, facts) VALUES (117664992460828674, -5257685908797017293, 'person', 'csv', 'P2', 'Bob Ünal', 'bob ünal', NULL, 1, 0, 1795425300000000, 1795425300000000, '{"emails":["bob@client.test"]}');
INSERT INTO addresses (address, contact) VALUES ('+3225551234', 117664992460828673);
INSERT INTO addresses (address, contact) VALUES ('ann@client.test', 117664992460828673);
INSERT INTO addresses (address, contact) VALUES ('ann@home.test', 117664992460828673);
INSERT INTO addresses (address, contact) VALUES ('bob@client.test', 117664992460828674);
