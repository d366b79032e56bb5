//! From rules as data to rules that can be decided; every problem on the way is reported, not the first.
//!
//! Hides how lists become numbers. Promises that what compiles can be decided
//! without errors. Does not know files: a problem names its rule and its path.

use super::{
    Condition, Lists, PolicySpec, RuleSpec, Test, TextTest, Verdict,
    category::{Entry, EntrySet},
    check::{Check, Field, NumberLists, TextCheck},
    keywords::{Keyword, KeywordCollector, KeywordSet, Numbers},
    message::Template,
    pattern::{self, Patterns},
};
use std::{collections::HashSet, fmt};

/// Something in a [`PolicySpec`] that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Index of the rule; none for what stands outside of rules.
    pub rule: Option<usize>,
    /// Where in the rule, e.g. `when.reason.any[2]` or `message`.
    pub path: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(rule) => write!(f, "rule {}: {}: {}", rule + 1, self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl std::error::Error for RuleProblem {}

/// A rule that can be decided.
#[derive(Debug)]
pub(super) struct CompiledRule {
    pub(super) action: Verdict,
    pub(super) live: bool,
    pub(super) message: Option<Template>,
    pub(super) when: Vec<Check>,
    pub(super) unless: Option<Vec<Check>>,
}

/// All of a policy that deciding needs.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) rules: Vec<CompiledRule>,
    pub(super) default_message: Option<Template>,
    pub(super) keywords: KeywordSet,
    pub(super) entries: EntrySet,
    /// Whether any rule seeks a keyword in the nickname.
    pub(super) seeks_nickname: bool,
}

/// Compiles a policy.
pub(super) fn compile(spec: &PolicySpec) -> Result<Compiled, Vec<RuleProblem>> {
    let mut compiler = Compiler::default();
    let default_message = compiler.default_message(spec);
    let rules = spec.rules.iter().enumerate().map(|(index, rule)| compiler.rule(index, rule)).collect();
    let Compiler { keywords, entries, mut problems, seeks_nickname, .. } = compiler;
    match keywords.build() {
        Ok(keywords) if problems.is_empty() => {
            Ok(Compiled { rules, default_message, keywords, entries, seeks_nickname })
        }
        Ok(_) => Err(problems),
        Err(error) => {
            let message = format!("the keywords of all rules together are too many: {error}");
            problems.push(RuleProblem { rule: None, path: "rule".to_owned(), message });
            Err(problems)
        }
    }
}

#[derive(Default)]
struct Compiler {
    keywords: KeywordCollector,
    entries: EntrySet,
    seeks_nickname: bool,
    problems: Vec<RuleProblem>,
    /// The rule being compiled.
    rule: Option<usize>,
}

impl Compiler {
    fn problem(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(RuleProblem { rule: self.rule, path: path.to_owned(), message: message.into() });
    }

    fn default_message(&mut self, spec: &PolicySpec) -> Option<Template> {
        if spec.message_max_chars == 0 {
            self.problem("message_max_chars", "must be at least 1");
        }
        if spec.default == Verdict::Refuse && spec.default_message.is_none() {
            self.problem("default", "to refuse by default takes a `message`");
        }
        self.template("message", spec.default_message.as_deref())
    }

    fn rule(&mut self, index: usize, spec: &RuleSpec) -> CompiledRule {
        self.rule = Some(index);
        if spec.action == Verdict::Refuse && spec.message.is_none() {
            self.problem("message", "a `refuse` rule takes a `message`");
        }
        CompiledRule {
            action: spec.action,
            live: spec.mode.is_live(),
            message: self.template("message", spec.message.as_deref()),
            when: self.condition("when", &spec.when),
            unless: spec.unless.as_ref().map(|unless| self.condition("unless", unless)),
        }
    }

    fn template(&mut self, path: &str, written: Option<&str>) -> Option<Template> {
        let written = written?;
        if written.trim().is_empty() {
            self.problem(path, "is empty");
        }
        match Template::read(written) {
            Ok(template) => Some(template),
            Err(problems) => {
                problems.into_iter().for_each(|problem| self.problem(path, problem));
                None
            }
        }
    }

    fn condition(&mut self, path: &str, condition: &Condition) -> Vec<Check> {
        if condition.tests.is_empty() {
            self.problem(path, "is empty; write `{ always = true }` for a condition that always holds");
        }
        condition.tests.iter().map(|test| self.test(path, test)).collect()
    }

    fn test(&mut self, path: &str, test: &Test) -> Check {
        let inner = format!("{path}.{}", test_word(test));
        match test {
            Test::Always => Check::Always,
            Test::Category(lists) => {
                self.not_empty(&inner, lists, false);
                Check::Category(self.lists(&inner, lists, Compiler::entries))
            }
            Test::Reason(text) => self.text(&inner, Field::Reason, text),
            Test::Nickname(text) => self.text(&inner, Field::Nickname, text),
            Test::Appid(lists) => self.appid(&inner, lists),
            Test::Age(age) => {
                if age.min.is_none() && age.max.is_none() {
                    self.problem(&inner, "is empty; it takes `min` or `max`");
                }
                Check::Age { min: age.min, max: age.max }
            }
            Test::Previous(previous) => {
                if previous.counts().next().is_none() {
                    self.problem(&inner, "counts nothing; it takes `agreed`, `refused` or `held`");
                }
                Check::Previous(previous.clone())
            }
            Test::AnyOf(branches) => {
                if branches.is_empty() {
                    self.problem(&inner, "is empty");
                }
                let branch = |(index, branch)| self.condition(&format!("{inner}[{index}]"), branch);
                Check::AnyOf(branches.iter().enumerate().map(branch).collect())
            }
            Test::Not(condition) => Check::Not(self.condition(&inner, condition)),
        }
    }

    fn text(&mut self, path: &str, field: Field, text: &TextTest) -> Check {
        self.not_empty(
            path,
            &text.keywords,
            text.regex.is_some() || text.min_chars.is_some() || text.max_chars.is_some(),
        );
        let keywords = self.lists(path, &text.keywords, Compiler::keywords);
        let seeks = keywords.any.is_some() || keywords.all.is_some() || keywords.none.is_some();
        self.seeks_nickname |= seeks && field == Field::Nickname;
        let regex = text.regex.as_deref().map(|list| self.patterns(&format!("{path}.regex"), list));
        Check::Text(TextCheck { field, keywords, regex, min_chars: text.min_chars, max_chars: text.max_chars })
    }

    fn patterns(&mut self, path: &str, list: &[String]) -> Patterns {
        if list.is_empty() {
            self.problem(path, "is an empty list");
        }
        let mut read = |(index, written): (usize, &String)| {
            pattern::read(written).map_err(|problem| self.problem(&format!("{path}[{index}]"), problem)).ok()
        };
        Patterns::new(list.iter().enumerate().filter_map(&mut read).collect())
    }

    fn appid(&mut self, path: &str, lists: &Lists) -> Check {
        self.not_empty(path, lists, false);
        if lists.all.is_some() {
            self.problem(&format!("{path}.all"), "an appid takes `any` and `none` only");
        }
        let set = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.iter().cloned().collect::<HashSet<_>>());
        Check::Appid { any: set(&lists.any), none: set(&lists.none) }
    }

    /// Reports lists of which none is set (unless the table says something else) and lists that are empty.
    fn not_empty(&mut self, path: &str, lists: &Lists, says_more: bool) {
        let set = [("any", &lists.any), ("all", &lists.all), ("none", &lists.none)];
        if !says_more && set.iter().all(|(_, list)| list.is_none()) {
            self.problem(path, "is empty");
        }
        for (word, _) in set.iter().filter(|(_, list)| list.as_ref().is_some_and(Vec::is_empty)) {
            self.problem(&format!("{path}.{word}"), "is an empty list");
        }
    }

    fn lists(&mut self, path: &str, lists: &Lists, read: fn(&mut Compiler, &str, &[String]) -> Numbers) -> NumberLists {
        let mut list = |word: &str, list: &Option<Vec<String>>| {
            list.as_deref().map(|list| read(self, &format!("{path}.{word}"), list))
        };
        NumberLists { any: list("any", &lists.any), all: list("all", &lists.all), none: list("none", &lists.none) }
    }

    fn keywords(&mut self, path: &str, list: &[String]) -> Numbers {
        let read = |(index, written): (u32, &String)| match Keyword::read(written) {
            Some(keyword) => Some((self.keywords.number(keyword), index)),
            None => {
                let message = format!("nothing is left of the keyword {written:?} once it is folded");
                self.problem(&format!("{path}[{index}]"), message);
                None
            }
        };
        Numbers::new((0..).zip(list).filter_map(read).collect())
    }

    fn entries(&mut self, path: &str, list: &[String]) -> Numbers {
        let read = |(index, written): (u32, &String)| match Entry::read(written) {
            Some(entry) => Some((self.entries.number(entry), index)),
            None => {
                let message = format!(
                    "a part of the category {written:?} is empty; write `first`, `first/*`, `*/second` or `first/second`"
                );
                self.problem(&format!("{path}[{index}]"), message);
                None
            }
        };
        Numbers::new((0..).zip(list).filter_map(read).collect())
    }
}

/// The key of a test in a condition table.
pub(super) fn test_word(test: &Test) -> &'static str {
    match test {
        Test::Always => "always",
        Test::Category(_) => "category",
        Test::Reason(_) => "reason",
        Test::Nickname(_) => "nickname",
        Test::Appid(_) => "appid",
        Test::Age(_) => "age",
        Test::Previous(_) => "previous",
        Test::AnyOf(_) => "any_of",
        Test::Not(_) => "not",
    }
}
