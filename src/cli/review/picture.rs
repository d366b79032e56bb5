//! The applicant's mini program code, drawn where the terminal can.
//!
//! Hides how terminals take pictures. Promises that nothing is fetched unless standard output is a terminal known to
//! draw, and that what reaches the terminal is our own escape sequence around base64: not a byte of the picture or of
//! its address is written as it came.

use crate::cli::print;
use crate::config::{Account, Config};
use crate::store::Waiting;
use crate::wechat::{self, Picture, PictureKind, PictureWay};
use anyhow::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::IsTerminal;
use std::sync::Arc;

/// Columns it takes: wide enough for a phone's camera to read it off the screen.
const COLUMNS: u32 = 40;
/// Characters of one piece; more is not taken by kitty.
const PIECE_CHARS: usize = 4096;

/// How a terminal takes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// Of kitty; ghostty speaks it, too. PNG alone.
    Kitty,
    /// Of iTerm2; WezTerm and mintty speak it, too.
    Iterm,
}

/// Draws it below what was printed, or says why it does not: the link stands above either way.
pub(super) async fn draw(config: &Config, one: &Waiting) -> Result<(), Error> {
    match drawn(config, one).await {
        Ok(sequence) => print::raw(&sequence),
        Err(why) => {
            anstream::eprintln!("the code is not drawn: {why}");
            Ok(())
        }
    }
}

async fn drawn(config: &Config, one: &Waiting) -> Result<String, String> {
    let address = one.apply_url.as_deref().ok_or("WeChat gave no link to it, or it was redacted")?;
    if !std::io::stdout().is_terminal() {
        return Err("standard output is no terminal".to_owned());
    }
    let protocol = protocol(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .ok_or("this terminal is none that is known to draw pictures (kitty, ghostty, iTerm2, WezTerm, mintty)")?;
    let account = config.accounts.iter().find(|account| account.name == one.row.account);
    let way = way(account.ok_or("its account is not in the configuration any more")?);
    let picture = wechat::picture(address, &way).await.map_err(|error| format!("{:#}", Error::new(error)))?;
    sequence(protocol, &picture).ok_or_else(|| "this terminal draws PNG alone, and WeChat sent another kind".to_owned())
}

fn way(account: &Account) -> PictureWay {
    let wechat = &account.wechat;
    // Looking at the record asks for no certificates, so they may not have been read.
    let ca_pem = |file: &crate::config::CaFile| match file.pem.is_empty() {
        true => std::fs::read(&file.path).ok().map(Arc::from),
        false => Some(Arc::clone(&file.pem)),
    };
    PictureWay {
        base_url: wechat.base_url.clone(),
        proxy: wechat.proxy.as_ref().map(|proxy| proxy.expose().into()),
        ca_pem: wechat.ca_file.as_ref().and_then(ca_pem),
    }
}

/// By what terminals say of themselves. A multiplexer passes no pictures on, whatever terminal it runs in.
fn protocol(env: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
    let term = env("TERM").unwrap_or_default();
    let multiplexed = env("TMUX").is_some() || env("STY").is_some() || env("ZELLIJ").is_some();
    if multiplexed || ["tmux", "screen"].iter().any(|name| term.starts_with(name)) {
        return None;
    }
    let program = env("TERM_PROGRAM").or_else(|| env("LC_TERMINAL")).unwrap_or_default();
    match (program.as_str(), term.as_str()) {
        ("iTerm.app" | "iTerm2" | "WezTerm" | "mintty", _) => Some(Protocol::Iterm),
        ("ghostty" | "kitty", _) | (_, "xterm-kitty" | "xterm-ghostty") => Some(Protocol::Kitty),
        // Another terminal that was started from kitty has inherited this.
        ("", _) => env("KITTY_WINDOW_ID").map(|_| Protocol::Kitty),
        _ => None,
    }
}

/// What makes the terminal draw it; nothing if it cannot.
fn sequence(protocol: Protocol, picture: &Picture) -> Option<String> {
    let encoded = STANDARD.encode(&picture.bytes);
    match (protocol, picture.kind) {
        (Protocol::Iterm, _) => Some(format!(
            "\x1b]1337;File=inline=1;size={};width={COLUMNS};preserveAspectRatio=1:{encoded}\x07\n",
            picture.bytes.len()
        )),
        (Protocol::Kitty, PictureKind::Png) => Some(kitty(&encoded)),
        (Protocol::Kitty, PictureKind::Jpeg | PictureKind::Gif) => None,
    }
}

/// In pieces; the terminal is told not to answer (`q=2`), or its words would be taken for typed ones.
fn kitty(encoded: &str) -> String {
    let pieces: Vec<&str> =
        encoded.as_bytes().chunks(PIECE_CHARS).filter_map(|piece| str::from_utf8(piece).ok()).collect();
    let mut sequence = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let first = if at == 0 { format!("a=T,f=100,c={COLUMNS},") } else { String::new() };
        let more = u8::from(at + 1 < pieces.len());
        sequence.push_str(&format!("\x1b_G{first}q=2,m={more};{piece}\x1b\\"));
    }
    sequence + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &[(&str, &str)], wanted: Option<Protocol>) {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        assert_eq!(protocol(env), wanted);
    }

    #[test]
    fn terminals_are_known_by_what_they_say_of_themselves() {
        check(&[], None);
        check(&[("TERM", "xterm-256color")], None);
        check(&[("TERM", "dumb"), ("TERM_PROGRAM", "Apple_Terminal")], None);
        check(&[("TERM", "xterm-kitty")], Some(Protocol::Kitty));
        check(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], Some(Protocol::Kitty));
        check(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1"), ("TERM_PROGRAM", "vscode")], None);
        check(&[("TERM", "xterm-ghostty")], Some(Protocol::Kitty));
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "ghostty")], Some(Protocol::Kitty));
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Some(Protocol::Iterm));
        check(&[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")], Some(Protocol::Iterm));
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], Some(Protocol::Iterm));
        check(&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")], None);
        check(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux-0/default,1,0")], None);
        check(&[("TERM", "screen"), ("TERM_PROGRAM", "iTerm.app")], None);
        check(&[("TERM", "xterm-256color"), ("STY", "1.pts"), ("LC_TERMINAL", "iTerm2")], None);
    }

    fn picture(kind: PictureKind, bytes: &[u8]) -> Picture {
        Picture { kind, bytes: bytes.to_vec() }
    }

    #[test]
    fn sequences_are_as_the_terminals_document_them() {
        let png = picture(PictureKind::Png, b"\x89PNG");
        assert_eq!(sequence(Protocol::Kitty, &png).as_deref(), Some("\x1b_Ga=T,f=100,c=40,q=2,m=0;iVBORw==\x1b\\\n"));
        assert_eq!(
            sequence(Protocol::Iterm, &png).as_deref(),
            Some("\x1b]1337;File=inline=1;size=4;width=40;preserveAspectRatio=1:iVBORw==\x07\n")
        );
        let jpeg = picture(PictureKind::Jpeg, b"\xff\xd8\xff");
        assert_eq!(sequence(Protocol::Kitty, &jpeg), None);
        assert!(sequence(Protocol::Iterm, &jpeg).is_some_and(|sequence| sequence.ends_with(":/9j/\x07\n")));
    }

    #[test]
    fn a_large_picture_goes_in_pieces_and_nothing_of_it_is_obeyed() {
        // 6147 bytes are 8196 characters: two whole pieces and four characters.
        let hostile = b"\x1b]0;pwned\x07\x1b\\\x9b31m".repeat(500);
        let png = picture(PictureKind::Png, &hostile[..6147]);
        let drawn = sequence(Protocol::Kitty, &png).expect("PNG is drawn");
        let pieces: Vec<&str> = drawn.trim_end().split_terminator("\x1b\\").collect();
        let heads: Vec<&str> = pieces.iter().map(|piece| piece.split(';').next().unwrap_or_default()).collect();
        assert_eq!(heads, ["\x1b_Ga=T,f=100,c=40,q=2,m=1", "\x1b_Gq=2,m=1", "\x1b_Gq=2,m=0"]);
        let encoded: String = pieces.iter().filter_map(|piece| Some(piece.split_once(';')?.1)).collect();
        assert_eq!(STANDARD.decode(&encoded).expect("base64"), png.bytes);
        assert!(pieces.iter().all(|piece| piece.len() < 4096 + 40 && piece[1..].chars().all(|c| c.is_ascii_graphic())));
    }
}
