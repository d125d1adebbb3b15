//! What is wrapped around a ticket: the negotiation of a mechanism (SPNEGO, RFC 4178) and the frame of GSS-API (RFC 4121 4.1).

use super::der::{self, Reader};
use super::refused;
use headworks_core::Result;

/// 1.3.6.1.5.5.2, 1.2.840.113554.1.2.2, and the name that old Windows gives to the latter.
const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
const KERBEROS_OF_OLD: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2];
/// What stands before a request and before an answer.
const REQUEST: &[u8] = &[1, 0];
const ANSWER: &[u8] = &[2, 0];

/// A request with its wrapping.
pub(super) struct Request<'a> {
    /// The AP-REQ.
    pub(super) ticket: &'a [u8],
    /// Where a mechanism was negotiated, the name that the caller gave it.
    negotiated: Option<&'a [u8]>,
}

/// Unwraps a request.
pub(super) fn request(token: &[u8]) -> Result<Request<'_>> {
    if token.starts_with(b"NTLMSSP") {
        return Err(refused("it is an attempt of NTLM, as clients make it that have no ticket for this server"));
    }
    unwrap(token).ok_or_else(|| refused("it is no request of SPNEGO or Kerberos"))?
}

fn unwrap(token: &[u8]) -> Option<Result<Request<'_>>> {
    let mut content = Reader(Reader(token).application(0)?);
    let mechanism = content.object()?;
    if mechanism == KERBEROS {
        return Some(Ok(Request { ticket: content.0.strip_prefix(REQUEST)?, negotiated: None }));
    }
    if mechanism != SPNEGO {
        return None;
    }
    // The NegTokenInit stands in a field like those of a sequence.
    let (0xa0, init) = content.next()? else { return None };
    let init = Reader(init).fields()?;
    let first = init.list(0)?.object()?;
    if first != KERBEROS && first != KERBEROS_OF_OLD {
        return Some(Err(refused("the mechanism that the caller prefers is not Kerberos")));
    }
    let mut inner = Reader(Reader(init.octets(2)?).application(0)?);
    let named = inner.object()?;
    let ticket = inner.0.strip_prefix(REQUEST).filter(|_| named == KERBEROS)?;
    Some(Ok(Request { ticket, negotiated: Some(first) }))
}

impl Request<'_> {
    /// Wraps the answer to this request, an AP-REP.
    pub(super) fn answer(&self, answer: &[u8]) -> Vec<u8> {
        let framed = der::application(0, &[&der::object(KERBEROS), ANSWER, answer].concat());
        match self.negotiated {
            None => framed,
            // negState accept-completed, supportedMech, responseToken.
            Some(mechanism) => der::choice(1, &[(0, der::chosen(0)), (1, der::object(mechanism)), (2, der::octets(&framed))]),
        }
    }
}
