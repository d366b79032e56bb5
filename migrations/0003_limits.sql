-- Limits count the instants at which places were taken, no longer names of days: so a day is a day whatever the
-- time zone was when the place was taken, and a limit may span any time.

PRAGMA user_version = 3;

DROP TRIGGER allowance_taken;
DROP TRIGGER allowance_given_back;
DROP TRIGGER allowance_stays;
DROP TABLE spending;

-- Places taken of the limits. A retry keeps its place; it is given back only if nothing was sent.
CREATE TABLE allowance_in_time (
    decision_id   INTEGER PRIMARY KEY REFERENCES decisions (id),
    account_appid TEXT NOT NULL,
    action        TEXT NOT NULL,
    at            INTEGER NOT NULL,                         -- when it was taken
    rule          TEXT                                      -- the rule that is counted; NULL = none
) STRICT;

-- A place of another day than its decision's was given back and taken anew by a retry.
INSERT INTO allowance_in_time (decision_id, account_appid, action, at, rule)
SELECT a.decision_id, a.account_appid, a.action,
       iif(a.day = d.decided_day, d.decided_at,
           ifnull((SELECT max(s.at) FROM settlements s WHERE s.decision_id = d.id AND s.outcome = 'planned'), d.decided_at)),
       a.rule
  FROM allowance a JOIN decisions d ON d.id = a.decision_id;

DROP TABLE allowance;
ALTER TABLE allowance_in_time RENAME TO allowance;

-- "How many since": of an action, and of a rule.
CREATE INDEX allowance_by_action ON allowance (account_appid, action, at);
CREATE INDEX allowance_by_rule   ON allowance (account_appid, rule, at) WHERE rule IS NOT NULL;

CREATE TRIGGER allowance_stays BEFORE UPDATE ON allowance BEGIN SELECT RAISE(ABORT, 'a place in a limit is taken or given back, not changed'); END;
