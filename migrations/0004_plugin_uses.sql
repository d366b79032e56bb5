-- What this mini program asked of plugins it uses (`menshen api apply`, `unbind`, `update`): recorded before it is sent,
-- and what WeChat answered after it. Query it with: SELECT * FROM plugin_use_log ORDER BY id DESC LIMIT 20;

PRAGMA user_version = 4;

-- Record: one row before a call, and one when it was answered. No answer means that nobody knows what became of it.
CREATE TABLE plugin_uses (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,                         -- when it was asked for, or answered
    event         TEXT NOT NULL CHECK (event IN ('asked', 'answered')),
    answers       INTEGER REFERENCES plugin_uses (id),      -- the row that asked

    account       TEXT,                                     -- our name for it
    account_appid TEXT,                                     -- WeChat's
    base_url      TEXT,                                     -- which WeChat
    action        TEXT CHECK (action IN ('apply', 'unbind', 'update')),
    plugin_appid  TEXT,
    reason        TEXT,                                     -- our own words to the plugin's owner
    user_version  TEXT,
    who           TEXT,                                     -- cli:USER

    took_ms       INTEGER,
    fate          TEXT CHECK (fate IN ('accepted', 'rejected', 'lost', 'unsent')),
    http_status   INTEGER,
    errcode       INTEGER,
    errmsg        TEXT,
    rid           TEXT,

    CHECK (event <> 'asked' OR (answers IS NULL AND fate IS NULL AND account IS NOT NULL AND account_appid IS NOT NULL
           AND base_url IS NOT NULL AND action IS NOT NULL AND plugin_appid IS NOT NULL AND who IS NOT NULL)),
    CHECK (event <> 'answered' OR (answers IS NOT NULL AND fate IS NOT NULL AND took_ms IS NOT NULL AND action IS NULL))
) STRICT;

CREATE UNIQUE INDEX plugin_uses_answered_once ON plugin_uses (answers) WHERE answers IS NOT NULL;

CREATE TRIGGER plugin_uses_keep BEFORE UPDATE ON plugin_uses BEGIN SELECT RAISE(ABORT, 'plugin_uses is append-only'); END;
CREATE TRIGGER plugin_uses_stay BEFORE DELETE ON plugin_uses BEGIN SELECT RAISE(ABORT, 'plugin_uses is append-only'); END;
CREATE TRIGGER plugin_uses_once BEFORE INSERT ON plugin_uses WHEN EXISTS (SELECT 1 FROM plugin_uses WHERE id = NEW.id OR answers = NEW.answers)
                                BEGIN SELECT RAISE(ABORT, 'plugin_uses is append-only'); END;

-- One row for each, with what became of it.
CREATE VIEW plugin_use_log AS
SELECT q.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', q.at / 1000.0, 'unixepoch') AS asked_at,
       q.account, q.plugin_appid, q.action, q.reason, q.user_version, q.who AS actor,
       CASE a.fate WHEN 'accepted' THEN 'done' WHEN 'rejected' THEN 'failed' WHEN 'unsent' THEN 'failed' ELSE 'unknown' END AS outcome,
       a.errcode, a.errmsg, a.rid,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.at / 1000.0, 'unixepoch') AS answered_at
  FROM plugin_uses q LEFT JOIN plugin_uses a ON a.answers = q.id
 WHERE q.event = 'asked';
