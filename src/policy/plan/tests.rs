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
        limit: None,
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
        elsewhere: false,
    }
}

/// A situation under construction.
struct Case {
    rules: RuleSet,
    mode: Mode,
    past: HashMap<Identity, Past>,
    room: Room,
    stops: Stops,
    settled: bool,
    unclear: HashSet<Identity>,
}

impl Default for Case {
    fn default() -> Case {
        let (past, room, stops) = (HashMap::new(), Room::default(), Stops::default());
        Case { rules: rules(), mode: Mode::Live, past, room, stops, settled: true, unclear: HashSet::new() }
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
                rules: &self.rules,
                moment: &moment,
                mode: self.mode,
                past: &self.past,
                room: &self.room,
                stops: &self.stops,
                unclear: &self.unclear,
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

fn places(max: u32) -> Option<Places> {
    Some(Places { max, taken: 0 })
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
    let room = Room { agree: places(2), ..Room::default() };
    Case { room, ..Case::default() }.check(
        four(),
        &["wx-0 agree - agree", "wx-1 agree - agree", "wx-2 agree limit record held", "wx-3 agree limit record held"],
    );
    let room = Room { per_pass: places(1), ..Room::default() };
    Case { room, ..Case::default() }
        .check(vec![good(), bad()], &["wx-good agree - agree", "wx-bad refuse limit record held"]);
    let room = Room { agree: places(0), ..Room::default() };
    Case { room: room.clone(), ..Case::default() }
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

/// The usual rules, of which the one that agrees has a limit.
fn limited() -> RuleSet {
    let mut spec = rules().spec().clone();
    spec.rules[1].limit = Some(crate::policy::RuleLimit { max: 2, per: std::time::Duration::from_secs(86_400) });
    RuleSet::compile(spec).expect("plain rules")
}

/// Room of the rule that agrees, and of `[limits]`.
fn room(rule: (u32, u32), agree: Option<u32>, per_pass: Option<u32>) -> Room {
    let rules = BTreeMap::from([(1, Places { max: rule.0, taken: rule.1 })]);
    Room { agree: agree.and_then(places), per_pass: per_pass.and_then(places), rules, ..Room::default() }
}

#[test]
fn the_limit_of_a_rule_holds_what_that_rule_decides() {
    let three = || vec![application("wx-0", 0, "快递"), application("wx-1", 1, "快递"), bad()];
    let (held, agree) = ("limit record held", "- agree");
    // Room of the rule (max, taken), agree_per_day, per_pass; what becomes of two that it agrees to.
    type Case4 = ((u32, u32), Option<u32>, Option<u32>, [&'static str; 2]);
    let cases: [Case4; 8] = [
        ((2, 0), None, None, [agree, agree]),
        ((2, 1), None, None, [agree, held]),
        ((2, 2), None, None, [held, held]),
        ((2, 7), None, None, [held, held]),
        ((0, 0), None, None, [held, held]),
        ((2, 0), Some(1), None, [agree, held]),
        ((2, 1), Some(5), None, [agree, held]),
        ((1, 0), None, Some(3), [agree, held]),
    ];
    for (rule, agree_per_day, per_pass, expected) in cases {
        let case = Case { rules: limited(), room: room(rule, agree_per_day, per_pass), ..Case::default() };
        let [first, second] = expected;
        let lines = [&format!("wx-0 agree {first}"), &format!("wx-1 agree {second}"), "wx-bad refuse - refuse"];
        case.check(three(), &lines);
    }
}

#[test]
fn a_retry_needs_no_second_place_of_its_rule() {
    let full = || Case { rules: limited(), room: room((2, 2), None, None), ..Case::default() };
    let has_place = past(Verdict::Agree, Outcome::Failed);
    full().after(&good(), has_place.clone()).check(vec![good()], &["wx-good agree - agree again on 7"]);
    let gave_back = Past { place: false, ..has_place };
    full().after(&good(), gave_back).check(vec![good()], &["wx-good agree limit record held"]);
    let held = Past { brake: Some(Brake::Limit), ..past(Verdict::Agree, Outcome::Held) };
    full().after(&good(), held.clone()).check(vec![good()], &["wx-good agree limit known"]);
    let roomy = Case { rules: limited(), room: room((2, 1), None, None), ..Case::default() };
    roomy.after(&good(), held).check(vec![good()], &["wx-good agree - agree"]);
}

#[test]
fn the_evidence_names_the_limit_that_is_full() {
    let sentence = |room: Room| {
        let case = Case { rules: limited(), room, ..Case::default() };
        let step = case.plan(vec![good()]).remove(0);
        let moment = Moment::at(Timestamp::from_second(1_800_000_000).expect("a plain instant"));
        evidence(&case.rules, &moment, &step).sentence.split("; held: ").nth(1).map(ToOwned::to_owned)
    };
    let day = |max, taken| Room { agree: Some(Places { max, taken }), ..room((2, 0), None, None) };
    let cases = [
        (room((2, 0), None, None), None),
        (room((2, 2), None, None), Some("the limit of rule \"yes\" is reached: 2 of 2 in 1d")),
        (room((2, 3), None, None), Some("the limit of rule \"yes\" is reached: 3 of 2 in 1d")),
        (day(500, 500), Some("agree_per_day of [limits] is reached: 500 of 500 today")),
        (room((2, 0), None, Some(0)), Some("per_pass of [limits] is reached: 0 of 0")),
    ];
    for (room, expected) in cases {
        assert_eq!(sentence(room).as_deref(), expected);
    }
}

#[test]
fn what_has_ended_elsewhere_is_left_alone() {
    let one = application("wx1", 1, REFUSE);
    let elsewhere = |outcome| Past { accepted: None, elsewhere: true, ..past(Verdict::Agree, outcome) };
    for outcome in [Outcome::Done, Outcome::Overtaken] {
        Case::default().after(&one, elsewhere(outcome)).check(vec![one.clone()], &["wx1 refuse - wait"]);
    }
    // Without a create_time it is as well a new one: who ended is told apart by the list alone.
    let timeless = Application { create_time: CreateTime::ABSENT, ..one };
    let case = Case::default().after(&timeless, elsewhere(Outcome::Done));
    case.check(vec![timeless.clone()], &["wx1 refuse - refuse"]);
    let unclear = HashSet::from([timeless.identity()]);
    Case { unclear, ..case }.check(vec![timeless], &["wx1 hold ambiguous record held"]);
}
