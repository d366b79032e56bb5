//! Why a way ends: what sockets, resolver and TLS say, told apart by who mends it.

use std::{error::Error as StdError, io};

/// Characters of a cause that are kept.
const DETAIL_MAX_CHARS: usize = 200;

/// Where the way ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    /// What it is.
    pub kind: BarrierKind,
    /// In the words of who noticed it.
    pub detail: String,
}

/// Why a way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BarrierKind {
    /// Nobody has that name.
    NoSuchName,
    /// No name server answers.
    NoNameServer,
    /// Nobody listens there, or a firewall says no.
    Refused,
    /// No route leads there.
    Unreachable,
    /// No answer in time.
    Silent,
    /// Our own certificates or proxy settings cannot be used.
    SetUp,
    /// Its certificate is signed by nobody we trust.
    Untrusted,
    /// Its certificate is for another name.
    WrongName,
    /// Its certificate has expired, or is not valid yet.
    OutOfDate,
    /// What answers speaks no TLS we understand.
    NoTls,
    /// The proxy does not lead on.
    ProxyRefuses,
    /// The connection broke.
    Broken,
}

pub(super) fn barrier(kind: BarrierKind, detail: &str) -> Barrier {
    let detail = detail.chars().filter(|c| !c.is_control()).take(DETAIL_MAX_CHARS).collect();
    Barrier { kind, detail }
}

/// A name that leads nowhere. The resolver tells its reasons in words alone: gai_strerror(3).
pub(super) fn unnamed(host: &str, error: &io::Error) -> Barrier {
    let text = error.to_string();
    let kind = match text.contains("emporary failure") || text.contains("try again") {
        true => BarrierKind::NoNameServer,
        false => BarrierKind::NoSuchName,
    };
    let said = text.rsplit(": ").next().unwrap_or_default();
    barrier(kind, &format!("{host}: {said}"))
}

pub(super) fn unreached(error: &io::Error) -> BarrierKind {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => BarrierKind::Refused,
        io::ErrorKind::TimedOut => BarrierKind::Silent,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => BarrierKind::Broken,
        _ => BarrierKind::Unreachable,
    }
}

/// What the system says, without "(os error 111)".
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// What a question ended at.
pub(super) fn met(error: &reqwest::Error, proxied: bool) -> Barrier {
    let innermost = causes(error).last().map(ToString::to_string).unwrap_or_default();
    if let Some(kind) = tls_trouble(error) {
        return barrier(kind, &innermost);
    }
    let kind = match causes(error).find_map(|cause| cause.downcast_ref::<io::Error>().map(unreached)) {
        _ if error.is_timeout() => BarrierKind::Silent,
        _ if proxied && error.is_connect() => BarrierKind::ProxyRefuses,
        Some(kind) if error.is_connect() => kind,
        _ => BarrierKind::Broken,
    };
    let detail = if kind == BarrierKind::Silent { "no answer in time".to_owned() } else { innermost };
    barrier(kind, &detail)
}

/// What TLS has against it, if it is TLS.
pub(super) fn tls_trouble(error: &reqwest::Error) -> Option<BarrierKind> {
    use rustls::{CertificateError as Of, Error as Tls};
    let found = causes(error).find_map(|cause| cause.downcast_ref::<Tls>())?;
    Some(match found {
        Tls::InvalidCertificate(Of::Expired | Of::ExpiredContext { .. }) => BarrierKind::OutOfDate,
        Tls::InvalidCertificate(Of::NotValidYet | Of::NotValidYetContext { .. }) => BarrierKind::OutOfDate,
        Tls::InvalidCertificate(Of::NotValidForName | Of::NotValidForNameContext { .. }) => BarrierKind::WrongName,
        Tls::InvalidCertificate(_) => BarrierKind::Untrusted,
        _ => BarrierKind::NoTls,
    })
}

/// The causes of an error, the outermost first; what an IO error wraps is one, though it does not say so.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| below(*cause))
}

fn below<'e>(cause: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_nowhere() {
        let cases = [
            ("failed to lookup address information: Name or service not known", BarrierKind::NoSuchName),
            ("failed to lookup address information: No address associated with hostname", BarrierKind::NoSuchName),
            ("failed to lookup address information: Temporary failure in name resolution", BarrierKind::NoNameServer),
        ];
        for (text, kind) in cases {
            let found = unnamed("api.example", &io::Error::other(text));
            assert_eq!(found.kind, kind, "{text}");
            assert!(found.detail.starts_with("api.example: ") && !found.detail.contains("lookup"), "{}", found.detail);
        }
    }
}
