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
    BEGIN = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";

    KEEP_RULESET = "INSERT OR IGNORE INTO rulesets (hash, engine, spec, first_used_at) VALUES (?1, ?2, ?3, ?4)";
    DECIDE = "INSERT INTO decisions (decided_at, decided_day, account, account_appid, base_url, appid, create_time, \
              create_time_secs, categories, malformed, verdict, rule, mode, actor, brake, unknown_rules, pass, ruleset) \
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    SAY = "INSERT INTO words (decision_id, nickname, reason, message, why, headimgurl, apply_url) \
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
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
    TAKE_PLACE = "INSERT INTO allowance (decision_id, account_appid, action, day, rule) VALUES (?1, ?2, ?3, ?4, ?5)";
    /// Not when an earlier attempt went out: the place is then spent.
    GIVE_BACK = "DELETE FROM allowance WHERE decision_id = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.decision_id = ?1 AND c.fate <> 'unsent')";
    TAKEN = "SELECT n FROM spending WHERE account_appid = ?1 AND day = ?2 AND action = ?3";
    SPENT = "SELECT action, n FROM spending WHERE account_appid = ?1 AND day = ?2";

    PROVE = "INSERT OR IGNORE INTO proofs (account_appid, base_url, action, decision_id, at) VALUES (?1, ?2, ?3, ?4, ?5)";
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
    PLANNED = "SELECT d.id, d.appid, d.create_time, d.verdict, s.attempt, c.fate, d.rule, d.decided_at, d.base_url, \
               d.account, d.actor, w.message, d.pass \
               FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id \
               LEFT JOIN calls c ON c.decision_id = d.id AND c.attempt = s.attempt \
               LEFT JOIN words w ON w.decision_id = d.id \
               WHERE s.outcome = 'planned' AND d.account_appid = ?1 ORDER BY d.id";
    /// False when every attempt is known to have changed nothing.
    MAY_HAVE_WORKED = "SELECT s.attempt > (SELECT count(*) FROM calls c WHERE c.decision_id = s.decision_id \
                       AND c.fate IN ('rejected', 'unsent')) FROM standing s WHERE s.decision_id = ?1";
    /// Given up after an answer was lost (of any attempt), decided after ?2: the list may yet show that it had worked.
    DOUBTFUL = "SELECT d.id, d.appid, d.create_time, d.verdict, s.attempt, c.fate, d.rule, d.decided_at, d.base_url, \
                d.account, d.actor, w.message, d.pass \
                FROM standing s CROSS JOIN decisions d ON d.id = s.decision_id \
                JOIN calls c ON c.decision_id = d.id AND c.attempt = (SELECT max(l.attempt) FROM calls l \
                WHERE l.decision_id = d.id AND l.fate = 'lost') \
                LEFT JOIN words w ON w.decision_id = d.id \
                WHERE s.outcome = 'failed' AND s.decided_at > ?2 AND d.account_appid = ?1 \
                ORDER BY d.id";

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
    CALLS = "SELECT attempt, action, sent_at, took_ms, fate, http_status, errcode, errmsg, rid \
             FROM calls WHERE decision_id = ?1 ORDER BY id";
    LAST_DECISION = "SELECT ifnull(max(id), 0) FROM decisions";
    /// ?1 is a JSON list of ids.
    EVIDENCE = "SELECT w.decision_id, w.why FROM json_each(?1) AS j CROSS JOIN words w ON w.decision_id = j.value \
                WHERE w.why IS NOT NULL";
    SETTLEMENTS = "SELECT at, outcome, attempt, note FROM settlements WHERE decision_id = ?1 ORDER BY id";
}

/// What deciding again needs of the row `d`, and what a person made of the same application.
pub(super) const APPLICATION_COLUMNS: &str = "\
    SELECT d.id, d.decided_at, d.account, d.account_appid, d.appid, d.create_time, d.categories, d.malformed, \
    d.verdict, d.rule, d.brake, d.actor, w.nickname, w.reason, w.message, \
    (SELECT p.verdict FROM decisions p INDEXED BY decisions_by_appid \
     WHERE p.appid = d.appid AND p.account_appid = d.account_appid AND p.create_time IS d.create_time AND p.id <> d.id \
     AND (substr(p.actor, 1, 4) = 'cli:' OR p.actor = 'elsewhere') AND p.verdict IN ('agree', 'refuse') \
     ORDER BY p.id DESC LIMIT 1) FROM ";

/// Of the rows of an application the newest by the rules, else the newest by a person; deletions say nothing.
/// Two bounds on `n` and a parenthesis follow.
pub(super) const STANDS_FOR_ITS_APPLICATION: &str = " \
    AND d.verdict <> 'delete' AND (d.actor = 'rules' OR substr(d.actor, 1, 4) = 'cli:' OR d.actor = 'elsewhere') \
    AND NOT EXISTS (SELECT 1 FROM decisions n INDEXED BY decisions_by_appid \
    WHERE n.appid = d.appid AND n.account_appid = d.account_appid AND n.create_time IS d.create_time AND n.id <> d.id \
    AND (n.actor = 'rules' OR substr(n.actor, 1, 4) = 'cli:' OR n.actor = 'elsewhere') AND n.verdict <> 'delete' \
    AND (n.actor = 'rules', n.id) > (d.actor = 'rules', d.id)";
