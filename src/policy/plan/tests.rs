//! What a pass would do, case by case.

use super::*;
use crate::policy::{Category, CreateTime, PolicySpec, RuleMode, RuleSpec, Test, TextTest};
use jiff::Timestamp;

const REFUSE: &str = "博彩";

fn rules() -> RuleSet {
    let keyword = |word: &str| crate::policy::Condition {
        tests: vec![Test::Reason(TextTest {
            keywords: crate::policy::Lists { any: Some(vec![word.to_owned()]), ..Default::default() },
            ..TextTest::default()
        })],
    };
    let rule = |name: &str, action, word: &str| RuleSpec {
        name: name.to_owned(),
        action,
        mode: RuleMode::Live,
        message: (action == Verdict::Refuse).then(|| "不行".to_owned()),
        accounts: None,
        note: None,
        when: keyword(word),
        unless: None,
        place: None,
    };
    let spec = PolicySpec {
        rules: vec![rule("no", Verdict::Refuse, REFUSE), rule("yes", Verdict::Agree, "快递")],
        default: Verdict::Hold,
        default_message: None,
        message_max_chars: 200,
    };
    RuleSet::compile(spec).expect("plain rules")
}

fn application(appid: &str, create_time: i64, reason: &str) -> Application {
    Application {
        appid: AppId::new(appid),
        create_time: CreateTime::received(create_time.to_string()),
        nickname: "某店".to_owned(),
        reason: reason.to_owned(),
        categories: vec![Category { first: Some("物流服务".to_owned()), second: None }],
        headimgurl: None,
        apply_url: None,
        malformed: Vec::new(),
    }
}

/// What the log last said: a verdict by its usual rule, in live mode.
fn past(verdict: Verdict, outcome: Outcome) -> Past {
    let rule = match verdict {
        Verdict::Agree => Some("yes"),
        Verdict::Refuse => Some("no"),
        Verdict::Hold => None,
    };
    Past {
        id: 7,
        verdict: Some(verdict),
        rule: rule.map(ToOwned::to_owned),
        brake: None,
        by_rules: true,
        mode: Mode::Live,
        unknown: Vec::new(),
        outcome,
        attempts: 1,
        place: true,
        message: (verdict == Verdict::Refuse).then(|| "不行".to_owned()),
        accepted: match outcome {
            Outcome::Done => action_of(verdict).map(|action| (7, action)),
            _ => None,
        },
    }
}

/// A situation under construction.
struct Case {
    mode: Mode,
    past: HashMap<Identity, Past>,
    room: Room,
    stops: Stops,
    settled: bool,
}

impl Default for Case {
    fn default() -> Case {
        Case { mode: Mode::Live, past: HashMap::new(), room: Room::default(), stops: Stops::default(), settled: true }
    }
}

impl Case {
    fn after(mut self, application: &Application, past: Past) -> Case {
        self.past.insert(application.identity(), past);
        self
    }

    fn plan(&self, pending: Vec<Application>) -> Vec<Step> {
        let moment = Moment::at(Timestamp::from_second(1_800_000_000).expect("a plain instant"));
        plan(
            &Situation {
                rules: &rules(),
                moment: &moment,
                mode: self.mode,
                past: &self.past,
                room: self.room,
                stops: &self.stops,
                settled: self.settled,
            },
            pending,
        )
    }

    /// `appid verdict brake todo` of every step.
    fn check(&self, pending: Vec<Application>, expected: &[&str]) {
        let lines: Vec<String> = self
            .plan(pending)
            .iter()
            .map(|step| {
                let brake = step.decision.brake.map_or("-", Brake::word);
                format!("{} {} {brake} {}", step.application.appid, step.decision.verdict, todo(&step.todo))
            })
            .collect();
        assert_eq!(lines, expected);
    }
}

fn todo(todo: &Todo) -> String {
    match todo {
        Todo::Known => "known".to_owned(),
        Todo::Wait => "wait".to_owned(),
        Todo::Record(outcome) => format!("record {outcome}"),
        Todo::Act { action, again: None } => action.word().to_owned(),
        Todo::Act { action, again: Some(row) } => format!("{} again on {row}", action.word()),
        Todo::Contradicted { row, action } => format!("{} of {row} contradicted", action.word()),
    }
}

fn good() -> Application {
    application("wx-good", 100, "快递查询")
}

fn bad() -> Application {
    application("wx-bad", 200, REFUSE)
}

fn odd() -> Application {
    application("wx-odd", 300, "其他")
}

#[test]
fn verdicts_become_steps_oldest_first() {
    let all = vec![odd(), bad(), good()];
    Case::default()
        .check(all.clone(), &["wx-good agree - agree", "wx-bad refuse - refuse", "wx-odd hold - record held"]);
    Case { mode: Mode::Shadow, ..Case::default() }
        .check(all, &["wx-good agree - record shadow", "wx-bad refuse - record shadow", "wx-odd hold - record shadow"]);
}

#[test]
fn without_a_create_time_comes_last_then_by_appid() {
    let mut none = application("wx-a", 0, "其他");
    none.create_time = CreateTime::ABSENT;
    let order: Vec<String> = Case::default()
        .plan(vec![none, application("wx-c", 5, "其他"), application("wx-b", 5, "其他")])
        .iter()
        .map(|step| step.application.appid.to_string())
        .collect();
    assert_eq!(order, ["wx-b", "wx-c", "wx-a"]);
}

#[test]
fn what_the_log_says_already_is_not_written_again() {
    let held = |change: fn(&mut Past)| {
        let mut past = past(Verdict::Hold, Outcome::Held);
        change(&mut past);
        past
    };
    type Change = fn(&mut Past);
    let cases: [(Change, &str); 6] = [
        (|_| (), "known"),
        (|past| past.brake = Some(Brake::Unknown), "record held"),
        (|past| past.mode = Mode::Shadow, "record held"),
        (|past| past.unknown = vec!["other".to_owned()], "record held"),
        (|past| past.rule = Some("other".to_owned()), "record held"),
        (|past| past.verdict = Some(Verdict::Refuse), "record held"),
    ];
    for (change, expected) in cases {
        let case = Case::default().after(&odd(), held(change));
        case.check(vec![odd()], &[&format!("wx-odd hold - {expected}")]);
    }
}

#[test]
fn earlier_rows_and_what_follows_from_them() {
    let cases = [
        (past(Verdict::Agree, Outcome::Failed), "wx-good agree - agree again on 7"),
        (past(Verdict::Refuse, Outcome::Failed), "wx-good agree - agree"),
        (past(Verdict::Hold, Outcome::Held), "wx-good agree - agree"),
        (past(Verdict::Agree, Outcome::Shadow), "wx-good agree - agree"),
        (past(Verdict::Agree, Outcome::Overtaken), "wx-good agree - agree"),
        (past(Verdict::Agree, Outcome::Planned), "wx-good agree - wait"),
        (past(Verdict::Agree, Outcome::Done), "wx-good agree verification agree of 7 contradicted"),
        (past(Verdict::Refuse, Outcome::Done), "wx-good agree verification refuse of 7 contradicted"),
        (
            Past { accepted: Some((3, Action::Agree)), ..past(Verdict::Hold, Outcome::Held) },
            "wx-good agree verification agree of 3 contradicted",
        ),
        (Past { verdict: None, ..past(Verdict::Hold, Outcome::Done) }, "wx-good agree - agree"),
        (Past { verdict: None, ..past(Verdict::Hold, Outcome::Planned) }, "wx-good agree - wait"),
    ];
    for (past, expected) in cases {
        Case::default().after(&good(), past).check(vec![good()], &[expected]);
    }
}

#[test]
fn another_message_is_another_row() {
    let failed = past(Verdict::Refuse, Outcome::Failed);
    Case::default().after(&bad(), failed.clone()).check(vec![bad()], &["wx-bad refuse - refuse again on 7"]);
    let edited = Past { message: Some("不可以".to_owned()), ..failed };
    Case::default().after(&bad(), edited).check(vec![bad()], &["wx-bad refuse - refuse"]);
}

#[test]
fn another_create_time_is_another_application() {
    let again = application("wx-good", 900, "快递查询");
    Case::default().after(&good(), past(Verdict::Agree, Outcome::Done)).check(vec![again], &["wx-good agree - agree"]);
}

#[test]
fn what_stops_acting_holds_and_evaluation_goes_on() {
    let verification = Case { stops: Stops { verification: true, ..Stops::default() }, ..Case::default() };
    verification.check(
        vec![good(), bad(), odd()],
        &[
            "wx-good agree verification record held",
            "wx-bad refuse verification record held",
            "wx-odd hold - record held",
        ],
    );
    let paused = Stops { paused: BTreeSet::from([Action::Agree]), ..Stops::default() };
    Case { stops: paused, ..Case::default() }
        .check(vec![good(), bad()], &["wx-good agree pause record held", "wx-bad refuse - refuse"]);
    Case { settled: false, ..Case::default() }
        .check(vec![good(), odd()], &["wx-good agree - wait", "wx-odd hold - record held"]);
}

#[test]
fn limits_leave_room_for_the_oldest() {
    let four = || (0..4).map(|n| application(&format!("wx-{n}"), n, "快递")).collect::<Vec<_>>();
    let room = Room { agree: Some(2), ..Room::default() };
    Case { room, ..Case::default() }.check(
        four(),
        &["wx-0 agree - agree", "wx-1 agree - agree", "wx-2 agree limit record held", "wx-3 agree limit record held"],
    );
    let room = Room { per_pass: Some(1), ..Room::default() };
    Case { room, ..Case::default() }
        .check(vec![good(), bad()], &["wx-good agree - agree", "wx-bad refuse limit record held"]);
    let room = Room { agree: Some(0), ..Room::default() };
    Case { room, ..Case::default() }
        .after(&good(), past(Verdict::Agree, Outcome::Failed))
        .check(vec![good()], &["wx-good agree - agree again on 7"]);
    let gave_back = Past { place: false, ..past(Verdict::Agree, Outcome::Failed) };
    Case { room, ..Case::default() }
        .after(&good(), gave_back)
        .check(vec![good()], &["wx-good agree limit record held"]);
}

#[test]
fn doubt_about_the_entry_itself_holds() {
    let twin = application("wx-good", 101, "快递");
    Case::default().check(
        vec![good(), twin, bad()],
        &["wx-good hold ambiguous record held", "wx-good hold ambiguous record held", "wx-bad refuse - refuse"],
    );
    let broken = Application { malformed: vec!["reason".to_owned()], ..good() };
    Case::default().check(vec![broken], &["wx-good hold malformed record held"]);
}

#[test]
fn without_a_create_time_an_accepted_change_may_be_of_another_application() {
    let mut nameless = good();
    nameless.create_time = CreateTime::ABSENT;
    let case = Case::default().after(&nameless, past(Verdict::Agree, Outcome::Done));
    case.check(vec![nameless.clone()], &["wx-good hold ambiguous record held"]);
    let held = Past {
        brake: Some(Brake::Ambiguous),
        accepted: Some((3, Action::Agree)),
        ..past(Verdict::Hold, Outcome::Held)
    };
    let case = Case::default().after(&nameless, held);
    case.check(vec![nameless], &["wx-good hold ambiguous known"]);
}
