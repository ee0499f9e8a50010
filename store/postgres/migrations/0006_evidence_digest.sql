-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- What was captured at a place, see capture.Digest: the same again has nothing to add.
-- NULL: not known, or the interaction was revised since.
ALTER TABLE evidence ADD COLUMN digest bigint;
