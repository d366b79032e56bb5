//! Entries of a list that a person has at hand: one alone, a list of them, or a whole answer.
//!
//! Reads them as leniently as the list itself is read; what is not pending keeps
//! its words here, and a status may be missing. Does not ask WeChat.

use super::{
    Error,
    json::{Field, Fields, text_of},
    wire::{appid_of, application_of, read_page, status_of, unreadable, with_fields},
};
use crate::policy::{Application, Status};

/// One entry of `apply_list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub application: Application,
    /// Where it stands; none if it does not say.
    pub status: Option<Status>,
}

/// Reads one entry, a list of entries or a whole answer; an entry without a readable appid is told in words.
///
/// # Errors
/// [`Error::Api`] when it is an answer with an errcode; [`Error::Unreadable`] when it is none of the three.
pub fn read_entries(json: &[u8]) -> Result<Vec<Result<Entry, String>>, Error> {
    let text = text_of(json);
    if text.trim_start().starts_with('[') {
        return read_entries(format!("{{\"apply_list\":{text}}}").as_bytes());
    }
    with_fields(json, |fields| match fields.get(&["apply_list", "applyList"]) {
        Some(list) => {
            let entries = list.entries().ok_or_else(|| unreadable("apply_list is no list"))?;
            Ok(entries.into_iter().map(entry_of).collect())
        }
        None if fields.has(&["appid"]) => Ok(vec![entry(fields)]),
        None => read_page(json, 1).map(|_| Vec::new()),
    })
}

fn entry_of(field: Field<'_>) -> Result<Entry, String> {
    entry(&field.fields().ok_or_else(|| format!("the entry is {}", field.kind().word()))?)
}

fn entry(fields: &Fields<'_>) -> Result<Entry, String> {
    let appid = appid_of(fields)?;
    let status = if fields.get(&["status"]).is_some() { Some(status_of(fields)?) } else { None };
    Ok(Entry { application: application_of(fields, appid), status })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appid, status and fields of a wrong kind of each entry; or the error.
    #[track_caller]
    fn check(json: &str, expected: Result<&[&str], &str>) {
        let word = |entry: Result<Entry, String>| match entry {
            Ok(Entry { application, status }) => {
                format!("{} {status:?} {}", application.appid, application.malformed.join(",")).trim_end().to_owned()
            }
            Err(problem) => problem,
        };
        let found = read_entries(json.as_bytes()).map(|entries| entries.into_iter().map(word).collect::<Vec<_>>());
        let expected = expected.map(|all| all.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(found.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{json}");
    }

    #[test]
    fn one_entry_a_list_or_an_answer() {
        let one = Ok(["wx Some(Pending)"].as_slice());
        check(r#"{"appid":"wx","status":1}"#, one);
        check(r#" [{"appid":"wx","status":"1"}] "#, one);
        check(r#"{"errcode":0,"apply_list":[{"appid":"wx","status":1}]}"#, one);
        check(r#"{"appid":"wx"}"#, Ok(&["wx None"]));
        check(r#"{"appid":"wx","status":3,"nickname":7}"#, Ok(&["wx Some(Refused) nickname"]));
        check(
            r#"[{"status":1},7,{"appid":"wx","status":"x"}]"#,
            Ok(&["appid is missing", "the entry is a number", "status is a string"]),
        );
        check(r#"{"appid":7}"#, Ok(&["appid is a number"]));
        check(r#"{"errcode":0,"errmsg":"ok"}"#, Ok(&[]));
        check("[]", Ok(&[]));
        assert!(matches!(read_entries(br#"{"errcode":40001,"errmsg":"x"}"#), Err(Error::Api { errcode: 40001, .. })));
        for none in ["", "<html>", "7", "{", "[{]", r#"{"apply_list":7}"#, r#"{"nickname":"x"}"#] {
            assert!(matches!(read_entries(none.as_bytes()), Err(Error::Unreadable { .. })), "{none}");
        }
    }

    #[test]
    fn words_of_what_is_not_pending_are_kept() {
        let entries = read_entries(r#"{"appid":"wx","status":2,"reason":"查\ud83d件"}"#.as_bytes()).expect("an entry");
        let entry = entries[0].as_ref().expect("readable");
        assert_eq!((entry.status, entry.application.reason.as_str()), (Some(Status::Approved), "查\u{fffd}件"));
    }
}
