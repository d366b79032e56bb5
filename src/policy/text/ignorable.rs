//! Characters that show nothing and decide nothing: what folding drops.
//!
//! Promises that no white space is among them. The ranges are written out so
//! that a text folds the same on every toolchain.

/// Whether folding drops the character: general category Cc or Cf, or Default_Ignorable_Code_Point, and no white space.
pub(crate) fn is_ignorable(c: char) -> bool {
    if c.is_control() {
        return !c.is_whitespace(); // Cc never changes: U+0000..1F and U+007F..9F
    }
    c >= RANGES[0].0 && {
        let after = RANGES.partition_point(|range| range.0 <= c);
        after > 0 && c <= RANGES[after - 1].1
    }
}

/// Cf and Default_Ignorable_Code_Point together, from `DerivedGeneralCategory.txt` and
/// `DerivedCoreProperties.txt` of Unicode 16.0 (no white space is in either).
static RANGES: [(char, char); 25] = [
    ('\u{AD}', '\u{AD}'),       // soft hyphen
    ('\u{34F}', '\u{34F}'),     // combining grapheme joiner
    ('\u{600}', '\u{605}'),     // Arabic number signs
    ('\u{61C}', '\u{61C}'),     // Arabic letter mark
    ('\u{6DD}', '\u{6DD}'),     // Arabic end of ayah
    ('\u{70F}', '\u{70F}'),     // Syriac abbreviation mark
    ('\u{890}', '\u{891}'),     // Arabic pound and piastre marks
    ('\u{8E2}', '\u{8E2}'),     // Arabic disputed end of ayah
    ('\u{115F}', '\u{1160}'),   // Hangul fillers
    ('\u{17B4}', '\u{17B5}'),   // Khmer inherent vowels
    ('\u{180B}', '\u{180F}'),   // Mongolian variation selectors, vowel separator
    ('\u{200B}', '\u{200F}'),   // zero-width space to right-to-left mark
    ('\u{202A}', '\u{202E}'),   // bidi embeddings and overrides
    ('\u{2060}', '\u{206F}'),   // word joiner, invisible operators, bidi isolates
    ('\u{3164}', '\u{3164}'),   // Hangul filler
    ('\u{FE00}', '\u{FE0F}'),   // variation selectors
    ('\u{FEFF}', '\u{FEFF}'),   // byte order mark
    ('\u{FFA0}', '\u{FFA0}'),   // half-width Hangul filler
    ('\u{FFF0}', '\u{FFFB}'),   // reserved, interlinear annotation
    ('\u{110BD}', '\u{110BD}'), // Kaithi number sign
    ('\u{110CD}', '\u{110CD}'), // Kaithi number sign above
    ('\u{13430}', '\u{1343F}'), // Egyptian format controls
    ('\u{1BCA0}', '\u{1BCA3}'), // shorthand format controls
    ('\u{1D173}', '\u{1D17A}'), // musical format controls
    ('\u{E0000}', '\u{E0FFF}'), // tags, variation selectors supplement
];
