//! What WeChat answers, or somebody in its place.

use menshen::wechat::{Entry, read_anything, read_entries, read_page, read_record, read_token};
use secrecy::ExposeSecret;

/// A page of WeChat's list: it is read or refused, and never panics.
pub(crate) fn page(bytes: &[u8]) {
    let Ok(page) = read_page(bytes, 1) else { return };
    assert_eq!(page.entries, page.pending.len() + page.others.len() + page.unreadable.len());
}

/// Any answer: no error tells a secret, and none is long or holds a control character.
pub(crate) fn answer(bytes: &[u8]) {
    const SECRET: &str = "S3CRET";
    for error in read_anything(bytes, &[SECRET]) {
        let (shown, advice) = (error.to_string(), error.advice().unwrap_or_default().into_owned());
        let kept = [error.errmsg().unwrap_or_default(), error.rid().unwrap_or_default(), &shown, &advice];
        for text in kept {
            assert!(!text.contains(SECRET), "{text}");
            assert!(text.chars().count() < 600 && !text.chars().any(char::is_control), "{text:?}");
        }
        assert!(!format!("{error:?}").contains(SECRET));
    }
    if let Some(record) = read_record(bytes, &[SECRET]) {
        assert!(!format!("{record:?}").contains(SECRET));
    }
}

/// What a token service, its file or its program hands out: one plain word is taken, anything else refused without repeating it.
pub(crate) fn handed(bytes: &[u8]) {
    match read_token(bytes) {
        Ok(token) => {
            let word = token.expose_secret();
            assert!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        Err(problem) => {
            let words = String::from_utf8_lossy(bytes);
            words.split_whitespace().filter(|word| word.len() >= 24).for_each(|word| assert!(!problem.contains(word)));
        }
    }
}

/// What `rules explain --application` is given: entries are read or refused, and what is read holds together.
pub(crate) fn entries(bytes: &[u8]) {
    for Entry { application, .. } in read_entries(bytes).into_iter().flatten().flatten() {
        assert!(!application.appid.as_str().trim().is_empty());
        let _ = (application.identity(), application.create_time.seconds());
    }
}
