//! Finds names in tokens that are no syntax yet: the insides of macros and attributes.
//!
//! Every run of identifiers joined by `::` is taken for a path, which finds more than is one; the rules
//! name nothing that a keyword or a variable could be mistaken for.

use crate::scan::Scan;
use crate::tree::Kind;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::visit::Visit;

/// Notes every name in the tokens.
pub(crate) fn scan(scan: &mut Scan<'_>, stream: TokenStream) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        at = step(scan, &tokens, at);
    }
}

/// Takes what begins at `at`; gives where to go on.
fn step(scan: &mut Scan<'_>, tokens: &[TokenTree], at: usize) -> usize {
    match &tokens[at] {
        TokenTree::Group(group) => self::scan(scan, group.stream()),
        TokenTree::Literal(literal) => quoted_path(scan, literal),
        TokenTree::Ident(word) if word == "use" => return import(scan, tokens, at),
        TokenTree::Ident(word) if after_dot(tokens, at) => {
            if is_call(tokens, at + 1) {
                scan.mention(Kind::Method, vec![word.to_string()], word.span());
            }
        }
        TokenTree::Ident(_) => return path(scan, tokens, at),
        TokenTree::Punct(_) => {}
    }
    at + 1
}

fn path(scan: &mut Scan<'_>, tokens: &[TokenTree], at: usize) -> usize {
    let mut segments = vec![tokens[at].to_string()];
    if at >= 2 && is_joint(tokens, at - 2) {
        segments.insert(0, String::new());
    }
    let mut next = at + 1;
    loop {
        next = past_generics(tokens, next);
        match tokens.get(next + 2) {
            Some(TokenTree::Ident(word)) if is_joint(tokens, next) => segments.push(word.to_string()),
            _ => break,
        }
        next += 3;
    }
    let bang = matches!(tokens.get(next), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
    let called = bang && matches!(tokens.get(next + 1), Some(TokenTree::Group(_)));
    scan.mention(if called { Kind::Macro } else { Kind::Path }, segments, tokens[at].span());
    // What stands in the generics is read on its own: go on right behind the first word.
    if next > at + 1 && has_generics(tokens, at, next) { at + 1 } else { next }
}

/// A `use` inside a macro counts like any other, as far as it can be read.
fn import(scan: &mut Scan<'_>, tokens: &[TokenTree], at: usize) -> usize {
    let length = tokens[at..].iter().position(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';'));
    let Some(length) = length else { return at + 1 };
    let statement = without_dollars(tokens[at..=at + length].iter().cloned());
    match syn::parse2::<syn::ItemUse>(statement) {
        Ok(item) => {
            scan.visit_item_use(&item);
            at + length + 1
        }
        Err(_) => at + 1,
    }
}

/// `with = "a::b"` in an attribute names a path; so may a macro's argument.
fn quoted_path(scan: &mut Scan<'_>, literal: &proc_macro2::Literal) {
    let Ok(syn::Lit::Str(text)) = syn::parse_str::<syn::Lit>(&literal.to_string()) else { return };
    if let Ok(path) = text.parse::<syn::Path>()
        && path.segments.len() > 1
    {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        scan.mention(Kind::Path, segments, literal.span());
    }
}

/// `$crate` in a macro of ours is `crate`.
fn without_dollars(tokens: impl Iterator<Item = TokenTree>) -> TokenStream {
    tokens.filter(|token| !matches!(token, TokenTree::Punct(mark) if mark.as_char() == '$')).collect()
}

fn is(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == wanted)
}

/// `::` at this place.
fn is_joint(tokens: &[TokenTree], at: usize) -> bool {
    matches!(&tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':' && mark.spacing() == Spacing::Joint)
        && is(tokens, at + 1, ':')
}

/// A single `.` before: a field or a method. After `..` stands an expression.
fn after_dot(tokens: &[TokenTree], at: usize) -> bool {
    at >= 1 && is(tokens, at - 1, '.') && !(at >= 2 && is(tokens, at - 2, '.'))
}

fn is_call(tokens: &[TokenTree], at: usize) -> bool {
    let parenthesis = |group: &proc_macro2::Group| group.delimiter() == Delimiter::Parenthesis;
    matches!(tokens.get(at), Some(TokenTree::Group(group)) if parenthesis(group)) || is_joint(tokens, at)
}

/// Skips `::<…>` when a `::name` follows it.
fn past_generics(tokens: &[TokenTree], at: usize) -> usize {
    if !(is_joint(tokens, at) && is(tokens, at + 2, '<')) {
        return at;
    }
    let mut depth = 0;
    for next in at + 2..tokens.len() {
        // The `>` of `->` closes nothing.
        let arrow = next > 0 && is(tokens, next - 1, '-');
        depth += i32::from(is(tokens, next, '<')) - i32::from(is(tokens, next, '>') && !arrow);
        if depth == 0 {
            return next + 1;
        }
    }
    at
}

fn has_generics(tokens: &[TokenTree], from: usize, to: usize) -> bool {
    (from..to).any(|at| is(tokens, at, '<'))
}
