-- +goose Up

-- Matching asks for these, of which there are few.
CREATE INDEX forgotten_erased ON forgotten (digest) WHERE why = 'erased';
