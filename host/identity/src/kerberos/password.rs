//! Signing in with the password of a principal: the exchange with the KDC (RFC 4120 3.1, RFC 6113 for the order of things).
//!
//! What must stay true: the password never leaves this process; a KDC that does not know its key proves nobody, and where
//! there is a keytab, neither does one that does not know the service's key: it could be anybody's. The KDC's answers are read
//! as those of strangers.

use super::der::{self, Fields, Reader};
use super::kdc::{self, Kdc};
use super::keytab::{self, Key};
use super::{Principal, encryption, ticket};
use crate::login::Unverified;
use crate::secret;
use headworks_core::time::Clock;
use headworks_core::{Error, Result, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// What keys are used for (RFC 4120 7.5.1).
const TIMESTAMP: u32 = 1;
const REPLY: u32 = 3;
/// Kinds of what goes with a request (RFC 4120 7.5.2).
const ENC_TIMESTAMP: u32 = 2;
const ETYPE_INFO2: u32 = 19;
/// AES-256 and AES-128 with HMAC-SHA1.
const KINDS: [u32; 2] = [18, 17];
/// How often a password is hashed where the KDC says nothing (RFC 3962 4), and at most.
const ROUNDS: u32 = 4096;
const MOST_ROUNDS: u32 = 200_000;
/// For how long a ticket is asked for, in ms. Nobody uses it afterwards.
const TICKET_MS: i64 = 3_600_000;

/// Which realm is asked, and how. Holds no secret but the keytab, hence no `Debug`.
pub struct PasswordLoginOptions {
    /// The realm of names that come without one. Others are not asked.
    pub realm: String,
    /// Addresses of its KDCs, such as `kdc.example:88`; those of `configuration` where there are none.
    pub kdcs: Vec<String>,
    /// The text of a `krb5.conf`.
    pub configuration: Option<String>,
    /// A service of the realm with its keytab, whose tickets tell the KDC from others.
    pub service: Option<(String, Vec<u8>)>,
    /// How long one answer may take.
    pub patience: Duration,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// Verifies passwords of a realm.
pub struct PasswordLogin {
    realm: String,
    kdcs: Vec<Kdc>,
    keys: Vec<Key>,
    patience: Duration,
    clock: Arc<dyn Clock>,
}

/// What a KDC answers.
enum Answer<'a> {
    /// A ticket, and what is to be read with the password's key.
    Reply { client: Principal, ticket: &'a [u8], kind: u32, sealed: &'a [u8], method: Option<Reader<'a>> },
    /// A refusal.
    Error { code: u32, method: Option<Reader<'a>> },
}

/// How a password becomes a key.
struct Recipe {
    kind: u32,
    salt: Vec<u8>,
    rounds: u32,
}

impl PasswordLogin {
    /// Nothing is asked yet: a KDC may be down while this server starts.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) at the option that cannot be used.
    pub fn new(options: PasswordLoginOptions) -> Result<Self> {
        let PasswordLoginOptions { realm, mut kdcs, configuration, service, patience, clock } = options;
        if realm.is_empty() || realm.contains(['@', '/', '\\']) {
            return Err(Error::invalid(format!("is no realm: {realm:?}")).at("default_realm"));
        }
        if kdcs.is_empty() {
            kdcs = configuration.map(|text| kdc::configured(&text, &realm)).unwrap_or_default();
        }
        if kdcs.is_empty() {
            let text = format!("has to name the KDCs of {realm}, for no krb5.conf does");
            return Err(Error::invalid(text).at("kdcs"));
        }
        let kdcs = kdcs.iter().map(|text| Kdc::parse(text)).collect::<Result<_>>()?;
        let keys = match service {
            Some((principal, file)) => keytab::of_service(&principal, &file)?,
            None => Vec::new(),
        };
        if let Some(other) = keys.iter().find(|key| key.principal.realm != realm) {
            let text = format!("is of the realm {}, and default_realm is {realm}", other.principal.realm);
            return Err(Error::invalid(text).at("service_principal"));
        }
        Ok(Self { realm, kdcs, keys, patience, clock })
    }

    /// Whether a KDC has to prove that it is the realm's own.
    pub fn is_guarded(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The principal that has this password, such as `anna@REALM`.
    pub(crate) async fn verify(&self, entered: &str, password: &str) -> Result<String, Unverified> {
        let Some(client) = self.principal(entered).filter(|_| !password.is_empty()) else {
            return Err(Unverified::Refused(None));
        };
        let nonce = u32::from_be_bytes(secret::random().map_err(broken)?) & 0x7fff_ffff;
        let first = self.ask(&client, nonce, &[]).await?;
        let (answer, made_for, key) = match read(&first)? {
            // The realm asks nobody to prove anything before.
            reply @ Answer::Reply { .. } => {
                let recipe = reply.recipe(&client)?;
                (first.clone(), recipe.kind, recipe.key(password).await?)
            }
            Answer::Error { code: 25, method } => {
                let recipe = Recipe::read(method, &client, None)?;
                let key = recipe.key(password).await?;
                let proof = self.proof(recipe.kind, &key)?;
                (self.ask(&client, nonce, &[(ENC_TIMESTAMP, proof)]).await?, recipe.kind, key)
            }
            Answer::Error { code, .. } => return Err(meaning(code)),
        };
        match read(&answer)? {
            Answer::Error { code, .. } => Err(meaning(code)),
            Answer::Reply { client: named, ticket, kind, sealed, .. } => {
                let opened = encryption::open(kind, &key, REPLY, sealed).filter(|_| kind == made_for);
                // Without the proof before, this is where a wrong password shows.
                let opened = opened.ok_or(Unverified::Refused(None))?;
                let session = session(&opened, nonce).ok_or_else(|| failed("the KDC answers another request"))?;
                if named != client {
                    return Err(failed("the KDC answers for somebody else"));
                }
                self.check(&client, ticket, &session)?;
                Ok(client.to_string())
            }
        }
    }

    /// Whoever is meant by what was entered: `anna`, or `anna@REALM` of the one realm.
    fn principal(&self, entered: &str) -> Option<Principal> {
        let name = entered.strip_suffix(&self.realm).and_then(|rest| rest.strip_suffix('@')).unwrap_or(entered);
        let names: Vec<String> = name.split('/').map(str::to_owned).collect();
        let plain = !name.contains(['@', '\\']) && !name.chars().any(char::is_control);
        (plain && names.iter().all(|part| !part.is_empty())).then(|| Principal { names, realm: self.realm.clone() })
    }

    /// The time, in the key of the password.
    fn proof(&self, kind: u32, key: &[u8]) -> Result<Vec<u8>, Unverified> {
        let now = self.clock.now();
        let micros = u32::try_from(now.millis().rem_euclid(1000)).unwrap_or_default() * 1000;
        let time = der::sequence(&[(0, der::time(now)), (1, der::number(micros))]);
        let sealed = encryption::seal(kind, key, TIMESTAMP, secret::random().map_err(broken)?, &time);
        let sealed = sealed.ok_or_else(|| failed("the time cannot be encrypted"))?;
        Ok(der::sequence(&[(0, der::number(kind)), (2, der::octets(&sealed))]))
    }

    /// Asks for a ticket: for our own service where we have its key, else for tickets.
    async fn ask(&self, client: &Principal, nonce: u32, proofs: &[(u32, Vec<u8>)]) -> Result<Vec<u8>, Unverified> {
        let tickets = ["krbtgt".to_owned(), self.realm.clone()];
        let service = self.keys.first().map_or(tickets.as_slice(), |key| &key.principal.names);
        let name = |kind, names: &[String]| {
            let names: Vec<Vec<u8>> = names.iter().map(|name| der::string(name)).collect();
            der::sequence(&[(0, der::number(kind)), (1, der::list(&names))])
        };
        let until = Timestamp::from_millis(self.clock.now().millis().saturating_add(TICKET_MS));
        let body = der::sequence(&[
            (0, der::flags(0)),
            (1, name(1, &client.names)),
            (2, der::string(&self.realm)),
            (3, name(2, service)),
            (5, der::time(until)),
            (7, der::number(nonce)),
            (8, der::list(&KINDS.map(der::number))),
        ]);
        let proofs: Vec<Vec<u8>> =
            proofs.iter().map(|(kind, proof)| der::sequence(&[(1, der::number(*kind)), (2, der::octets(proof))])).collect();
        let mut fields = vec![(1, der::small(5)), (2, der::small(10))];
        if !proofs.is_empty() {
            fields.push((3, der::list(&proofs)));
        }
        fields.push((4, body));
        kdc::ask(&self.kdcs, &der::application(10, &der::sequence(&fields)), self.patience).await
    }

    /// Refuses the answer of a KDC that does not know the key of our service.
    fn check(&self, client: &Principal, ticket: &[u8], session: &[u8]) -> Result<(), Unverified> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let held = ticket::held(ticket, &self.keys);
        match held {
            Some((named, key)) if named == *client && key == session => Ok(()),
            _ => Err(failed("the KDC's ticket does not fit the keytab: the keytab is out of date, or something plays the KDC")),
        }
    }
}

impl Recipe {
    /// What the KDC says of it; `sealed_with` is the kind of key that it used already.
    fn read(method: Option<Reader<'_>>, client: &Principal, sealed_with: Option<u32>) -> Result<Self, Unverified> {
        let salt = || [client.realm.as_str()].into_iter().chain(client.names.iter().map(String::as_str)).collect::<String>();
        let mut infos = method.into_iter().flatten().filter_map(|(tag, content)| {
            let fields = Fields::of((tag, content))?;
            (fields.integer(1)? == ETYPE_INFO2).then(|| Reader(fields.octets(2)?).elements())?
        });
        let known = infos.next().into_iter().flatten().filter_map(Fields::of).find(|info| {
            let kind = info.integer(0);
            kind.is_some_and(|kind| KINDS.contains(&kind)) && (sealed_with.is_none() || sealed_with == kind)
        });
        let Some(info) = known else {
            let kind = sealed_with.filter(|kind| KINDS.contains(kind));
            let kind = kind.ok_or_else(|| failed("the KDC offers no way to prove a password with AES and HMAC-SHA1"))?;
            return Ok(Self { kind, salt: salt().into_bytes(), rounds: ROUNDS });
        };
        let rounds = match info.octets(2) {
            None => ROUNDS,
            Some(digits) => digits.try_into().map(u32::from_be_bytes).unwrap_or_default(),
        };
        if !(1..=MOST_ROUNDS).contains(&rounds) {
            return Err(failed("the KDC asks for a password that is hashed more often than can be done"));
        }
        let salt = info.get(1).and_then(|mut salt| Some(salt.next()?.1.to_vec())).unwrap_or_else(|| salt().into_bytes());
        Ok(Self { kind: info.integer(0).unwrap_or_default(), salt, rounds })
    }

    /// The key of a password. Slow on purpose.
    async fn key(&self, password: &str) -> Result<Vec<u8>, Unverified> {
        let (kind, salt, rounds, password) = (self.kind, self.salt.clone(), self.rounds, password.to_owned());
        let made = tokio::task::spawn_blocking(move || encryption::key_of(kind, &password, &salt, rounds)).await;
        made.ok().flatten().ok_or_else(|| failed("the key of a password cannot be made"))
    }
}

impl Answer<'_> {
    fn recipe(&self, client: &Principal) -> Result<Recipe, Unverified> {
        match self {
            Self::Reply { kind, method, .. } => Recipe::read(*method, client, Some(*kind)),
            Self::Error { code, .. } => Err(meaning(*code)),
        }
    }
}

fn read(bytes: &[u8]) -> Result<Answer<'_>, Unverified> {
    reply(bytes).or_else(|| refusal(bytes)).ok_or_else(|| failed("the KDC's answer cannot be read"))
}

/// An AS-REP.
fn reply(bytes: &[u8]) -> Option<Answer<'_>> {
    let fields = Reader(Reader(bytes).application(11)?).fields()?;
    let client = ticket::principal(fields.text(3)?, fields.fields(4)?)?;
    let sealed = fields.fields(6)?;
    Some(Answer::Reply {
        client,
        ticket: fields.get(5)?.0,
        kind: sealed.integer(0)?,
        sealed: sealed.octets(2)?,
        method: fields.list(2),
    })
}

/// A KRB-ERROR.
fn refusal(bytes: &[u8]) -> Option<Answer<'_>> {
    let fields = Reader(Reader(bytes).application(30)?).fields()?;
    let method = fields.octets(12).and_then(|data| Reader(data).elements());
    Some(Answer::Error { code: fields.integer(6)?, method })
}

/// The key of the session in the encrypted part of a reply to this request.
fn session(opened: &[u8], nonce: u32) -> Option<Vec<u8>> {
    // Some KDCs use the number of the other exchange (RFC 4120 5.4.2).
    let part = Reader(opened).application(25).or_else(|| Reader(opened).application(26))?;
    let fields = Reader(part).fields()?;
    (fields.integer(2)? == nonce).then(|| Some(fields.fields(0)?.octets(1)?.to_vec()))?
}

/// What the number of a refusal means (RFC 4120 7.5.9).
fn meaning(code: u32) -> Unverified {
    let refused = |cause: &str| Unverified::Refused(Some(cause.to_owned()));
    match code {
        6 | 24 | 31 => Unverified::Refused(None),
        1 => refused("the principal has expired"),
        12 => refused("the policy of the realm does not allow it"),
        18 => refused("the principal is locked"),
        23 => refused("the password has expired"),
        7 => failed("the KDC does not know registry.kerberos.service_principal"),
        14 => failed("the KDC has no key for AES and HMAC-SHA1"),
        37 => failed("the clocks of the KDC and of this server are too far apart"),
        68 => failed("the KDC is of another realm than registry.kerberos.default_realm"),
        code => failed(&format!("the KDC answers with the error {code} of Kerberos")),
    }
}

fn failed(cause: &str) -> Unverified {
    Unverified::Failed(cause.to_owned())
}

fn broken(error: Error) -> Unverified {
    Unverified::Failed(error.message)
}
