-- +goose Up

-- The cards of address books, and the contacts that they show. A contact that
-- does not exist any more was removed on purpose.
CREATE TABLE cards (
    stream  INTEGER NOT NULL,
    ref     TEXT NOT NULL,
    uid     TEXT NOT NULL,
    contact INTEGER NOT NULL, -- the two halves of its id
    tail    INTEGER NOT NULL,
    facts   TEXT NOT NULL,    -- what the card says, and what the contact has of it
    gone_at INTEGER,          -- when it was found to be gone; its contact is looked after at the end of that run
    PRIMARY KEY (stream, ref, uid)
) WITHOUT ROWID, STRICT;
CREATE INDEX cards_uid ON cards (uid);
CREATE INDEX cards_contact ON cards (contact);
CREATE INDEX cards_gone ON cards (stream, gone_at) WHERE gone_at IS NOT NULL;

-- Cards that name others.
CREATE TABLE card_groups (
    stream INTEGER NOT NULL,
    ref    TEXT NOT NULL,
    uid    TEXT NOT NULL,
    name   TEXT NOT NULL,
    org    INTEGER NOT NULL, -- it is the card of a company too
    PRIMARY KEY (stream, ref, uid)
) WITHOUT ROWID, STRICT;
CREATE TABLE card_members (
    stream INTEGER NOT NULL,
    ref    TEXT NOT NULL,
    uid    TEXT NOT NULL,
    member TEXT NOT NULL, -- the uid of a card
    PRIMARY KEY (stream, ref, uid, member)
) WITHOUT ROWID, STRICT;
CREATE INDEX card_members_member ON card_members (member);
