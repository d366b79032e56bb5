-- The roll-up by month, so that statistics over years of days stay quick. Folded from `rollup`, which is folded from the
-- records: whatever changes a day's count changes its month's.

PRAGMA user_version = 6;

CREATE TABLE rollup_months (
    month   TEXT NOT NULL,                                  -- 2026-11
    account TEXT NOT NULL,
    verdict TEXT NOT NULL,
    rule    TEXT NOT NULL,                                  -- empty = no rule
    outcome TEXT NOT NULL,
    n       INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (month, account, verdict, rule, outcome)
) STRICT, WITHOUT ROWID;

INSERT INTO rollup_months (month, account, verdict, rule, outcome, n)
SELECT substr(day, 1, 7), account, verdict, rule, outcome, sum(n) FROM rollup GROUP BY 1, 2, 3, 4, 5;

CREATE TRIGGER rollup_begins_in_its_month AFTER INSERT ON rollup BEGIN
    INSERT INTO rollup_months (month, account, verdict, rule, outcome, n)
    VALUES (substr(NEW.day, 1, 7), NEW.account, NEW.verdict, NEW.rule, NEW.outcome, NEW.n)
        ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;

CREATE TRIGGER rollup_counts_in_its_month AFTER UPDATE OF n ON rollup BEGIN
    UPDATE rollup_months SET n = n + NEW.n - OLD.n
     WHERE (month, account, verdict, rule, outcome) = (substr(NEW.day, 1, 7), NEW.account, NEW.verdict, NEW.rule, NEW.outcome);
END;
