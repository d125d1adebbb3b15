//! The check of a ticket and of the authenticator that comes with it (RFC 4120 3.2.3).

use super::der::{self, Fields, Reader};
use super::keytab::Key;
use super::{Principal, SKEW, encryption, refused};
use crate::secret;
use headworks_core::{Error, Result, Timestamp};
use sha2::{Digest, Sha256};

/// What a key is used for (RFC 4120 7.5.1).
const TICKET: u32 = 2;
const AUTHENTICATOR: u32 = 11;
const ANSWER: u32 = 12;
/// Flags of tickets: not yet valid; the way through other realms was checked.
const INVALID: u32 = 1 << (31 - 7);
const WAY_CHECKED: u32 = 1 << (31 - 12);
/// Option of a request: the server has to prove itself too.
const MUTUAL: u32 = 1 << (31 - 2);

/// What a ticket proves.
pub(super) struct Proven {
    pub(super) client: Principal,
    /// What no two requests share.
    pub(super) once: [u8; 32],
    /// The AP-REP, where the caller wants one.
    pub(super) answer: Option<Vec<u8>>,
}

/// Something encrypted.
struct Sealed<'a> {
    kind: u32,
    bytes: &'a [u8],
}

/// An AP-REQ.
struct Request<'a> {
    mutual: bool,
    realm: &'a str,
    ticket: Sealed<'a>,
    authenticator: Sealed<'a>,
}

/// What a ticket holds.
struct Ticket {
    client: Principal,
    flags: u32,
    session: Session,
    from: i64,
    until: i64,
}

/// The key of a session. Holds a secret, hence no `Debug`.
struct Session {
    kind: u32,
    secret: Vec<u8>,
}

/// What the caller made with the session's key.
struct Authenticator {
    client: Principal,
    second: i64,
    /// The time as it was sent, to be sent back.
    time: [Vec<u8>; 2],
}

/// Checks an AP-REQ.
pub(super) fn check(request: &[u8], keys: &[Key], now: Timestamp) -> Result<Proven> {
    let now = now.seconds();
    let request = Request::read(request).ok_or_else(|| refused("it is no request of Kerberos 5"))?;
    if encryption::key_length(request.ticket.kind).is_none() {
        return Err(refused("it is not encrypted with AES and HMAC-SHA1"));
    }
    let opened =
        request.ticket.open_with(keys).ok_or_else(|| refused("it is not for this service, or the keytab is out of date"))?;
    let ticket = Ticket::read(&opened).ok_or_else(|| refused("what it holds cannot be read"))?;
    if now.saturating_add(SKEW) < ticket.from || ticket.flags & INVALID != 0 {
        return Err(refused("it is not valid yet"));
    }
    if ticket.until.saturating_add(SKEW) < now {
        return Err(refused("it has expired"));
    }
    if ticket.client.realm != request.realm && ticket.flags & WAY_CHECKED == 0 {
        return Err(refused("it comes from another realm, and nobody checked the way"));
    }
    let opened = (request.authenticator.kind == ticket.session.kind)
        .then(|| request.authenticator.open(&ticket.session.secret, AUTHENTICATOR))
        .flatten();
    let opened = opened.ok_or_else(|| refused("whoever sent it does not know its key"))?;
    let authenticator = Authenticator::read(&opened).ok_or_else(|| refused("its authenticator cannot be read"))?;
    if authenticator.client != ticket.client {
        return Err(refused("its authenticator names somebody else"));
    }
    if authenticator.second.abs_diff(now) > SKEW.unsigned_abs() {
        return Err(refused("the clocks of the caller and of this server are more than five minutes apart"));
    }
    let once = Sha256::digest(request.authenticator.bytes).into();
    let answer = request.mutual.then(|| answer(&ticket.session, authenticator.time)).transpose()?;
    Ok(Proven { client: ticket.client, once, answer })
}

/// An AP-REP: the time of the authenticator, in the session's key.
fn answer(session: &Session, [time, micros]: [Vec<u8>; 2]) -> Result<Vec<u8>> {
    let failed = || Error::internal("an answer of Kerberos cannot be encrypted");
    let part = der::application(27, &der::sequence(&[(0, time), (1, micros)]));
    let sealed = encryption::seal(session.kind, &session.secret, ANSWER, secret::random()?, &part).ok_or_else(failed)?;
    let kind = u8::try_from(session.kind).map_err(|_| failed())?;
    let sealed = der::sequence(&[(0, der::small(kind)), (2, der::octets(&sealed))]);
    Ok(der::application(15, &der::sequence(&[(0, der::small(5)), (1, der::small(15)), (2, sealed)])))
}

impl<'a> Sealed<'a> {
    fn read(fields: Fields<'a>) -> Option<Self> {
        Some(Self { kind: fields.integer(0)?, bytes: fields.octets(2)? })
    }

    /// What is in a ticket, if one of these keys made it.
    fn open_with(&self, keys: &[Key]) -> Option<Vec<u8>> {
        keys.iter().filter(|key| key.kind == self.kind).find_map(|key| self.open(&key.secret, TICKET))
    }

    /// What is in it, if this key made it.
    fn open(&self, key: &[u8], usage: u32) -> Option<Vec<u8>> {
        encryption::open(self.kind, key, usage, self.bytes)
    }
}

impl<'a> Request<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let fields = Reader(Reader(bytes).application(14)?).fields()?;
        if fields.integer(0)? != 5 || fields.integer(1)? != 14 {
            return None;
        }
        let ticket = Reader(fields.get(3)?.application(1)?).fields()?;
        Some(Self {
            mutual: fields.flags(2)? & MUTUAL != 0,
            realm: ticket.text(1)?,
            ticket: Sealed::read(ticket.fields(3)?)?,
            authenticator: Sealed::read(fields.fields(4)?)?,
        })
    }
}

impl Ticket {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Reader(Reader(bytes).application(3)?).fields()?;
        let key = fields.fields(1)?;
        Some(Self {
            flags: fields.flags(0)?,
            session: Session { kind: key.integer(0)?, secret: key.octets(1)?.to_vec() },
            client: principal(fields.text(2)?, fields.fields(3)?)?,
            from: if fields.get(6).is_some() { fields.time(6)? } else { fields.time(5)? },
            until: fields.time(7)?,
        })
    }
}

impl Authenticator {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Reader(Reader(bytes).application(2)?).fields()?;
        Some(Self {
            client: principal(fields.text(1)?, fields.fields(2)?)?,
            second: fields.time(5)?,
            time: [fields.get(5)?.0.to_vec(), fields.get(4)?.0.to_vec()],
        })
    }
}

/// Whom a ticket is for that nobody has shown, and its session's key; nothing where none of these keys made it.
pub(super) fn held(ticket: &[u8], keys: &[Key]) -> Option<(Principal, Vec<u8>)> {
    let fields = Reader(Reader(ticket).application(1)?).fields()?;
    let ticket = Ticket::read(&Sealed::read(fields.fields(3)?)?.open_with(keys)?)?;
    Some((ticket.client, ticket.session.secret))
}

pub(super) fn principal(realm: &str, name: Fields<'_>) -> Option<Principal> {
    let names: Vec<String> = name.list(1)?.map(|element| der::text(element).map(str::to_owned)).collect::<Option<_>>()?;
    (!names.is_empty()).then(|| Principal { names, realm: realm.to_owned() })
}
