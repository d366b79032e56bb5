-- What is to be told to people and is not delivered yet, and what was told.
--
-- No records: nothing here is chained. A letter is gone once it is delivered or given up, and the applicants' words in it
-- are erased with all others by `audit redact`.

PRAGMA user_version = 5;

CREATE TABLE letters (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    made_at     INTEGER NOT NULL,                           -- when it was true
    target      TEXT NOT NULL,                              -- the name of a [[notify]]
    event       TEXT NOT NULL,
    notice      TEXT NOT NULL,                              -- JSON: counts and names of ours
    words       TEXT,                                       -- JSON: what applicants wrote; NULL = left out, or erased
    words_since INTEGER                                     -- the oldest decision they belong to
) STRICT;

CREATE INDEX letters_by_target ON letters (target, id);

-- What each was told of, so that nothing is told twice and nothing is forgotten by a crash.
CREATE TABLE told (
    target TEXT NOT NULL,
    event  TEXT NOT NULL,
    key    TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (target, event, key)
) STRICT, WITHOUT ROWID;
