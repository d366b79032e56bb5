//! Letters of other alphabets that look Latin: a keyword written with one of them is never found.

/// Cyrillic and Greek letters that look like a Latin one, lower case, beside it.
const LOOK_ALIKES: [(char, char); 38] = [
    ('а', 'a'),
    ('в', 'b'),
    ('с', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('ё', 'e'),
    ('һ', 'h'),
    ('н', 'h'),
    ('і', 'i'),
    ('ї', 'i'),
    ('ј', 'j'),
    ('к', 'k'),
    ('ӏ', 'l'),
    ('м', 'm'),
    ('о', 'o'),
    ('р', 'p'),
    ('ԛ', 'q'),
    ('г', 'r'),
    ('ѕ', 's'),
    ('т', 't'),
    ('у', 'y'),
    ('ѵ', 'v'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('з', 'z'),
    ('α', 'a'),
    ('β', 'b'),
    ('ε', 'e'),
    ('η', 'n'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('ζ', 'z'),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
}

/// What is odd about the letters of a text, in words; none when nothing is.
pub(super) fn oddity(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_alphabetic()).find_map(odd_word)
}

fn odd_word(word: &str) -> Option<String> {
    let scripts: Vec<(char, Script)> = word.chars().filter_map(|c| Some((c, script(c)?))).collect();
    let foreign = scripts.iter().find(|(_, script)| *script != Script::Latin)?;
    let named = |(c, script): &(char, Script)| format!("{c} (U+{:04X}) is {script:?}", *c as u32);
    if scripts.iter().any(|(_, script)| *script != foreign.1) {
        return Some(format!("`{word}` mixes alphabets: {}", named(foreign)));
    }
    let latin: Option<String> = scripts.iter().map(|(c, _)| latin_of(*c)).collect();
    latin.map(|latin| {
        format!("every letter of `{word}` looks Latin and none is: {}; Latin is `{latin}`", named(foreign))
    })
}

fn latin_of(c: char) -> Option<char> {
    let lower = c.to_lowercase().next()?;
    LOOK_ALIKES.iter().find(|pair| pair.0 == lower).map(|pair| pair.1)
}

/// The alphabet of a letter, where it is one of those that look alike.
fn script(c: char) -> Option<Script> {
    match c {
        'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Some(Script::Latin),
        '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => Some(Script::Greek),
        '\u{400}'..='\u{52F}' | '\u{1C80}'..='\u{1C8F}' => Some(Script::Cyrillic),
        _ => None,
    }
}
