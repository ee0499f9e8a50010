-- +goose Up

-- What is planned, by its end: the minute's look for what has taken place.
CREATE INDEX interactions_planned ON interactions (facts ->> '$.ended[0]') WHERE status = 'planned';
INSERT INTO meta VALUES ('concluded', 0); -- when that was last done
