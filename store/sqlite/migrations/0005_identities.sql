-- +goose Up

-- Addresses that seem to be ours, and what was decided about them.
CREATE TABLE identities (
    address    TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    state      TEXT NOT NULL,
    sent       INTEGER NOT NULL, -- interactions that speak for it, by rule
    plus       INTEGER NOT NULL,
    delivered  INTEGER NOT NULL,
    last_seen  INTEGER,
    decided_at INTEGER
) WITHOUT ROWID, STRICT;

-- Whose domain is it? The local part has no @ in practice; where it has one, in
-- quotes, the address is found by itself only.
CREATE INDEX addresses_domain ON addresses (substr(address, instr(address, '@') + 1)) WHERE instr(address, '@') > 0;
