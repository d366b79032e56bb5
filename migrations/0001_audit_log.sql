-- menshen's audit log. Query it with plain sqlite3; start with:
--
--     SELECT * FROM audit_log ORDER BY id DESC LIMIT 20;
--
-- Three tables are records, written once and never changed: decisions (what was
-- decided), calls (what was sent to WeChat and what came back), settlements (how
-- a decision stood, one row for every time that changed). words holds what the
-- applicants wrote and may be erased; standing, rollup and spending are folded
-- from the records by triggers, in the same transaction, and could be rebuilt.
--
-- Every instant is in milliseconds since 1970-01-01 UTC.

PRAGMA application_id = 1835363955; -- "mens"
PRAGMA user_version = 1;            -- the newest migration that ran

-- The effective rules of an account, kept once by their hash.
CREATE TABLE rulesets (
    hash          TEXT NOT NULL UNIQUE,
    engine        TEXT NOT NULL,                            -- version of folding and rules that gave the hash
    spec          TEXT NOT NULL CHECK (json_valid(spec)),
    first_used_at INTEGER NOT NULL
) STRICT;

-- Record: one row for every decision. No words of an applicant stand here.
CREATE TABLE decisions (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    decided_at       INTEGER NOT NULL,
    decided_day      TEXT NOT NULL,                         -- calendar day in the service's time zone, 2026-11-22
    account          TEXT NOT NULL,                         -- our name for it
    account_appid    TEXT NOT NULL,                         -- WeChat's
    base_url         TEXT NOT NULL,                         -- which WeChat: the real one, or a sandbox
    appid            TEXT NOT NULL,                         -- the applicant
    create_time      TEXT,                                  -- as received; NULL = none was sent
    create_time_secs INTEGER,                               -- the same as Unix seconds; NULL = unreadable
    categories       TEXT NOT NULL CHECK (json_valid(categories)),
    malformed        TEXT CHECK (json_valid(malformed)),    -- WeChat's names of fields of a wrong kind; NULL = none
    verdict          TEXT NOT NULL CHECK (verdict IN ('agree', 'refuse', 'hold', 'delete')),
    rule             TEXT,
    mode             TEXT NOT NULL CHECK (mode IN ('live', 'shadow')),
    actor            TEXT NOT NULL,
    brake            TEXT,
    unknown_rules    TEXT NOT NULL CHECK (json_valid(unknown_rules)),
    pass             TEXT NOT NULL,
    ruleset          TEXT NOT NULL                          -- rulesets.hash; empty when no rules were asked
) STRICT;

-- "What do we know of this application": appid first, so that one applicant is found in any account too.
CREATE INDEX decisions_by_appid   ON decisions (appid, account_appid, create_time);
-- The newest rows with one property; decided_at behind it serves since and until.
CREATE INDEX decisions_by_time    ON decisions (decided_at);
CREATE INDEX decisions_by_account ON decisions (account, decided_at);
CREATE INDEX decisions_by_verdict ON decisions (verdict, decided_at);
CREATE INDEX decisions_by_rule    ON decisions (rule, decided_at)  WHERE rule IS NOT NULL;
CREATE INDEX decisions_by_brake   ON decisions (brake, decided_at) WHERE brake IS NOT NULL;

-- Not a record: what applicants wrote, and what we wrote with it. Erasing sets the columns to NULL.
CREATE TABLE words (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    nickname    TEXT,
    reason      TEXT,
    message     TEXT,                                       -- may quote the nickname
    why         TEXT CHECK (json_valid(why)),               -- may quote what was found in the reason
    headimgurl  TEXT,
    apply_url   TEXT
) STRICT;

-- Record: one row for every call that was made, or was to be made, for a decision.
CREATE TABLE calls (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    attempt     INTEGER NOT NULL CHECK (attempt > 0),
    action      TEXT NOT NULL CHECK (action IN ('agree', 'refuse', 'delete')),
    sent_at     INTEGER NOT NULL,
    took_ms     INTEGER NOT NULL,
    fate        TEXT NOT NULL CHECK (fate IN ('accepted', 'rejected', 'lost', 'unsent')),
    http_status INTEGER,
    errcode     INTEGER,
    errmsg      TEXT,
    rid         TEXT,
    UNIQUE (decision_id, attempt)
) STRICT;

-- Record: how a decision stood, each time that changed. 'planned' is written and
-- durable before its call is sent; a second 'planned' announces a second attempt.
CREATE TABLE settlements (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    at          INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('planned', 'done', 'overtaken', 'held', 'shadow', 'failed')),
    attempt     INTEGER NOT NULL,                           -- 0 where nothing is to be sent
    note        TEXT
) STRICT;

CREATE INDEX settlements_by_decision ON settlements (decision_id);

-- Folded: how each decision stands now.
CREATE TABLE standing (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    decided_at  INTEGER NOT NULL,                           -- of the decision, for the index below
    outcome     TEXT NOT NULL,
    attempt     INTEGER NOT NULL,                           -- the last one announced
    attempts    INTEGER NOT NULL,                           -- those that were or may have been sent
    errcode     INTEGER,                                    -- of the last call
    errmsg      TEXT,
    settled_at  INTEGER                                     -- NULL while planned
) STRICT;

CREATE INDEX standing_by_outcome ON standing (outcome, decided_at);

-- Folded: how many decisions of each kind a day brought. n may come down to 0.
CREATE TABLE rollup (
    day     TEXT NOT NULL,
    account TEXT NOT NULL,
    verdict TEXT NOT NULL,
    rule    TEXT NOT NULL,                                  -- empty = no rule
    outcome TEXT NOT NULL,
    n       INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (day, account, verdict, rule, outcome)
) STRICT, WITHOUT ROWID;

-- Places taken of the limits. A retry keeps its place; it is given back only if nothing was sent.
CREATE TABLE allowance (
    decision_id   INTEGER PRIMARY KEY REFERENCES decisions (id),
    account_appid TEXT NOT NULL,
    action        TEXT NOT NULL,
    day           TEXT NOT NULL,
    rule          TEXT
) STRICT;

-- Folded: how many places of a day's limit are taken.
CREATE TABLE spending (
    account_appid TEXT NOT NULL,
    day           TEXT NOT NULL,
    action        TEXT NOT NULL,
    n             INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (account_appid, day, action)
) STRICT, WITHOUT ROWID;

-- Record: brakes pulled and lifted. A brake is active while no row lifts it.
CREATE TABLE brakes (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    event         TEXT NOT NULL CHECK (event IN ('set', 'lifted')),
    lifts         INTEGER REFERENCES brakes (id) CHECK ((lifts IS NULL) = (event = 'set')),
    kind          TEXT NOT NULL CHECK (kind IN ('pause', 'verification')),
    account_appid TEXT,                                     -- NULL = every account
    base_url      TEXT,                                     -- NULL = every one
    action        TEXT CHECK (action IN ('agree', 'refuse', 'delete')), -- NULL = every action
    why           TEXT,
    who           TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX brakes_lifted ON brakes (lifts) WHERE lifts IS NOT NULL;

-- Record: the first agree, refuse and delete of an account that was seen to do what it should.
CREATE TABLE proofs (
    account_appid TEXT NOT NULL,
    base_url      TEXT NOT NULL,
    action        TEXT NOT NULL CHECK (action IN ('agree', 'refuse', 'delete')),
    decision_id   INTEGER NOT NULL REFERENCES decisions (id),
    at            INTEGER NOT NULL,
    PRIMARY KEY (account_appid, base_url, action)
) STRICT;

-- Folding. A settlement leaves its old cell of the roll-up and enters a new one.
CREATE TRIGGER settlements_fold AFTER INSERT ON settlements BEGIN
    UPDATE rollup SET n = n - 1
     WHERE (day, account, verdict, rule, outcome) = (
           SELECT d.decided_day, d.account, d.verdict, ifnull(d.rule, ''), s.outcome
             FROM decisions d JOIN standing s ON s.decision_id = d.id
            WHERE d.id = NEW.decision_id);
    INSERT INTO rollup (day, account, verdict, rule, outcome, n)
    SELECT decided_day, account, verdict, ifnull(rule, ''), NEW.outcome, 1
      FROM decisions WHERE id = NEW.decision_id
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO standing (decision_id, decided_at, outcome, attempt, attempts, settled_at)
    SELECT id, decided_at, NEW.outcome, NEW.attempt, NEW.outcome = 'planned', iif(NEW.outcome = 'planned', NULL, NEW.at)
      FROM decisions WHERE id = NEW.decision_id
        ON CONFLICT DO UPDATE SET outcome = excluded.outcome, attempt = excluded.attempt,
                                  attempts = attempts + excluded.attempts, settled_at = excluded.settled_at;
END;

-- An announced attempt counts as sent until its call says that nothing went out.
CREATE TRIGGER calls_fold AFTER INSERT ON calls BEGIN
    UPDATE standing SET errcode = NEW.errcode, errmsg = NEW.errmsg, attempts = attempts - (NEW.fate = 'unsent')
     WHERE decision_id = NEW.decision_id;
END;

CREATE TRIGGER allowance_taken AFTER INSERT ON allowance BEGIN
    INSERT INTO spending (account_appid, day, action, n) VALUES (NEW.account_appid, NEW.day, NEW.action, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER allowance_given_back AFTER DELETE ON allowance BEGIN
    UPDATE spending SET n = n - 1
     WHERE account_appid = OLD.account_appid AND day = OLD.day AND action = OLD.action;
END;

CREATE TRIGGER allowance_stays BEFORE UPDATE ON allowance BEGIN SELECT RAISE(ABORT, 'a place in a limit is taken or given back, not changed'); END;

-- Records are never changed and never deleted, and not replaced either.
CREATE TRIGGER decisions_keep   BEFORE UPDATE ON decisions   BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER decisions_stay   BEFORE DELETE ON decisions   BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER decisions_once   BEFORE INSERT ON decisions   WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id)
                                                             BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER calls_keep       BEFORE UPDATE ON calls       BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
CREATE TRIGGER calls_stay       BEFORE DELETE ON calls       BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
CREATE TRIGGER calls_once       BEFORE INSERT ON calls       WHEN EXISTS (SELECT 1 FROM calls WHERE id = NEW.id OR (decision_id = NEW.decision_id AND attempt = NEW.attempt))
                                                             BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
CREATE TRIGGER settlements_keep BEFORE UPDATE ON settlements BEGIN SELECT RAISE(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_stay BEFORE DELETE ON settlements BEGIN SELECT RAISE(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_once BEFORE INSERT ON settlements WHEN EXISTS (SELECT 1 FROM settlements WHERE id = NEW.id)
                                                             BEGIN SELECT RAISE(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER brakes_keep      BEFORE UPDATE ON brakes      BEGIN SELECT RAISE(ABORT, 'brakes is append-only'); END;
CREATE TRIGGER brakes_stay      BEFORE DELETE ON brakes      BEGIN SELECT RAISE(ABORT, 'brakes is append-only'); END;
CREATE TRIGGER proofs_keep      BEFORE UPDATE ON proofs      BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER proofs_stay      BEFORE DELETE ON proofs      BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER rulesets_keep    BEFORE UPDATE ON rulesets    BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER rulesets_stay    BEFORE DELETE ON rulesets    BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;

-- One row for every decision, newest last.
CREATE VIEW audit_log AS
SELECT d.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.decided_at / 1000.0, 'unixepoch') AS decided_at,
       d.account,
       d.appid,
       d.create_time_secs AS create_time,
       w.nickname,
       w.reason,
       d.categories,
       d.verdict,
       d.rule,
       w.message,
       d.mode,
       d.actor,
       d.brake,
       s.outcome,
       s.errcode,
       s.errmsg,
       s.attempts,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.settled_at / 1000.0, 'unixepoch') AS settled_at,
       d.pass,
       d.ruleset
  FROM decisions d
  JOIN standing s ON s.decision_id = d.id
  LEFT JOIN words w ON w.decision_id = d.id
 ORDER BY d.id;
