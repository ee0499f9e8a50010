-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- What is planned, by its end: the minute's look for what has taken place.
CREATE INDEX interactions_planned ON interactions (((facts -> 'ended' ->> 0)::bigint)) WHERE status = 'planned';
INSERT INTO meta VALUES ('concluded', 0); -- when that was last done
