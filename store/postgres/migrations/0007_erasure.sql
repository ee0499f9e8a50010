-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- Matching asks for these, of which there are few.
CREATE INDEX forgotten_erased ON forgotten (digest) WHERE why = 'erased';
