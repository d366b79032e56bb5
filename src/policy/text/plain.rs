//! The short way of folding, for the characters nearly every application is made of.
//!
//! Hides which characters fold by themselves, whatever stands beside them.
//! Promises that a text of such characters alone folds as the long way would
//! fold it (held by a test over all of them). Everything else is [`Plain::Other`].

use super::traditional::simplify;

/// What becomes of one character.
pub(super) enum Plain {
    /// It stays, as this.
    Keep(char),
    /// It is white space.
    Space,
    /// It is dropped.
    Drop,
    /// It takes the long way, and the whole text with it.
    Other,
}

/// Folds one character, if its neighbours do not matter.
#[inline]
pub(super) fn plain(c: char) -> Plain {
    match c {
        '\u{4E00}'..='\u{9FFF}' => Plain::Keep(simplify(c)),
        '!'..='~' => Plain::Keep(c.to_ascii_lowercase()),
        ' ' | '\t'..='\r' | '\u{3000}' => Plain::Space,
        '\0'..='\x1F' | '\x7F' => Plain::Drop,
        '\u{FF01}'..='\u{FF5E}' => Plain::Keep(narrow(c)),
        // Chinese punctuation, dashes and quotation marks that are their own normal form
        '、' | '。' | '〈'..='】' | '〔'..='〛' | '—' | '‘'..='‟' | '·' => Plain::Keep(c),
        // kana and Hangul syllables; the marks that would join them are not plain
        'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '가'..='힣' => Plain::Keep(c),
        // emoji
        '\u{1F300}'..='\u{1F64F}' | '\u{1F680}'..='\u{1F6FF}' | '\u{1F900}'..='\u{1F9FF}' => Plain::Keep(c),
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => Plain::Drop,
        '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' => Plain::Drop,
        _ => Plain::Other,
    }
}

/// A full-width form as the ASCII character it is for, in lower case.
fn narrow(c: char) -> char {
    char::from_u32(c as u32 - 0xFEE0).map_or(c, |c| c.to_ascii_lowercase())
}
