//! The outbox: kept with what they tell, gone when delivered, erased when redacted.

use super::*;

fn letter(target: &str, second: i64, tells: &[&str]) -> NewLetter {
    NewLetter {
        at: at(second),
        target: target.to_owned(),
        event: "held",
        notice: format!("{{\"n\":{second}}}"),
        words: Some((format!("[\"words {second}\"]"), at(second))),
        tells: tells.iter().map(|key| (*key).to_owned()).collect(),
        forgets: Vec::new(),
    }
}

async fn kept(desk: &Desk, target: &str) -> Vec<String> {
    desk.store.letters(target, 100).await.unwrap().into_iter().map(|letter| letter.notice).collect()
}

async fn told(desk: &Desk, target: &str) -> Vec<String> {
    let mut keys: Vec<String> = desk.store.told(target).await.unwrap().into_keys().map(|(_, key)| key).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn letters_wait_for_their_target_oldest_first() {
    let desk = Desk::new().await;
    let letters = [letter("a", 1, &["1", "2"]), letter("b", 2, &["1"]), letter("a", 3, &["3"])];
    desk.store.keep_letters(&letters).await.unwrap();
    assert_eq!(kept(&desk, "a").await, ["{\"n\":1}", "{\"n\":3}"]);
    assert_eq!(
        (told(&desk, "a").await, told(&desk, "b").await),
        (vec!["1".into(), "2".into(), "3".into()], vec!["1".into()])
    );
    let first = desk.store.letters("a", 1).await.unwrap().remove(0);
    desk.store.forget_letter(first.id).await.unwrap();
    assert_eq!(kept(&desk, "a").await, ["{\"n\":3}"]);
    assert_eq!(told(&desk, "a").await.len(), 3, "delivered, and still told");
    let over = NewLetter { forgets: vec!["2".into(), "3".into()], ..letter("a", 4, &[]) };
    desk.store.keep_letters(&[over]).await.unwrap();
    assert_eq!(told(&desk, "a").await, ["1"]);
    assert_eq!(desk.store.verify(None, &|_| ()).await.unwrap().findings, [], "no records");
}

#[tokio::test]
async fn what_is_old_too_much_or_for_nobody_goes() {
    let desk = Desk::new().await;
    let letters: Vec<NewLetter> = (0..10).map(|n| letter("a", n, &[&n.to_string()])).collect();
    desk.store.keep_letters(&letters).await.unwrap();
    desk.store.keep_letters(&[letter("b", 1, &["x"])]).await.unwrap();
    assert_eq!(desk.store.give_up_letters("a", at(2), 100).await.unwrap(), 2);
    assert_eq!(desk.store.give_up_letters("a", at(2), 5).await.unwrap(), 3);
    assert_eq!(desk.store.give_up_letters("a", at(2), 5).await.unwrap(), 0);
    assert_eq!(kept(&desk, "a").await.first().map(String::as_str), Some("{\"n\":5}"));
    let brake = NewLetter { event: "brake", ..letter("a", 0, &["brake"]) };
    desk.store.keep_letters(&[brake]).await.unwrap();
    desk.store.tidy_letters(&["a".to_owned()], at(8)).await.unwrap();
    assert_eq!(told(&desk, "a").await, ["8", "9", "brake"], "a brake ends by being lifted");
    assert_eq!((kept(&desk, "b").await.len(), told(&desk, "b").await.len()), (0, 0));
}

#[tokio::test]
async fn a_redaction_erases_the_words_that_wait() {
    let desk = Desk::new().await;
    desk.store.keep_letters(&[letter("a", 1, &[]), letter("a", 5, &[])]).await.unwrap();
    desk.store.redact(at(3), "cli:me", at(9), &|_| ()).await.unwrap();
    let words: Vec<_> = desk.store.letters("a", 10).await.unwrap().into_iter().map(|letter| letter.words).collect();
    assert_eq!(words, [None, Some("[\"words 5\"]".to_owned())]);
}
