//! The words of a message as the manual says them, without anything clever.

use super::{naive, policy::*};

/// What `{keyword}` and `{category}` become, one after the other.
pub(super) fn words(when: &Condition, application: &Application) -> String {
    format!("{}{}", keyword(when, application), category(when, application))
}

/// Of the keywords of `any` and `all` that are found the one that starts first in the reason, then in the nickname;
/// the longest of those that start together.
fn keyword(when: &Condition, application: &Application) -> String {
    let reason = |test: &Test| if let Test::Reason(text) = test { Some(text.keywords.clone()) } else { None };
    let nickname = |test: &Test| if let Test::Nickname(text) = test { Some(text.keywords.clone()) } else { None };
    let first = |text: &str, lists: Vec<Lists>| {
        let (text, sought) =
            (fold(text), lists.into_iter().flat_map(|lists| [lists.any, lists.all]).flatten().flatten());
        let found = sought.filter_map(|keyword| Some((naive::place(&keyword, &text)?, keyword)));
        found.min_by_key(|((start, length), _)| (*start, usize::MAX - length)).map(|(_, keyword)| keyword)
    };
    let found = first(&application.reason, gather(when, &reason));
    let found = found.or_else(|| first(&application.nickname, gather(when, &nickname)));
    found.unwrap_or_default().trim_matches('*').to_owned()
}

/// The first category that is on an `any` or `all` list, else the first that is off the `none` lists.
fn category(when: &Condition, application: &Application) -> String {
    let lists = gather(when, &|test| if let Test::Category(lists) = test { Some(lists.clone()) } else { None });
    let part = |part: &Option<String>| part.as_deref().map(fold).unwrap_or_default();
    let folded = |category: &&Category| (part(&category.first), part(&category.second));
    let on = |list: &Option<Vec<String>>, category: &&Category| {
        list.as_ref().is_some_and(|list| naive::on(list, &folded(category)))
    };
    let sought = |category: &&Category| lists.iter().any(|lists| on(&lists.any, category) || on(&lists.all, category));
    let off = |category: &&Category| category.first.is_some() && !lists.iter().any(|lists| on(&lists.none, category));
    let named = application.categories.iter().find(|category| category.first.is_some() && sought(category));
    named.or_else(|| application.categories.iter().find(off)).map(ToString::to_string).unwrap_or_default()
}

/// The lists of a kind, also in branches; none inside `not`.
fn gather(condition: &Condition, pick: &dyn Fn(&Test) -> Option<Lists>) -> Vec<Lists> {
    let of = |test: &Test| match test {
        Test::AnyOf(branches) => branches.iter().flat_map(|branch| gather(branch, pick)).collect(),
        test => pick(test).into_iter().collect::<Vec<Lists>>(),
    };
    condition.tests.iter().flat_map(of).collect()
}
