//! Every statement, by name, so that a test can prepare each against the schema.
//!
//! Those that are put together from parts (the lists and the statistics) stand
//! in `listing` and `audit`; they are made of constants and bound values alone.

/// Defines the statements, and `ALL` of them for the test.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)+) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)+

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

statements! {
    /// Not in the settings of a connection: setting it would already change another program's database.
    WRITE_AHEAD = "PRAGMA journal_mode = WAL";
    SCHEMA = "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), \
              (SELECT count(*) FROM sqlite_schema)";
    /// At most five lines of what is wrong.
    QUICK_CHECK = "PRAGMA quick_check(5)";
    BEGIN = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";

    /// Not INSERT OR IGNORE: an ignored row must not use up a number.
    HAS_RULESET = "SELECT EXISTS (SELECT 1 FROM rulesets WHERE hash = ?1)";
    KEEP_RULESET = "INSERT INTO rulesets (hash, engine, spec, first_used_at) SELECT ?1, ?2, ?3, ?4 \
                    WHERE NOT EXISTS (SELECT 1 FROM rulesets WHERE hash = ?1)";
    DECIDE = "INSERT INTO decisions (decided_at, decided_day, account, account_appid, base_url, appid, create_time, \
              create_time_secs, categories, malformed, verdict, rule, mode, actor, brake, unknown_rules, pass, ruleset) \
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    SAY = "INSERT INTO words (decision_id, nickname, reason, message, why, headimgurl, apply_url, salt, seal) \
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    CALL = "INSERT INTO calls (decision_id, attempt, action, sent_at, took_ms, fate, http_status, errcode, errmsg, rid) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    SETTLE = "INSERT INTO settlements (decision_id, at, outcome, attempt, note) VALUES (?1, ?2, ?3, ?4, ?5)";
    STANDING = "SELECT outcome, attempt FROM standing WHERE decision_id = ?1";
    UNDERWAY = "SELECT d.id FROM decisions d JOIN standing s ON s.decision_id = d.id \
                WHERE d.appid = ?1 AND d.account_appid = ?2 AND d.create_time IS ?3 AND d.base_url = ?4 \
                AND s.outcome = 'planned' LIMIT 1";
    RETRIED = "SELECT d.account_appid, d.rule, s.outcome, s.attempt, \
               EXISTS (SELECT 1 FROM allowance a WHERE a.decision_id = d.id) \
               FROM decisions d JOIN standing s ON s.decision_id = d.id WHERE d.id = ?1 AND d.appid = ?2 AND d.verdict = ?3";
    TAKE_PLACE = "INSERT INTO allowance (decision_id, account_appid, action, at, rule) VALUES (?1, ?2, ?3, ?4, ?5)";
    /// Not when an earlier attempt went out: the place is then spent.
    GIVE_BACK = "DELETE FROM allowance WHERE decision_id = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.decision_id = ?1 AND c.fate <> 'unsent')";
    /// A bug, for the campaign to find.
    FORGET_LIMITS = "DELETE FROM allowance";
    TAKEN = "SELECT count(*) FROM allowance WHERE account_appid = ?1 AND action = ?2 AND at >= ?3";
    TAKEN_BY_RULE = "SELECT count(*) FROM allowance WHERE account_appid = ?1 AND rule = ?2 AND at >= ?3";
    /// ?2 is a JSON list of [rule, since].
    SPENT_BY_RULES = "SELECT (SELECT count(*) FROM allowance a WHERE a.account_appid = ?1 AND a.rule = j.value ->> 0 \
                      AND a.at >= j.value ->> 1) FROM json_each(?2) AS j ORDER BY j.key";

    /// ?1 is a JSON list of accounts; one row for each, in their order.
    SPENT_EACH = "SELECT (SELECT count(*) FROM allowance a WHERE a.account_appid = j.value AND a.action = 'agree' AND a.at >= ?2), \
                  (SELECT count(*) FROM allowance a WHERE a.account_appid = j.value AND a.action = 'refuse' AND a.at >= ?2), \
                  (SELECT count(*) FROM allowance a WHERE a.account_appid = j.value AND a.action = 'delete' AND a.at >= ?2) \
                  FROM json_each(?1) AS j ORDER BY j.key";

    PROVE = "INSERT INTO proofs (account_appid, base_url, action, decision_id, at) SELECT ?1, ?2, ?3, ?4, ?5 \
             WHERE NOT EXISTS (SELECT 1 FROM proofs WHERE account_appid = ?1 AND base_url = ?2 AND action = ?3)";
    PROVEN = "SELECT action FROM proofs WHERE account_appid = ?1 AND base_url = ?2";

    /// ?2 is a JSON list of [appid, create_time or null].
    PAST = "SELECT d.appid, d.create_time, d.id, d.verdict, d.rule, d.brake, d.mode, d.unknown_rules, s.outcome, \
            s.attempts, d.base_url, d.actor, d.pass, d.ruleset, \
            EXISTS (SELECT 1 FROM allowance a WHERE a.decision_id = d.id), y.id, y.verdict, w.message \
            FROM json_each(?2) AS j CROSS JOIN decisions d ON d.id = (SELECT max(n.id) FROM decisions n \
            WHERE n.appid = j.value ->> 0 AND n.account_appid = ?1 AND n.create_time IS j.value ->> 1) \
            CROSS JOIN standing s ON s.decision_id = d.id LEFT JOIN words w ON w.decision_id = d.id \
            LEFT JOIN decisions y ON y.id = (SELECT max(n.id) FROM decisions n JOIN standing t ON t.decision_id = n.id \
            WHERE n.appid = d.appid AND n.account_appid = d.account_appid AND n.create_time IS d.create_time \
            AND t.outcome = 'done' AND n.verdict IN ('agree', 'refuse') AND n.actor <> 'elsewhere')";
    /// What became of every application of the appids in ?2 that was decided before ?3, as it stood then.
    EARLIER = "SELECT appid, create_time, kind, max(at) FROM (\
               SELECT d.appid, d.create_time, d.decided_at AS at, \
               CASE (SELECT t.outcome FROM settlements t WHERE t.decision_id = d.id AND t.at <= ?3 ORDER BY t.id DESC LIMIT 1) \
               WHEN 'done' THEN d.verdict WHEN 'held' THEN 'held' END AS kind \
               FROM (SELECT DISTINCT value AS appid FROM json_each(?2)) AS j \
               CROSS JOIN decisions d ON d.appid = j.appid AND d.account_appid = ?1 WHERE d.decided_at < ?3) \
               WHERE kind IN ('agree', 'refuse', 'held') GROUP BY appid, create_time, kind";
    /// As EARLIER, for each [appid, moment] of the JSON list ?2: its place there comes first.
    EARLIER_EACH = "SELECT place, appid, create_time, kind, max(at) FROM (\
                    SELECT j.key AS place, d.appid, d.create_time, d.decided_at AS at, \
                    CASE (SELECT t.outcome FROM settlements t WHERE t.decision_id = d.id AND t.at <= j.value ->> 1 \
                    ORDER BY t.id DESC LIMIT 1) WHEN 'done' THEN d.verdict WHEN 'held' THEN 'held' END AS kind \
                    FROM json_each(?2) AS j CROSS JOIN decisions d ON d.appid = j.value ->> 0 AND d.account_appid = ?1 \
                    WHERE d.decided_at < j.value ->> 1) \
                    WHERE kind IN ('agree', 'refuse', 'held') GROUP BY place, appid, create_time, kind";
    PLANNED = "SELECT d.id, d.appid, d.create_time, d.verdict, s.attempt, c.fate, d.rule, d.decided_at, d.base_url, \
               d.account, d.actor, w.message, d.pass, s.outcome \
               FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id \
               LEFT JOIN calls c ON c.decision_id = d.id AND c.attempt = s.attempt \
               LEFT JOIN words w ON w.decision_id = d.id \
               WHERE s.outcome = 'planned' AND d.account_appid = ?1 ORDER BY d.id";
    /// False when every attempt is known to have changed nothing.
    MAY_HAVE_WORKED = "SELECT s.attempt > (SELECT count(*) FROM calls c WHERE c.decision_id = s.decision_id \
                       AND c.fate IN ('rejected', 'unsent')) FROM standing s WHERE s.decision_id = ?1";
    /// Given up or taken for gone, decided after ?2, though an attempt may have worked: its answer was lost, or "ok" while
    /// the list lagged, or was never recorded and no list has shown it pending (it keeps its place). The list may yet
    /// show it. Not if a later row asked for the same and is under way, done or doubtful itself: what it shows is that row's.
    DOUBTFUL = "SELECT d.id, d.appid, d.create_time, d.verdict, s.attempt, c.fate, d.rule, d.decided_at, d.base_url, \
                d.account, d.actor, w.message, d.pass, s.outcome \
                FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id \
                LEFT JOIN calls c ON c.decision_id = d.id AND c.attempt = s.attempt \
                LEFT JOIN words w ON w.decision_id = d.id \
                WHERE s.outcome IN ('failed', 'overtaken') AND s.decided_at > ?2 AND d.account_appid = ?1 \
                AND (EXISTS (SELECT 1 FROM calls k WHERE k.decision_id = d.id AND k.fate IN ('lost', 'accepted')) \
                OR (s.attempt > (SELECT count(*) FROM calls k WHERE k.decision_id = d.id) \
                AND EXISTS (SELECT 1 FROM allowance a WHERE a.decision_id = d.id))) \
                AND NOT EXISTS (SELECT 1 FROM decisions n JOIN standing t ON t.decision_id = n.id WHERE n.appid = d.appid \
                AND n.account_appid = d.account_appid AND n.create_time IS d.create_time AND n.id > d.id \
                AND n.verdict = d.verdict AND n.actor <> 'elsewhere' AND (t.outcome IN ('planned', 'done') \
                OR EXISTS (SELECT 1 FROM calls k WHERE k.decision_id = n.id AND k.fate IN ('lost', 'accepted')) \
                OR (t.attempt > (SELECT count(*) FROM calls k WHERE k.decision_id = n.id) \
                AND EXISTS (SELECT 1 FROM allowance a WHERE a.decision_id = n.id)))) \
                ORDER BY d.id";
    /// Those of the applications ?2 that a call went or may have gone out for, or that the log has seen to end. Without a
    /// create_time, what has ended may be another application.
    NAMED = "SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?2) AS j WHERE EXISTS (SELECT 1 FROM decisions n \
             JOIN standing t ON t.decision_id = n.id WHERE n.appid = j.value ->> 0 AND n.account_appid = ?1 \
             AND n.create_time IS j.value ->> 1 AND n.verdict <> 'delete' \
             AND ((t.outcome IN ('failed', 'overtaken') AND t.attempts > 0) \
             OR (n.create_time IS NOT NULL AND (t.outcome = 'done' OR n.actor = 'elsewhere'))))";
    /// Rows of applications to ?1 at ?2, decided after ?3, that say of no end: neither ours nor one seen elsewhere.
    OPEN = "SELECT d.appid, d.create_time, d.id, d.verdict, d.mode, s.outcome \
            FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id \
            WHERE s.outcome IN ('held', 'shadow', 'failed', 'overtaken') AND s.decided_at > ?3 \
            AND d.account_appid = ?1 AND d.base_url = ?2 AND d.verdict <> 'delete' AND d.actor <> 'elsewhere'";
    /// What the applications of the decisions ?1, a JSON list of ids, were then.
    AS_DECIDED = "SELECT d.id, d.appid, d.create_time, w.nickname, w.reason, d.categories, w.headimgurl, w.apply_url, d.malformed \
                  FROM json_each(?1) AS j CROSS JOIN decisions d ON d.id = j.value LEFT JOIN words w ON w.decision_id = d.id";
    NEWEST = "SELECT max(n.id) FROM decisions n WHERE n.appid = ?1 AND n.account_appid = ?2 AND n.create_time IS ?3 \
              AND n.verdict <> 'delete'";
    /// What the mark beside the database names.
    MARKED = "SELECT id, decision_id, at FROM settlements WHERE id = ?1";
    LAST_SETTLEMENT = "SELECT id, decision_id, at FROM settlements ORDER BY id DESC LIMIT 1";
    /// How many applications were timed out while nobody had decided them, from the day ?1 on, by account.
    TIMED_OUT = "SELECT account, sum(n) FROM rollup WHERE verdict = 'hold' AND outcome = 'overtaken' AND day >= ?1 \
                 GROUP BY account HAVING sum(n) > 0 ORDER BY account";

    PULL = "INSERT INTO brakes (at, event, kind, account_appid, base_url, action, why, who) \
            VALUES (?1, 'set', ?2, ?3, ?4, ?5, ?6, ?7)";
    LIFT = "INSERT INTO brakes (at, event, lifts, kind, account_appid, base_url, action, why, who) \
            VALUES (?1, 'lifted', ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    ACTIVE = "SELECT b.id, b.at, b.kind, b.account_appid, b.base_url, b.action, b.why, b.who FROM brakes b \
              WHERE b.event = 'set' AND NOT EXISTS (SELECT 1 FROM brakes l WHERE l.lifts = b.id) ORDER BY b.id";

    SHOW = "SELECT d.id, d.decided_at, d.account, d.appid, d.create_time_secs, w.nickname, w.reason, d.categories, \
            d.verdict, d.rule, w.message, d.mode, d.actor, d.brake, s.outcome, s.errcode, s.errmsg, s.attempts, \
            s.settled_at, d.pass, d.ruleset, \
            d.account_appid, d.base_url, d.create_time, d.malformed, d.unknown_rules, w.why, w.headimgurl, w.apply_url, \
            r.engine, r.spec \
            FROM decisions d JOIN standing s ON s.decision_id = d.id LEFT JOIN words w ON w.decision_id = d.id \
            LEFT JOIN rulesets r ON r.hash = d.ruleset WHERE d.id = ?1";
    /// The newest row of every application, where it waits for a person. ?4 = whatever keeps it from being decided.
    WAITING = "SELECT d.id, d.decided_at, d.account, d.appid, d.create_time_secs, w.nickname, w.reason, d.categories, \
               d.verdict, d.rule, w.message, d.mode, d.actor, d.brake, s.outcome, s.errcode, s.errmsg, s.attempts, \
               s.settled_at, d.pass, d.ruleset, d.account_appid, w.why, w.headimgurl, w.apply_url, \
               (SELECT j.value ->> 'note' FROM rulesets r, json_each(r.spec, '$.rules') j \
               WHERE r.hash = d.ruleset AND d.rule IS NOT NULL AND j.value ->> 'name' = d.rule LIMIT 1), \
               (SELECT json_group_array(json_array(e.id, e.decided_at, e.verdict, e.outcome, e.actor)) FROM (\
               SELECT max(n.id) AS id, n.decided_at, n.verdict, t.outcome, n.actor FROM decisions n \
               JOIN standing t ON t.decision_id = n.id WHERE n.appid = d.appid AND n.account_appid = d.account_appid \
               AND n.create_time IS NOT d.create_time GROUP BY n.create_time ORDER BY max(n.id) DESC LIMIT 5) e) \
               FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id LEFT JOIN words w ON w.decision_id = d.id \
               WHERE s.outcome IN ('held', 'failed', 'shadow', 'planned') AND s.decided_at >= ?1 \
               AND (?4 OR s.outcome = 'held' OR (s.outcome = 'failed' AND substr(d.actor, 1, 4) = 'cli:')) \
               AND d.verdict <> 'delete' AND (?2 IS NULL OR d.account = ?2) AND (?3 IS NULL OR d.appid = ?3) \
               AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.appid = d.appid AND n.account_appid = d.account_appid \
               AND n.create_time IS d.create_time AND n.id > d.id) ORDER BY d.id";
    /// As WAITING without ?4, counted by account.
    WAITING_COUNTS = "SELECT d.account_appid, count(*) FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id \
                      WHERE s.outcome IN ('held', 'failed') AND s.decided_at >= ?1 \
                      AND (s.outcome = 'held' OR substr(d.actor, 1, 4) = 'cli:') AND d.verdict <> 'delete' \
                      AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.appid = d.appid AND n.account_appid = d.account_appid \
                      AND n.create_time IS d.create_time AND n.id > d.id) GROUP BY d.account_appid";
    CALLS = "SELECT attempt, action, sent_at, took_ms, fate, http_status, errcode, errmsg, rid \
             FROM calls WHERE decision_id = ?1 ORDER BY id";
    LAST_DECISION = "SELECT ifnull(max(id), 0) FROM decisions";
    /// ?1 is a JSON list of ids.
    EVIDENCE = "SELECT w.decision_id, w.why FROM json_each(?1) AS j CROSS JOIN words w ON w.decision_id = j.value \
                WHERE w.why IS NOT NULL";
    SETTLEMENTS = "SELECT at, outcome, attempt, note FROM settlements WHERE decision_id = ?1 ORDER BY id";

    /// How far the log reaches: the newest entry of the chain, and of each kind of record the highest number.
    MARKS = "SELECT ifnull((SELECT max(sequence) FROM chain), 0), (SELECT hash FROM chain ORDER BY sequence DESC LIMIT 1), \
             ifnull((SELECT max(id) FROM decisions), 0), ifnull((SELECT max(id) FROM calls), 0), \
             ifnull((SELECT max(id) FROM settlements), 0), ifnull((SELECT max(id) FROM brakes), 0), \
             ifnull((SELECT max(id) FROM proofs), 0), ifnull((SELECT max(id) FROM rulesets), 0), \
             ifnull((SELECT max(id) FROM redactions), 0), ifnull((SELECT max(id) FROM plugin_uses), 0)";
    HEAD = "SELECT sequence, hash FROM chain ORDER BY sequence DESC LIMIT 1";
    ENTRIES = "SELECT sequence, hash, kind, record, content FROM chain WHERE sequence > ?1 AND sequence <= ?2 \
               ORDER BY sequence LIMIT ?3";
    /// ?1 is a JSON list of [sequence, kind, record, content, hash].
    CHAIN = "INSERT INTO chain (sequence, kind, record, content, hash) \
             SELECT value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4) FROM json_each(?1)";
    /// Records of a kind between two numbers: the columns that are chained, under their names.
    DECISION_RECORDS = "SELECT d.id, d.decided_at, d.decided_day, d.account, d.account_appid, d.base_url, d.appid, \
                        d.create_time, d.create_time_secs, d.categories, d.malformed, d.verdict, d.rule, d.mode, d.actor, \
                        d.brake, d.unknown_rules, d.pass, d.ruleset, w.seal FROM decisions d \
                        LEFT JOIN words w ON w.decision_id = d.id WHERE d.id > ?1 AND d.id <= ?2 ORDER BY d.id LIMIT ?3";
    CALL_RECORDS = "SELECT id, decision_id, attempt, action, sent_at, took_ms, fate, http_status, errcode, errmsg, rid \
                    FROM calls WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    SETTLEMENT_RECORDS = "SELECT id, decision_id, at, outcome, attempt, note FROM settlements \
                          WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    BRAKE_RECORDS = "SELECT id, at, event, lifts, kind, account_appid, base_url, action, why, who FROM brakes \
                     WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    PROOF_RECORDS = "SELECT id, account_appid, base_url, action, decision_id, at FROM proofs \
                     WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    RULESET_RECORDS = "SELECT id, hash, engine, spec, first_used_at FROM rulesets \
                       WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    REDACTION_RECORDS = "SELECT id, at, who, before FROM redactions WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    USE_RECORDS = "SELECT id, at, event, answers, account, account_appid, base_url, action, plugin_appid, reason, user_version, \
                   who, took_ms, fate, http_status, errcode, errmsg, rid FROM plugin_uses \
                   WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    ASK_USE = "INSERT INTO plugin_uses (at, event, account, account_appid, base_url, action, plugin_appid, reason, \
               user_version, who) VALUES (?1, 'asked', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    ANSWER_USE = "INSERT INTO plugin_uses (at, event, answers, took_ms, fate, http_status, errcode, errmsg, rid) \
                  VALUES (?1, 'answered', ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    /// ?1 an account, ?2 a plugin, each NULL for all; ?3 at most so many, the newest, -1 for all.
    USES = "SELECT * FROM (SELECT q.id, q.at, q.account, q.plugin_appid, q.action, q.reason, q.user_version, q.who, a.fate, \
            a.errcode, a.errmsg, a.rid, a.at FROM plugin_uses q LEFT JOIN plugin_uses a ON a.answers = q.id \
            WHERE q.event = 'asked' AND (?1 IS NULL OR q.account = ?1) AND (?2 IS NULL OR q.plugin_appid = ?2) \
            ORDER BY q.id DESC LIMIT ?3) ORDER BY 1";
    UNSEALED = "SELECT decision_id, nickname, reason, message, why, headimgurl, apply_url FROM words \
                WHERE decision_id > ?1 AND seal IS NULL ORDER BY decision_id LIMIT ?2";
    /// ?1 is a JSON list of [decision, salt, seal].
    SEAL = "UPDATE words SET salt = unhex(j.value ->> 1), seal = unhex(j.value ->> 2) FROM json_each(?1) AS j \
            WHERE words.decision_id = j.value ->> 0";
    /// Words of decisions between two numbers, as they are verified, and whether a redaction covers them.
    WORDS = "SELECT d.id, w.nickname, w.reason, w.message, w.why, w.headimgurl, w.apply_url, w.salt, w.seal, \
             w.decision_id IS NULL, d.decided_at < ifnull((SELECT max(before) FROM redactions), d.decided_at) \
             FROM decisions d LEFT JOIN words w ON w.decision_id = d.id WHERE d.id > ?1 AND d.id <= ?2 ORDER BY d.id LIMIT ?3";
    ROLLUP = "SELECT day, account, verdict, rule, outcome, n FROM rollup";
    ROLLUP_MONTHS = "SELECT month, account, verdict, rule, outcome, n FROM rollup_months";
    /// How decisions stood when settlement ?4 was the last, and whether what is folded agrees with the records now.
    FOLDED = "SELECT d.id, d.decided_day, d.account, d.verdict, ifnull(d.rule, ''), \
              (SELECT s.outcome FROM settlements s WHERE s.decision_id = d.id AND s.id <= ?4 ORDER BY s.id DESC LIMIT 1), \
              t.decided_at IS d.decided_at AND (t.outcome, t.attempt, t.settled_at) IS (SELECT s.outcome, s.attempt, \
              iif(s.outcome = 'planned', NULL, s.at) FROM settlements s WHERE s.decision_id = d.id ORDER BY s.id DESC LIMIT 1) \
              AND t.attempts IS (SELECT count(*) FROM settlements s WHERE s.decision_id = d.id AND s.outcome = 'planned') \
              - (SELECT count(*) FROM calls c WHERE c.decision_id = d.id AND c.fate = 'unsent') \
              AND t.errcode IS (SELECT c.errcode FROM calls c WHERE c.decision_id = d.id ORDER BY c.id DESC LIMIT 1) \
              AND t.errmsg IS (SELECT c.errmsg FROM calls c WHERE c.decision_id = d.id ORDER BY c.id DESC LIMIT 1), \
              iif(a.decision_id IS NULL, \
              NOT EXISTS (SELECT 1 FROM calls c WHERE c.decision_id = d.id AND c.fate <> 'unsent'), \
              (a.account_appid, a.action) = (d.account_appid, d.verdict) AND (a.rule IS NULL OR a.rule IS d.rule) \
              AND EXISTS (SELECT 1 FROM settlements s WHERE s.decision_id = d.id AND s.outcome = 'planned')) \
              FROM decisions d LEFT JOIN standing t ON t.decision_id = d.id LEFT JOIN allowance a ON a.decision_id = d.id \
              WHERE d.id > ?1 AND d.id <= ?2 ORDER BY d.id LIMIT ?3";
    REDACTION = "INSERT INTO redactions (at, who, before) VALUES (?1, ?2, ?3)";
    /// Decisions before ?1 whose words can be erased: the next behind (?2, ?3). Those under way still need theirs.
    REDACTABLE = "SELECT d.decided_at, d.id FROM decisions d INDEXED BY decisions_by_time \
                  CROSS JOIN standing s ON s.decision_id = d.id CROSS JOIN words w ON w.decision_id = d.id \
                  WHERE d.decided_at < ?1 AND d.decided_at >= ?2 AND (d.decided_at, d.id) > (?2, ?3) AND s.outcome <> 'planned' \
                  AND coalesce(w.salt, w.nickname, w.reason, w.message, w.why, w.headimgurl, w.apply_url) IS NOT NULL \
                  ORDER BY d.decided_at, d.id LIMIT ?4";
    TO_REDACT = "SELECT ifnull(sum(s.outcome <> 'planned'), 0), ifnull(sum(s.outcome = 'planned'), 0) FROM decisions d \
                 CROSS JOIN standing s ON s.decision_id = d.id CROSS JOIN words w ON w.decision_id = d.id \
                 WHERE d.decided_at < ?1 \
                 AND coalesce(w.salt, w.nickname, w.reason, w.message, w.why, w.headimgurl, w.apply_url) IS NOT NULL";
    /// ?1 is a JSON list of ids.
    ERASE = "UPDATE words SET nickname = NULL, reason = NULL, message = NULL, why = NULL, headimgurl = NULL, \
             apply_url = NULL, salt = NULL WHERE decision_id IN (SELECT value FROM json_each(?1))";
    LETTERS = "SELECT id, notice, words FROM letters WHERE target = ?1 ORDER BY id LIMIT ?2";
    TOLD = "SELECT event, key, at FROM told WHERE target = ?1";
    KEEP_LETTER = "INSERT INTO letters (made_at, target, event, notice, words, words_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// ?3 is a JSON list of keys.
    NOTE_TOLD = "INSERT OR IGNORE INTO told (target, event, key, at) SELECT ?1, ?2, value, ?4 FROM json_each(?3)";
    FORGET_TOLD = "DELETE FROM told WHERE target = ?1 AND event = ?2 AND key IN (SELECT value FROM json_each(?3))";
    FORGET_LETTER = "DELETE FROM letters WHERE id = ?1";
    LETTERS_TO_GIVE_UP = "SELECT count(*) FROM letters WHERE target = ?1 AND (made_at < ?2 OR id NOT IN \
                          (SELECT id FROM letters WHERE target = ?1 ORDER BY id DESC LIMIT ?3))";
    GIVE_UP_LETTERS = "DELETE FROM letters WHERE target = ?1 AND (made_at < ?2 OR id NOT IN \
                       (SELECT id FROM letters WHERE target = ?1 ORDER BY id DESC LIMIT ?3))";
    /// Brakes and failures end by being told of again; the rest is old after ?1. ?2 is a JSON list of targets.
    TIDY_TOLD = "DELETE FROM told WHERE target NOT IN (SELECT value FROM json_each(?2)) \
                 OR (at < ?1 AND event NOT IN ('brake', 'failing'))";
    UNTIDY = "SELECT EXISTS (SELECT 1 FROM letters WHERE target NOT IN (SELECT value FROM json_each(?2))) OR EXISTS \
              (SELECT 1 FROM told WHERE target NOT IN (SELECT value FROM json_each(?2)) \
              OR (at < ?1 AND event NOT IN ('brake', 'failing')))";
    TIDY_LETTERS = "DELETE FROM letters WHERE target NOT IN (SELECT value FROM json_each(?1))";
    /// Words of decisions before ?1 that wait for their delivery.
    ERASE_LETTERS = "UPDATE letters SET words = NULL, words_since = NULL WHERE words_since < ?1";
    EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)";
    SAID = "SELECT nickname, reason, message FROM words WHERE decision_id = ?1";
    COPY = "VACUUM INTO ?1";
    /// Whether another connection has written since it was last asked.
    WRITTEN = "PRAGMA data_version";
    /// Whether there is anything that a migration could harm.
    ANYTHING = "SELECT EXISTS (SELECT 1 FROM decisions) OR EXISTS (SELECT 1 FROM brakes) OR EXISTS (SELECT 1 FROM rulesets)";
    RULESET_FIRST_USED = "SELECT first_used_at FROM rulesets WHERE hash = ?1";
    RULESET = "SELECT engine, spec FROM rulesets WHERE hash = ?1";
    /// Decisions by the rules behind ?1 and up to ?2, with what they saw; and each one's first settlement.
    BY_RULES = "SELECT d.id, d.decided_at, d.account_appid, d.pass, d.ruleset, d.appid, d.create_time, d.categories, \
                d.malformed, d.verdict, d.rule, d.brake, d.unknown_rules, w.nickname, w.reason, w.message, \
                ifnull((SELECT min(s.id) FROM settlements s WHERE s.decision_id = d.id), 0) \
                FROM decisions d LEFT JOIN words w ON w.decision_id = d.id \
                WHERE d.id > ?1 AND d.id <= ?2 AND d.actor = 'rules' ORDER BY d.id LIMIT ?3";
    /// As `EARLIER`, as the log stood before decision ?3 and settlement ?4 were written.
    EARLIER_THEN = "SELECT appid, create_time, kind, max(at) FROM (\
                    SELECT d.appid, d.create_time, d.decided_at AS at, \
                    CASE (SELECT t.outcome FROM settlements t WHERE t.decision_id = d.id AND t.id < ?4 ORDER BY t.id DESC LIMIT 1) \
                    WHEN 'done' THEN d.verdict WHEN 'held' THEN 'held' END AS kind \
                    FROM decisions d WHERE d.appid = ?2 AND d.account_appid = ?1 AND d.id < ?3) \
                    WHERE kind IN ('agree', 'refuse', 'held') GROUP BY appid, create_time, kind";
    INTEGRITY = "SELECT integrity_check FROM pragma_integrity_check";
    ORPHANS = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT ?1";
    /// The highest number each table of records ever had.
    EVER = "SELECT name, seq FROM sqlite_sequence";
}

/// What deciding again needs of the rows `d`, and what a person made of the same applications: a JSON list of lists. One
/// value instead of sixteen a row: handing values over costs more than finding them.
pub(super) const APPLICATIONS: &str = "\
    SELECT json_group_array(json_array(d.id, d.decided_at, d.account, d.account_appid, d.appid, d.create_time, \
    d.categories, d.malformed, \
    d.verdict, d.rule, d.brake, d.actor, w.nickname, w.reason, w.message, \
    (SELECT p.verdict FROM decisions p INDEXED BY decisions_by_appid \
     WHERE p.appid = d.appid AND p.account_appid = d.account_appid AND p.create_time IS d.create_time AND p.id <> d.id \
     AND (substr(p.actor, 1, 4) = 'cli:' OR p.actor = 'elsewhere') AND p.verdict IN ('agree', 'refuse') \
     ORDER BY p.id DESC LIMIT 1))) FROM ";

/// Of the rows of an application the newest by the rules, else the newest by a person; deletions say nothing.
/// Two bounds on `n` and a parenthesis follow.
pub(super) const STANDS_FOR_ITS_APPLICATION: &str = " \
    AND d.verdict <> 'delete' AND (d.actor = 'rules' OR substr(d.actor, 1, 4) = 'cli:' OR d.actor = 'elsewhere') \
    AND NOT EXISTS (SELECT 1 FROM decisions n INDEXED BY decisions_by_appid \
    WHERE n.appid = d.appid AND n.account_appid = d.account_appid AND n.create_time IS d.create_time AND n.id <> d.id \
    AND (n.actor = 'rules' OR substr(n.actor, 1, 4) = 'cli:' OR n.actor = 'elsewhere') AND n.verdict <> 'delete' \
    AND (n.actor = 'rules', n.id) > (d.actor = 'rules', d.id)";
