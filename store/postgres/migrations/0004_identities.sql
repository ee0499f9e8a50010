-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- Addresses that seem to be ours, and what was decided about them.
CREATE TABLE identities (
    address    text COLLATE "C" PRIMARY KEY,
    owner      text NOT NULL,
    state      text NOT NULL,
    sent       integer NOT NULL, -- interactions that speak for it, by rule
    plus       integer NOT NULL,
    delivered  integer NOT NULL,
    last_seen  timestamptz,
    decided_at timestamptz
);

-- Whose domain is it? The local part has no @ in practice; where it has one, in
-- quotes, the address is found by itself only.
CREATE INDEX addresses_domain ON addresses (split_part(address, '@', 2)) WHERE address LIKE '%@%';
