//! What stands beside WeChat: what chat robots answer and are shown, and the mark beside the database.

use menshen::notify::{Again, plain, read_robots};
use menshen::store::{mark_after, read_mark};
use std::time::Duration;

/// What a robot answers, to each kind: only a plain 0 is a yes; a no repeats nothing of it and says when to try again.
pub(crate) fn robot(bytes: &[u8]) {
    let body = serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
    let zero = |key: &str| body.get(key).and_then(serde_json::Value::as_i64) == Some(0);
    let keys: [&[&str]; 3] = [&["errcode"], &["code", "StatusCode"], &["errcode"]];
    let said = String::from_utf8_lossy(bytes);
    for (answer, keys) in read_robots(bytes).into_iter().zip(keys) {
        let Err(error) = answer else {
            assert!(keys.iter().any(|key| zero(key)), "{said}");
            continue;
        };
        let shown = error.to_string();
        assert!(shown.chars().count() < 300 && !shown.chars().any(char::is_control), "{shown:?}");
        // Its number may stand there; nothing as long as a word.
        said.split_whitespace()
            .filter(|word| word.len() > 24)
            .for_each(|word| assert!(!shown.contains(word), "{shown}"));
        if let Again::After(wait) = error.again() {
            assert!((Duration::from_secs(1)..=Duration::from_secs(3_600)).contains(&wait));
        }
    }
}

/// An applicant's text as a chat is shown it: one line of text, no markup, no address, nothing unseen but our own breaks.
pub(crate) fn shown(bytes: &[u8]) {
    const MOST: usize = 200;
    const BREAK: char = '\u{200B}';
    let text = String::from_utf8_lossy(bytes);
    let shown = plain(&text, MOST);
    assert!(
        !shown.contains(['<', '>', '[', ']', '(', ')', '{', '}', '*', '_', '`', '#', '~', '|', '\\', '@', '&', '$'])
    );
    assert!(!shown.contains("://") && !shown.starts_with(['-', '+', '=', ' ']), "{shown:?}");
    assert!(!shown.chars().any(|c| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c) || c == '\u{2066}'));
    assert!(shown.chars().filter(|c| *c != BREAK).count() <= MOST + 1);
    let letters: Vec<char> = shown.chars().collect();
    for around in letters.windows(3) {
        let [before, c, after] = *around else { continue };
        assert!(c != '.' || [before, after].iter().any(|c| [' ', '.', BREAK, '…'].contains(c)), "{shown:?}");
        assert!(c != BREAK || !before.is_alphanumeric(), "{shown:?}");
    }
    assert_eq!(plain(&plain(&text, usize::MAX >> 8), usize::MAX >> 8), plain(&text, usize::MAX >> 8));
}

/// The mark's file: whatever stands in it, what is written next is what is read, and a power cut while it is written
/// leaves that or what was read before. Unless the line that is written over was damaged: half of what is written may mend it.
pub(crate) fn mark(bytes: &[u8]) {
    /// One line; there are two.
    const LINE: usize = 96;
    let before = read_mark(bytes);
    assert!(before.is_none_or(|settlement| settlement > 0));
    let next = before.unwrap_or(0).saturating_add(1);
    let after = mark_after(bytes, next);
    assert_eq!(read_mark(&after), Some(next));
    let place = if after.get(..LINE) == bytes.get(..LINE) { LINE } else { 0 };
    let over = bytes.get(place..).unwrap_or_default();
    let over = over.get(..LINE).unwrap_or(over);
    if read_mark(over).is_none() && over.iter().any(|byte| !byte.is_ascii_whitespace()) {
        return;
    }
    for cut in 0..after.len().min(2 * LINE) {
        let torn = [&after[..cut], bytes.get(cut..).unwrap_or_default()].concat();
        let found = read_mark(&torn);
        assert!(found == before || found == Some(next), "{cut}: {found:?}");
    }
}
