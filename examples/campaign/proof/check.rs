//! The invariants, checked on what a run left behind: the sandbox's own ledger, and the log by plain SQL.
//!
//! Every violation begins with the number of the invariant it breaks; `docs/proof.md` says them in words.

use super::log::Row;
use super::rules::{self, Verdict};
use super::script::{Deed, Script};
use super::stage::{Arrived, Lived, Played, keeps_entries_whole};
use menshen::sandbox::Status;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// WeChat did nothing but refuse the token: the same call may be made once more.
const TOKEN_REJECTED: [i64; 3] = [40001, 40014, 42001];

/// Everything that is wrong.
pub(crate) fn violations(played: &Played) -> Vec<String> {
    let facts = Facts::of(played);
    let mut found = played.violations.clone();
    for check in
        [announced, never_twice, read_before_again, outcomes, verdicts, doubt, limits, stops, brakes, lies, the_end]
    {
        check(&facts, &mut found);
    }
    found.extend(played.log.troubles.iter().map(|trouble| format!("(3) {trouble}")));
    found
}

/// A call of ours that asked for a change, from the ledger.
#[derive(Debug, Clone)]
struct Asked {
    seq: u64,
    verdict: String,
    appid: String,
    errcode: Option<i64>,
    changed: bool,
    faults: Vec<String>,
    life: usize,
    row: Option<i64>,
}

impl Asked {
    fn token_rejected(&self) -> bool {
        !self.changed && self.errcode.is_some_and(|code| TOKEN_REJECTED.contains(&code))
    }

    fn lies(&self) -> bool {
        self.faults.iter().any(|fault| fault.contains(":hits="))
    }
}

/// One change of one application, by whom.
#[derive(Debug, Clone)]
struct Change {
    what: String,
    /// The call of ours that made it.
    call: Option<u64>,
}

struct Facts<'a> {
    played: &'a Played,
    script: &'a Script,
    asked: Vec<Asked>,
    changes: BTreeMap<(String, i64), Vec<Change>>,
}

impl<'a> Facts<'a> {
    fn of(played: &'a Played) -> Facts<'a> {
        let mut changes = BTreeMap::new();
        for application in &played.changes {
            let key = (text(application, "appid"), application["create_time"].as_i64().unwrap_or_default());
            let list = application["changes"].as_array().into_iter().flatten();
            let one = |change: &Value| Change { what: text(change, "what"), call: change["by"]["call"].as_u64() };
            changes.insert(key, list.map(one).collect());
        }
        Facts { played, script: &played.script, asked: asked(played), changes }
    }

    fn arrived(&self, row: &Row) -> Option<&Arrived> {
        let secs = row.create_time.as_ref().and_then(|text| text.parse::<i64>().ok());
        let mut same = self.played.arrived.iter().filter(|one| one.appid == row.appid);
        match secs {
            Some(secs) => same.find(|one| one.created_secs == secs),
            None => same.find(|one| one.ageless),
        }
    }

    /// The newest row of an application.
    fn last_row(&self, of: &Arrived) -> Option<&Row> {
        self.played.log.rows.iter().rfind(|row| self.is_about(row, of))
    }

    fn is_about(&self, row: &Row, of: &Arrived) -> bool {
        let secs = of.created_secs.to_string();
        row.appid == of.appid
            && if of.ageless { row.create_time.is_none() } else { row.create_time.as_ref() == Some(&secs) }
    }

    /// Another row of the same application has the change, for a call whose answer got lost.
    fn is_credited_elsewhere(&self, row: &Row, of: &Arrived) -> bool {
        let mut others = self.played.log.rows.iter().filter(|other| other.id != row.id && self.is_about(other, of));
        others.any(|other| other.outcome() == "done" && other.fates.iter().any(|fate| fate == "lost"))
    }

    /// A fault put null in the place of what is malformed: that is absent, and nothing is wrong with it.
    fn was_shown_mended(&self) -> bool {
        self.struck(&["categories-null"])
    }

    fn has_twin(&self, of: &Arrived) -> bool {
        self.played.arrived.iter().any(|one| one.appid == of.appid && one.created_secs != of.created_secs)
    }

    fn changes_of(&self, of: &Arrived) -> &[Change] {
        self.changes.get(&(of.appid.clone(), of.created_secs)).map_or(&[], Vec::as_slice)
    }

    /// A person asked for it at the command line.
    fn is_by_hand(&self, asked: &Asked) -> bool {
        let row = self.played.log.rows.iter().find(|row| Some(row.id) == asked.row);
        row.is_some_and(|row| row.actor.starts_with("cli:"))
    }

    fn calls_of(&self, row: &Row) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(move |asked| asked.row == Some(row.id))
    }

    fn variant(&self, row: &Row) -> Option<usize> {
        let spec = self.played.log.rulesets.get(&row.ruleset)?;
        (0..rules::VARIANTS).find(|variant| spec.contains(&rules::marker(*variant)))
    }

    /// Somebody in the console did the same to another application: nothing tells that from a server that hits too many.
    fn moved_by_a_person(&self, appid: &str) -> bool {
        let person = |change: &Change| change.call.is_none() && (change.what == "agreed" || change.what == "refused");
        self.changes.iter().any(|((known, _), changes)| known == appid && changes.iter().any(person))
    }

    /// At least two readings looked complete and were not.
    fn hidden_twice(&self) -> bool {
        let hides = |fault: &Value| {
            let words = [":null-list", ":drift=", ":repeat-page=", "create-time-missing"];
            fault.as_str().is_some_and(|fault| words.iter().any(|word| fault.contains(word)))
        };
        let struck = |call: &&Value| call["faults"].as_array().is_some_and(|faults| faults.iter().any(hides));
        self.played.ledger.iter().filter(struck).count() > 1
    }

    /// A page was not read before this call: what stands on it is not known, and one bad page does not stop the others.
    fn missed_a_page(&self, asked: &Asked) -> bool {
        let begun = self.played.lives.get(asked.life).map_or(0, |lived| lived.seqs.0);
        let pages = self.played.ledger.iter().filter(|call| {
            let seq = call["seq"].as_u64().unwrap_or_default();
            call["action"].as_str() == Some("dev_apply_list") && begun < seq && seq < asked.seq
        });
        let (mut wanted, mut read) = (BTreeSet::new(), BTreeSet::new());
        for call in pages {
            let page = call["page"].as_u64().unwrap_or(1);
            wanted.insert(page);
            if well_read(call).is_some() && call["faults"].as_array().is_none_or(Vec::is_empty) {
                read.insert(page);
            }
        }
        wanted != read
    }

    /// Whether an applicant withdrew while the process worked: what follows in the list moves up, and a reading may miss one.
    fn somebody_withdrew_beside(&self, asked: &Asked) -> bool {
        let episode = self.script.episodes.get(asked.life);
        episode.is_some_and(|episode| episode.during.iter().any(|(_, deed)| matches!(deed, Deed::Withdraws(_))))
    }

    /// Whether a fault with one of these in its name struck any call.
    fn struck(&self, words: &[&str]) -> bool {
        let mut faults = self.played.ledger.iter().flat_map(|call| call["faults"].as_array().into_iter().flatten());
        faults.any(|fault| fault.as_str().is_some_and(|fault| words.iter().any(|word| fault.contains(word))))
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn life_of(lives: &[Lived], seq: u64) -> usize {
    lives.iter().position(|lived| lived.seqs.0 < seq && seq <= lived.seqs.1).unwrap_or(lives.len())
}

/// The ledger's changes, each with the row the witness saw announce it.
fn asked(played: &Played) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for call in &played.ledger {
        let Some(verdict) = text(call, "action").strip_prefix("dev_").map(str::to_owned) else { continue };
        if !["agree", "refuse", "delete"].contains(&verdict.as_str()) {
            continue;
        }
        let seq = call["seq"].as_u64().unwrap_or_default();
        let faults = call["faults"].as_array().into_iter().flatten();
        let life = life_of(&played.lives, seq);
        let before = |one: &&Asked| one.life == life && one.verdict == verdict && one.appid == text(call, "appid");
        let nth = asked.iter().filter(before).count();
        let arrived = played.ledger.iter().filter(|other| {
            text(other, "action") == text(call, "action") && text(other, "appid") == text(call, "appid")
        });
        let arrived =
            arrived.filter(|other| life_of(&played.lives, other["seq"].as_u64().unwrap_or_default()) == life).count();
        let same = |seen: &&super::witness::Seen| {
            seen.episode == life && seen.appid == text(call, "appid") && seen.action == format!("dev_{verdict}")
        };
        let seen: Vec<_> = played.seen.iter().filter(same).collect();
        // What the witness saw and WeChat never got was cut off with its process; who came after it got through.
        let seen = seen.get(nth + seen.len().saturating_sub(arrived)).or(seen.last());
        asked.push(Asked {
            seq,
            appid: text(call, "appid"),
            errcode: call["errcode"].as_i64(),
            changed: call["changed"].as_bool().unwrap_or_default(),
            faults: faults.filter_map(Value::as_str).map(str::to_owned).collect(),
            life,
            row: seen.and_then(|seen| seen.row).map(|(row, _)| row),
            verdict,
        });
    }
    asked
}

/// (1) No agree, refuse or delete leaves without its durable row.
fn announced(facts: &Facts<'_>, found: &mut Vec<String>) {
    for seen in facts.played.seen.iter().filter(|seen| seen.row.is_none()) {
        found.push(format!(
            "(1) {} {} was sent while no committed row announced it (life {}): {}",
            seen.action, seen.appid, seen.episode, seen.instead
        ));
    }
    for row in &facts.played.log.rows {
        let sent = facts.calls_of(row).filter(|asked| !asked.token_rejected()).count();
        if sent > row.announced() {
            found.push(format!(
                "(1) row {} {} {} was announced {} times and sent {sent} times",
                row.id,
                row.verdict,
                row.appid,
                row.announced()
            ));
        }
    }
}

/// (2) WeChat never accepts two changes of one application from us.
fn never_twice(facts: &Facts<'_>, found: &mut Vec<String>) {
    for ((appid, created), changes) in &facts.changes {
        let calls: Vec<u64> = changes.iter().filter_map(|change| change.call).collect();
        if calls.len() > 1 {
            found.push(format!("(2) WeChat accepted the calls {calls:?} for one application of {appid} ({created})"));
        }
    }
    if facts.played.world["accepted_twice"].as_array().is_none_or(|twice| !twice.is_empty()) {
        found.push(format!("(2) the sandbox says: accepted twice {}", facts.played.world["accepted_twice"]));
    }
}

/// Between two calls for one applicant, the list was read.
fn read_before_again(facts: &Facts<'_>, found: &mut Vec<String>) {
    let pages: Vec<(u64, u64)> = facts.played.ledger.iter().filter_map(well_read).collect();
    let mut last: BTreeMap<&str, &Asked> = BTreeMap::new();
    for asked in &facts.asked {
        if let Some(before) = last.insert(&asked.appid, asked)
            && !before.token_rejected()
        {
            let between = |page: u64| {
                pages.iter().any(|(seq, read)| {
                    before.seq < *seq && *seq < asked.seq && (*read == page || page > 1 && *read > 1)
                })
            };
            if !between(1) || !between(2) {
                found.push(format!(
                    "(2) {} {} was sent again without reading the list first (calls {} and {})",
                    asked.verdict, asked.appid, before.seq, asked.seq
                ));
            }
        }
    }
}

/// A page of the list that was answered well.
fn well_read(call: &Value) -> Option<(u64, u64)> {
    let well = call["http_status"].as_u64() == Some(200) && call["errcode"].as_i64().is_none_or(|code| code == 0);
    (well && call["action"].as_str() == Some("dev_apply_list"))
        .then(|| (call["seq"].as_u64().unwrap_or(0), call["page"].as_u64().unwrap_or(1)))
}

/// (3) Every row reaches an outcome that says what really happened.
fn outcomes(facts: &Facts<'_>, found: &mut Vec<String>) {
    for row in &facts.played.log.rows {
        let name = format!("row {} {} {} ({})", row.id, row.verdict, row.appid, row.outcomes.join(" → "));
        let Some(arrived) = facts.arrived(row) else { continue };
        let changes = facts.changes_of(arrived);
        let wanted = match row.verdict.as_str() {
            "agree" => "agreed",
            "refuse" => "refused",
            _ => "",
        };
        let ours = changes.iter().any(|change| {
            change.what == wanted && change.call.is_some_and(|call| facts.calls_of(row).any(|asked| asked.seq == call))
        });
        // Without a create_time two applications of one applicant are one to us.
        let told = changes.iter().any(|change| change.what == wanted) || arrived.ageless;
        let doubtful = row.fates.iter().any(|fate| fate == "lost") || row.fates.len() < row.announced();
        let sent = facts.calls_of(row).count();
        match row.outcome() {
            "done" if row.actor == "elsewhere" && sent == 0 => {}
            "done" if ours || (told && doubtful) => {}
            // WeChat said ok and did nothing, and before anybody looked somebody else did something. Nothing can tell.
            "done" if facts.calls_of(row).any(Asked::lies) && (!changes.is_empty() || arrived.ageless) => {}
            // A second one of the applicant stood on a page that was not read: the call may have hit that one.
            "done" if facts.has_twin(arrived) && facts.calls_of(row).any(|asked| facts.missed_a_page(asked)) => {}
            "done" => found
                .push(format!("(3) {name}: WeChat knows of no such change by us: {changes:?}, fates {:?}", row.fates)),
            // Readings that looked complete, and were not: what a server hides so well is gone for any client.
            "overtaken" if facts.hidden_twice() => {}
            // Cut off by a crash, and shown pending by a list that lagged.
            "failed" if row.fates.len() < row.announced() && facts.struck(&[":lag="]) => {}
            // Given up because the list lagged, asked for once more with an answer that got lost: one of the two did it.
            "failed" if facts.struck(&[":lag="]) && facts.is_credited_elsewhere(row, arrived) => {}
            "overtaken" | "failed" if ours => {
                found.push(format!("(3) {name}: but it was us: {changes:?}, fates {:?}", row.fates))
            }
            "overtaken" | "failed" => {}
            "held" | "shadow" if sent > 0 => found.push(format!("(3) {name}: and yet {sent} calls were sent")),
            "held" | "shadow" => {}
            other => found.push(format!("(3) {name}: ends as {other:?}")),
        }
        if row.fates.iter().filter(|fate| *fate != "unsent").count() > sent {
            let lost = row.fates.iter().filter(|fate| *fate == "lost").count();
            let real = row.fates.iter().filter(|fate| *fate == "accepted" || *fate == "rejected").count();
            if real > sent {
                found.push(format!("(3) {name}: {real} answers are recorded, {lost} lost; WeChat saw {sent} calls"));
            }
        }
    }
}

/// (4) Every verdict is the one of its rules.
fn verdicts(facts: &Facts<'_>, found: &mut Vec<String>) {
    for row in facts.played.log.rows.iter().filter(|row| row.actor == "rules") {
        let Some(variant) = facts.variant(row) else {
            found.push(format!("(4) row {}: its rules {} are not kept", row.id, row.ruleset));
            continue;
        };
        let doubt = ["malformed", "ambiguous", "unknown"].contains(&row.brake.as_deref().unwrap_or_default());
        let Some(arrived) = facts.arrived(row) else { continue };
        // Shown without its categories for once, it was held.
        let bare = row.verdict == "hold" && facts.struck(&["categories-null"]);
        if bare || arrived.traits.malformed && facts.was_shown_mended() {
            continue;
        }
        let expected = if doubt { Verdict::Hold } else { rules::verdict(variant, arrived.traits) };
        if row.verdict != expected.word() {
            let brake = row.brake.as_deref().unwrap_or("no brake");
            found.push(format!(
                "(4) row {} {} says {} ({brake}), rules {variant} say {}",
                row.id,
                row.appid,
                row.verdict,
                expected.word()
            ));
        }
    }
}

/// (5) Doubt never approves and never refuses.
fn doubt(facts: &Facts<'_>, found: &mut Vec<String>) {
    let whole = keeps_entries_whole(facts.script);
    for asked in &facts.asked {
        let all: Vec<&Arrived> = facts.played.arrived.iter().filter(|one| one.appid == asked.appid).collect();
        // A person sees what is wrong with an entry, and may decide it.
        let malformed = !all.is_empty() && all.iter().all(|one| one.traits.malformed);
        if malformed && !facts.is_by_hand(asked) && !facts.was_shown_mended() {
            found.push(format!("(5) {} {} was sent: it is malformed in every reading", asked.verdict, asked.appid));
        }
        let twin = facts.played.lives.get(asked.life).is_some_and(|lived| lived.twins.contains(&asked.appid));
        if whole && twin && !facts.missed_a_page(asked) {
            found.push(format!(
                "(5) {} {} was sent: it has two pending applications (life {})",
                asked.verdict, asked.appid, asked.life
            ));
        }
        let row = facts.played.log.rows.iter().find(|row| Some(row.id) == asked.row);
        if row.is_some_and(|row| row.verdict != asked.verdict || row.mode != "live") {
            found.push(format!("(5) {} {} was sent, which its row does not say", asked.verdict, asked.appid));
        }
    }
}

/// Limits hold across kills and restarts.
fn limits(facts: &Facts<'_>, found: &mut Vec<String>) {
    let Script { agree_per_day, refuse_per_day, per_pass, .. } = *facts.script;
    // A list that shows it pending gives the place of a call back that a crash cut off, even if the list only lags.
    let lagging = facts.struck(&[":lag="]);
    for (verdict, most) in [("agree", agree_per_day), ("refuse", refuse_per_day)] {
        let Some(most) = most.filter(|_| facts.played.one_day) else { continue };
        // Limits bind the rules; what people do counts, and is never kept from them.
        let took = |row: &&Row| {
            row.actor == "rules" && facts.calls_of(row).any(|asked| asked.changed && asked.verdict == verdict)
        };
        let accepted = facts.played.log.rows.iter().filter(took).count();
        if accepted > most as usize && !lagging {
            found.push(format!("(limits) {accepted} times {verdict} in a day that allows {most}"));
        }
        let places = facts.played.log.places.get(verdict).copied().unwrap_or_default();
        let by_hand = facts.played.log.rows.iter().any(|row| row.actor.starts_with("cli:"));
        if places > i64::from(most) && !by_hand {
            found.push(format!("(limits) {places} places of {most} are taken for {verdict}"));
        }
    }
    for row in facts
        .played
        .log
        .rows
        .iter()
        .filter(|row| row.outcome() == "done" && row.actor == "rules" && !row.place && !lagging)
    {
        found.push(format!("(limits) row {} is done and took no place", row.id));
    }
    let Some(most) = per_pass else { return };
    let mut passes: BTreeMap<&str, usize> = BTreeMap::new();
    for row in facts.played.log.rows.iter().filter(|row| row.announced() > 0) {
        *passes.entry(&row.pass).or_default() += 1;
    }
    for (pass, acted) in passes.into_iter().filter(|(_, acted)| *acted > most as usize) {
        found.push(format!("(limits) pass {pass} acted on {acted}, {most} are allowed"));
    }
}

/// What is paused or braked when a process begins is not done by it.
fn stops(facts: &Facts<'_>, found: &mut Vec<String>) {
    for asked in facts.asked.iter().filter(|asked| !facts.is_by_hand(asked)) {
        if facts.played.lives.get(asked.life).is_some_and(|lived| lived.stopped.contains(&asked.verdict)) {
            found.push(format!(
                "(stops) {} {} was sent in life {}, though acting was stopped",
                asked.verdict, asked.appid, asked.life
            ));
        }
    }
}

/// The brake is pulled for a reason: a server that lies, a list that lags or hides entries.
fn brakes(facts: &Facts<'_>, found: &mut Vec<String>) {
    let excuses = [":hits=", ":lag=", ":drift=", ":malformed=", ":cap=", ":repeat-page=", ":null-list", ":no-list"];
    for brake in facts.played.log.brakes.iter().filter(|brake| brake.kind == "verification") {
        let stranger = brake.why.split(" turned up as after ").next().filter(|appid| *appid != brake.why);
        let by_a_person = stranger.is_some_and(|appid| facts.moved_by_a_person(appid));
        // One of two of an applicant stood on a page that was not read, or moved to one that had been, and the call hit that
        // one: not what was asked for.
        let hit_a_twin = facts.asked.iter().any(|asked| {
            let applications = facts.played.arrived.iter().filter(|one| one.appid == asked.appid).count();
            let missed = facts.missed_a_page(asked) || facts.somebody_withdrew_beside(asked);
            applications > 1 && brake.why.contains(&asked.appid) && missed
        });
        if !facts.struck(&excuses) && !by_a_person && !hit_a_twin {
            found.push(format!("(brake) a false alarm: {}", brake.why));
        }
    }
}

/// A lie that can be seen is seen, when nothing disturbs the reading.
fn lies(facts: &Facts<'_>, found: &mut Vec<String>) {
    for asked in facts.asked.iter().filter(|asked| asked.lies() && asked.errcode.is_none_or(|code| code == 0)) {
        let Some(lived) = facts.played.lives.get(asked.life).filter(|lived| lived.undisturbed) else { continue };
        let before =
            asked.life.checked_sub(1).and_then(|life| facts.played.lives.get(life)).map_or(0, |lived| lived.brakes);
        let hit: BTreeSet<&(String, i64)> = facts
            .changes
            .iter()
            .filter(|(_, changes)| changes.iter().any(|change| change.call == Some(asked.seq)))
            .map(|(key, _)| key)
            .collect();
        let missed = !hit.iter().any(|(appid, _)| *appid == asked.appid)
            && facts.asked.iter().filter(|other| other.life == asked.life && other.appid == asked.appid).count() == 1;
        let asked_for = |appid: &str| {
            facts
                .asked
                .iter()
                .any(|other| other.life == asked.life && other.appid == appid && other.verdict == asked.verdict)
        };
        let strangers = hit.iter().filter(|(appid, _)| *appid != asked.appid && !asked_for(appid));
        let strange = strangers.filter(|key| lived.pending.contains(**key)).count();
        let elsewhere = facts.struck(&[":lag="]);
        if (missed || strange > 0) && lived.brakes == before && !elsewhere {
            let kind = asked.faults.join(" ");
            found.push(format!(
                "(lie) {kind} of {} {} was not noticed (life {})",
                asked.verdict, asked.appid, asked.life
            ));
        }
    }
}

/// (4) In the end every application stands where the rules want it, or is held and says why.
fn the_end(facts: &Facts<'_>, found: &mut Vec<String>) {
    let variant = facts.script.last_variant;
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for arrived in pending(facts) {
        *count.entry(&arrived.appid).or_default() += 1;
    }
    for arrived in pending(facts) {
        let expected = rules::verdict(variant, arrived.traits);
        let Some(row) = facts.last_row(arrived) else {
            found.push(format!("(4) {} is pending, and no row speaks of it", arrived.appid));
            continue;
        };
        let brake = row.brake.as_deref();
        let twin = count.get(arrived.appid.as_str()).is_some_and(|count| *count > 1);
        let ambiguous = brake == Some("ambiguous") && (twin || arrived.ageless);
        let full = |limit: Option<u32>| limit.is_some() || facts.script.per_pass.is_some();
        let limited = match row.verdict.as_str() {
            "agree" => full(facts.script.agree_per_day),
            _ => full(facts.script.refuse_per_day),
        } && brake == Some("limit");
        let says = match expected {
            _ if arrived.traits.malformed => brake == Some("malformed"),
            _ if twin => ambiguous,
            Verdict::Hold => row.verdict == "hold",
            _ => row.verdict == expected.word() && limited || ambiguous,
        };
        if row.outcome() != "held" || !says {
            let brake = brake.unwrap_or("no brake");
            found.push(format!(
                "(4) {} is pending and its row {} says {} ({brake}) {}; rules {variant} say {}",
                arrived.appid,
                row.id,
                row.verdict,
                row.outcome(),
                expected.word()
            ));
        }
    }
}

fn pending<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a Arrived> {
    let stands =
        |one: &&Arrived| facts.played.standing.get(&(one.appid.clone(), one.created_secs)) == Some(&Status::Pending);
    facts.played.arrived.iter().filter(stands)
}
