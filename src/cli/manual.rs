//! `menshen man`: the manual, made from what the command line itself knows.

use super::args::Cli;
use super::{DONE, print};
use anyhow::{Context, Error};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::path::Path;

/// Prints the page of `menshen`, or writes the page of every command into a directory, named as `man` wants it.
pub(super) fn manual(dir: Option<&Path>) -> Result<u8, Error> {
    let Some(dir) = dir else {
        print::raw(&page(Cli::command())?)?;
        return Ok(DONE);
    };
    let mut top = Cli::command().disable_help_subcommand(true);
    // Gives the commands their full names and the options they share.
    top.build();
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    for command in with_all_below(&top) {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let file = dir.join(format!("{name}.1"));
        fs::write(&file, page(command)?).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(DONE)
}

/// This command and all below it that are shown in help.
fn with_all_below(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).flat_map(with_all_below);
    std::iter::once(command.clone()).chain(below).collect()
}

fn page(command: Command) -> Result<String, Error> {
    let mut page = Vec::new();
    let source = format!("menshen {}", env!("MENSHEN_VERSION"));
    Man::new(command).source(source).manual("menshen").render(&mut page)?;
    Ok(with_examples(&String::from_utf8(page)?))
}

/// What stands below a help text begins with examples: they get a name people look for, and keep their lines.
fn with_examples(page: &str) -> String {
    let Some((before, words)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let (words, after) = words.split_at(words.find("\n.SH ").map_or(words.len(), |at| at + 1));
    let paragraphs = words.trim_end().split("\n\n").map(|paragraph| {
        let kept = paragraph.trim_start_matches("Examples:\n").trim_start_matches("Example:\n");
        match kept.starts_with(' ') {
            true => format!(".nf\n{kept}\n.fi\n"),
            false => format!("{}\n", kept.replace('\n', "\n.br\n")),
        }
    });
    format!("{before}.SH EXAMPLES\n{}{after}", paragraphs.collect::<Vec<_>>().join(".PP\n"))
}
