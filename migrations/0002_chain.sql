-- The records are chained: whoever edits, removes, inserts or reorders one is found out by `menshen audit verify`.
--
-- Records are decisions, calls, settlements, brakes, proofs, rulesets and redactions. Each has one entry
-- in chain, written in the same transaction. docs/audit.md says how to compute an entry yourself.

PRAGMA user_version = 2;

-- rulesets and proofs get numbers of their own: an entry of the chain names a record by its kind and number, and
-- SQLite may give a row without one another place.
CREATE TABLE numbered_rulesets (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          TEXT NOT NULL UNIQUE,
    engine        TEXT NOT NULL,                            -- version of folding and rules that gave the hash
    spec          TEXT NOT NULL CHECK (json_valid(spec)),
    first_used_at INTEGER NOT NULL
) STRICT;
INSERT INTO numbered_rulesets (hash, engine, spec, first_used_at) SELECT hash, engine, spec, first_used_at FROM rulesets ORDER BY rowid;
DROP TABLE rulesets;
ALTER TABLE numbered_rulesets RENAME TO rulesets;

CREATE TABLE numbered_proofs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account_appid TEXT NOT NULL,
    base_url      TEXT NOT NULL,
    action        TEXT NOT NULL CHECK (action IN ('agree', 'refuse', 'delete')),
    decision_id   INTEGER NOT NULL REFERENCES decisions (id),
    at            INTEGER NOT NULL,
    UNIQUE (account_appid, base_url, action)
) STRICT;
INSERT INTO numbered_proofs (account_appid, base_url, action, decision_id, at)
SELECT account_appid, base_url, action, decision_id, at FROM proofs ORDER BY rowid;
DROP TABLE proofs;
ALTER TABLE numbered_proofs RENAME TO proofs;

CREATE TRIGGER proofs_keep   BEFORE UPDATE ON proofs   BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER proofs_stay   BEFORE DELETE ON proofs   BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER proofs_once   BEFORE INSERT ON proofs   WHEN EXISTS (SELECT 1 FROM proofs WHERE id = NEW.id OR (account_appid, base_url, action) = (NEW.account_appid, NEW.base_url, NEW.action))
                                                       BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER rulesets_keep BEFORE UPDATE ON rulesets BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER rulesets_stay BEFORE DELETE ON rulesets BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER rulesets_once BEFORE INSERT ON rulesets WHEN EXISTS (SELECT 1 FROM rulesets WHERE id = NEW.id OR hash = NEW.hash)
                                                       BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER brakes_once   BEFORE INSERT ON brakes   WHEN EXISTS (SELECT 1 FROM brakes WHERE id = NEW.id OR lifts = NEW.lifts)
                                                       BEGIN SELECT RAISE(ABORT, 'brakes is append-only'); END;

-- Record: applicants' words were erased, by whom, and of which decisions: those before an instant.
CREATE TABLE redactions (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    who    TEXT NOT NULL,
    before INTEGER NOT NULL
) STRICT;

CREATE TRIGGER redactions_keep BEFORE UPDATE ON redactions BEGIN SELECT RAISE(ABORT, 'redactions is append-only'); END;
CREATE TRIGGER redactions_stay BEFORE DELETE ON redactions BEGIN SELECT RAISE(ABORT, 'redactions is append-only'); END;
CREATE TRIGGER redactions_once BEFORE INSERT ON redactions WHEN EXISTS (SELECT 1 FROM redactions WHERE id = NEW.id)
                                                           BEGIN SELECT RAISE(ABORT, 'redactions is append-only'); END;

-- The decision commits to its words by a seal: SHA-256 over a random salt and the words. The salt is erased with the
-- words, so that the seal tells nothing about them any more; the seal stays and is part of the decision's content.
ALTER TABLE words ADD COLUMN salt BLOB CHECK (length(salt) = 16);
ALTER TABLE words ADD COLUMN seal BLOB CHECK (length(seal) = 32);

-- One entry for every record, in the order they were written.
CREATE TABLE chain (
    sequence INTEGER PRIMARY KEY,                           -- 1, 2, 3 …
    kind     TEXT NOT NULL,                                 -- the table of the record
    record   INTEGER NOT NULL,                              -- its id
    content  BLOB NOT NULL CHECK (length(content) = 32),    -- SHA-256 over its columns
    hash     BLOB NOT NULL CHECK (length(hash) = 32)        -- SHA-256 over the entry before, and this one
) STRICT;

CREATE TRIGGER chain_keep    BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE TRIGGER chain_stay    BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE TRIGGER chain_follows BEFORE INSERT ON chain WHEN NEW.sequence <> (SELECT ifnull(max(sequence), 0) + 1 FROM chain)
                             BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;

-- Words are sealed once and erased once; nothing else may become of them.
CREATE TRIGGER words_stay BEFORE DELETE ON words BEGIN SELECT RAISE(ABORT, 'words may be erased, but their row stays'); END;
CREATE TRIGGER words_once BEFORE INSERT ON words WHEN EXISTS (SELECT 1 FROM words WHERE decision_id = NEW.decision_id)
                          BEGIN SELECT RAISE(ABORT, 'words is not written twice'); END;
CREATE TRIGGER words_keep BEFORE UPDATE ON words
WHEN NEW.decision_id IS NOT OLD.decision_id
  OR NOT (OLD.seal IS NULL AND (NEW.nickname, NEW.reason, NEW.message, NEW.why, NEW.headimgurl, NEW.apply_url)
          IS (OLD.nickname, OLD.reason, OLD.message, OLD.why, OLD.headimgurl, OLD.apply_url))
 AND NOT (NEW.seal IS OLD.seal AND coalesce(NEW.nickname, NEW.reason, NEW.message, NEW.why, NEW.headimgurl, NEW.apply_url, NEW.salt) IS NULL)
BEGIN SELECT RAISE(ABORT, 'words may be erased with their salt, and not be changed'); END;
