//! Canaries: texts that occur nowhere else, and a search that knows them again in whatever they were written.
//!
//! What is searched is read as it is, without its JSON (or Rust) escapes, and
//! without its percent signs; and each canary is looked for in hexadecimal, as a
//! list of bytes and in base64 at each place it may begin at. So one that was
//! escaped twice, or half in capitals, is found, too.

use aho_corasick::AhoCorasick;
use std::path::Path;

/// Texts that must not be found.
pub(crate) struct Canaries {
    forms: Vec<String>,
    seen_by: AhoCorasick,
}

impl Canaries {
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Canaries {
        let forms: Vec<String> = texts.into_iter().flat_map(forms).collect();
        let seen_by = AhoCorasick::new(&forms).expect("few and short");
        Canaries { forms, seen_by }
    }

    /// What was found first, with what stands around it.
    pub(crate) fn find(&self, text: &[u8]) -> Option<String> {
        readings(text).into_iter().find_map(|text| {
            let found = self.seen_by.find(&text)?;
            let around = &text[found.start().saturating_sub(80)..(found.end() + 20).min(text.len())];
            Some(format!("{:?} in: {}", self.forms[found.pattern()], String::from_utf8_lossy(around)))
        })
    }

    #[track_caller]
    pub(crate) fn absent(&self, text: &[u8], place: &str) {
        if let Some(found) = self.find(text) {
            panic!("{place}: {found}");
        }
    }

    /// In no file below a directory, but those whose name holds `except`.
    #[track_caller]
    pub(crate) fn absent_below(&self, dir: &Path, except: Option<&str>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry")) {
            let name = entry.path().display().to_string();
            if entry.file_type().expect("a type").is_dir() {
                self.absent_below(&entry.path(), except);
            } else if except.is_none_or(|except| !name.contains(except)) {
                self.absent(&std::fs::read(entry.path()).expect("a file"), &name);
            }
        }
    }
}

/// A canary in every form that decoding the text does not undo.
fn forms(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes = format!("{:?}", text.as_bytes());
    let mut forms = vec![text.to_owned(), hex.to_uppercase(), hex, bytes.trim_matches(['[', ']']).to_owned()];
    // Base64 of the text at each of the three places it may begin at, without the characters its neighbours touch.
    for shift in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(b'x', shift).chain(text.bytes()).collect();
        let (start, end) = ([0, 2, 3][shift], (padded.len() * 8) / 6);
        let standard = base64(&padded)[start..end].to_owned();
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    forms
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (place, byte)| word | u32::from(*byte) << (16 - 8 * place));
        text.extend((0..4).map(|place| char::from(LETTERS[(word >> (18 - 6 * place) & 63) as usize])));
    }
    text
}

/// A text as it is, and with one or two layers of escapes taken off.
fn readings(text: &[u8]) -> Vec<Vec<u8>> {
    let once = without_escapes(text);
    let twice = without_escapes(&once);
    let mut readings = vec![text.to_vec(), once, twice];
    let percent: Vec<Vec<u8>> = readings.iter().map(|text| without_percent(text)).collect();
    readings.push(without_escapes(&percent[0]));
    readings.extend(percent);
    readings
}

/// `%2F` and `%2f` as the byte they stand for.
fn without_percent(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut plain, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    plain
}

/// `\"`, `\u4e2d`, `\u{4e2d}` and their like as what they stand for.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let (mut plain, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.get(at) {
        let (character, length) = match (byte, text.get(at + 1)) {
            (b'\\', Some(b'u')) => unicode(&text[at + 2..]).map_or((None, 1), |(c, length)| (c, length + 2)),
            (b'\\', Some(b'n')) => (Some('\n'), 2),
            (b'\\', Some(c)) if c.is_ascii_punctuation() => (Some(char::from(*c)), 2),
            _ => (None, 1),
        };
        match character {
            Some(c) => plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => plain.push(*byte),
        }
        at += if character.is_some() { length } else { 1 };
    }
    plain
}

/// The character of four digits, or of some in braces, and how many bytes that took.
fn unicode(text: &[u8]) -> Option<(Option<char>, usize)> {
    let (digits, length) = match text.first()? {
        b'{' => {
            let end = text.iter().take(9).position(|byte| *byte == b'}')?;
            (text.get(1..end)?, end + 1)
        }
        _ => (text.get(..4)?, 4),
    };
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u32::from_str_radix(digits, 16).ok().and_then(char::from_u32), length))
}
