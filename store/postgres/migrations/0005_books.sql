-- +goose Up

SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(118100668710913);

-- The cards of address books, and the contacts that they show. A contact that
-- does not exist any more was removed on purpose.
CREATE TABLE cards (
    stream  bigint NOT NULL,
    contact uuid NOT NULL,
    gone_at timestamptz,  -- when it was found to be gone; its contact is looked after at the end of that run
    ref     text COLLATE "C" NOT NULL,
    uid     text COLLATE "C" NOT NULL,
    facts   text NOT NULL, -- what the card says, and what the contact has of it
    PRIMARY KEY (stream, ref, uid)
);
CREATE INDEX cards_uid ON cards (uid);
CREATE INDEX cards_contact ON cards (contact);
CREATE INDEX cards_gone ON cards (stream, gone_at) WHERE gone_at IS NOT NULL;

-- Cards that name others.
CREATE TABLE card_groups (
    stream bigint NOT NULL,
    org    boolean NOT NULL, -- it is the card of a company too
    ref    text COLLATE "C" NOT NULL,
    uid    text COLLATE "C" NOT NULL,
    name   text NOT NULL,
    PRIMARY KEY (stream, ref, uid)
);
CREATE TABLE card_members (
    stream bigint NOT NULL,
    ref    text COLLATE "C" NOT NULL,
    uid    text COLLATE "C" NOT NULL,
    member text COLLATE "C" NOT NULL, -- the uid of a card
    PRIMARY KEY (stream, ref, uid, member)
);
CREATE INDEX card_members_member ON card_members (member);
