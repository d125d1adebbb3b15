//! Tickets that are made here with the key of the service, to be wrong in one way each. The tests of the program use those of a
//! real KDC.

use super::der::{flags as bits, number, string as text};
use super::*;
use headworks_core::time::ManualClock;

pub(super) const NOW: i64 = 1_767_322_985;
pub(super) const KEY: [u8; 32] = [7; 32];
pub(super) const SESSION: [u8; 16] = [9; 16];

pub(super) fn time(second: i64) -> Vec<u8> {
    der::time(Timestamp::from_millis(second * 1000))
}

pub(super) fn name(names: &[&str]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = names.iter().map(|name| text(name)).collect();
    der::sequence(&[(0, number(1)), (1, der::list(&names))])
}

pub(super) fn sealed(kind: u32, key: &[u8], usage: u32, content: &[u8]) -> Vec<u8> {
    let bytes = encryption::seal(kind, key, usage, [5; 16], content).unwrap_or_else(|| content.to_vec());
    der::sequence(&[(0, number(kind)), (1, number(2)), (2, der::octets(&bytes))])
}

/// A request and what is in it.
struct Made {
    user: &'static [&'static str],
    named: &'static [&'static str],
    realm: &'static str,
    key: [u8; 32],
    kind: u32,
    session: [u8; 16],
    flags: u32,
    from: i64,
    until: i64,
    second: i64,
    options: u32,
}

impl Default for Made {
    fn default() -> Self {
        let (user, named) = (["anna"].as_slice(), ["anna"].as_slice());
        let (from, until) = (NOW - 60, NOW + 3600);
        Self { user, named, realm: "HOME", key: KEY, kind: 18, session: SESSION, flags: 0, from, until, second: NOW, options: 0 }
    }
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        let part = der::application(
            3,
            &der::sequence(&[
                (0, bits(self.flags)),
                (1, der::sequence(&[(0, number(17)), (1, der::octets(&SESSION))])),
                (2, text(self.realm)),
                (3, name(self.user)),
                (4, der::sequence(&[])),
                (5, time(self.from)),
                (7, time(self.until)),
            ]),
        );
        let authenticator = der::application(
            2,
            &der::sequence(&[
                (0, number(5)),
                (1, text(self.realm)),
                (2, name(self.named)),
                (4, number(1)),
                (5, time(self.second)),
            ]),
        );
        let ticket = der::sequence(&[
            (0, number(5)),
            (1, text("HOME")),
            (2, name(&["HTTP", "us"])),
            (3, sealed(self.kind, &self.key, 2, &part)),
        ]);
        let fields = [
            (0, number(5)),
            (1, number(14)),
            (2, bits(self.options)),
            (3, der::application(1, &ticket)),
            (4, sealed(17, &self.session, 11, &authenticator)),
        ];
        der::application(14, &der::sequence(&fields))
    }

    fn framed(&self) -> Vec<u8> {
        let kerberos = der::object(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2]);
        der::application(0, &[kerberos.as_slice(), &[1, 0], &self.bytes()].concat())
    }

    fn negotiated(&self, preferred: &[u8]) -> String {
        let mechanism = der::object(preferred);
        let list = [&[0x30, mechanism.len() as u8], mechanism.as_slice()].concat();
        let init = der::choice(0, &[(0, list), (2, der::octets(&self.framed()))]);
        STANDARD.encode(der::application(0, &[der::object(&[0x2b, 6, 1, 5, 5, 2]), init].concat()))
    }
}

fn entry(names: &[&str], kind: u16, key: &[u8]) -> Vec<u8> {
    let counted = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let names: Vec<u8> = names.iter().flat_map(|name| counted(name.as_bytes())).collect();
    let rest = [&[0, 0, 0, 1, 0, 0, 0, 0, 2], kind.to_be_bytes().as_slice(), &counted(key), &[0, 0, 0, 2]].concat();
    let entry = [2u16.to_be_bytes().as_slice(), &counted(b"HOME"), &names, &rest].concat();
    [&(entry.len() as i32).to_be_bytes(), entry.as_slice()].concat()
}

pub(super) fn keytab() -> Vec<u8> {
    let deleted = [(-3i32).to_be_bytes().as_slice(), &[0; 3]].concat();
    let others = [entry(&["HTTP", "us"], 23, &[1; 16]), deleted, entry(&["HTTP", "them"], 18, &[2; 32])].concat();
    [&[5, 2], others.as_slice(), &entry(&["HTTP", "us"], 18, &KEY)].concat()
}

fn service() -> (Kerberos, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW * 1000)));
    (Kerberos::new("HTTP/us@HOME", &keytab(), Duration::from_secs(60), Arc::clone(&clock) as Arc<dyn Clock>).unwrap(), clock)
}

fn outcome(made: &Made) -> Result<Accepted> {
    service().0.accept(&STANDARD.encode(made.framed()))
}

#[test]
fn a_ticket_names_whoever_it_was_made_for() {
    assert_eq!(outcome(&Made::default()).unwrap(), Accepted { name: "anna@HOME".to_owned(), answer: None });
    let tricky = Made { user: &["a@B", "c/d"], named: &["a@B", "c/d"], ..Made::default() };
    assert_eq!(outcome(&tricky).unwrap().name, r"a\@B/c\/d@HOME");
    let far = Made { realm: "AWAY", flags: 1 << 19, ..Made::default() };
    assert_eq!(outcome(&far).unwrap().name, "anna@AWAY");
    for made in [
        Made { second: NOW - 300, ..Made::default() },
        Made { second: NOW + 300, ..Made::default() },
        Made { until: NOW - 300, ..Made::default() },
        Made { from: NOW + 300, ..Made::default() },
    ] {
        outcome(&made).unwrap();
    }
}

#[test]
fn a_ticket_that_is_wrong_in_one_way_names_nobody() {
    for (made, part) in [
        (Made { until: NOW - 301, ..Made::default() }, "expired"),
        (Made { from: NOW + 301, ..Made::default() }, "not valid yet"),
        (Made { flags: 1 << 24, ..Made::default() }, "not valid yet"),
        (Made { second: NOW - 301, ..Made::default() }, "clocks"),
        (Made { second: NOW + 301, ..Made::default() }, "clocks"),
        (Made { key: [8; 32], ..Made::default() }, "not for this service"),
        (Made { key: [2; 32], ..Made::default() }, "not for this service"),
        (Made { kind: 23, ..Made::default() }, "AES"),
        (Made { session: [8; 16], ..Made::default() }, "does not know its key"),
        (Made { named: &["bert"], ..Made::default() }, "somebody else"),
        (Made { realm: "AWAY", ..Made::default() }, "another realm"),
        (Made { user: &[], ..Made::default() }, "cannot be read"),
    ] {
        let error = outcome(&made).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthenticated);
        assert!(error.message.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_ticket_counts_once_as_long_as_its_authenticator() {
    let (service, clock) = service();
    let token = STANDARD.encode(Made { second: NOW + 300, ..Made::default() }.framed());
    service.accept(&token).unwrap();
    for later in [0, 300, 600] {
        clock.set(Timestamp::from_millis((NOW + later) * 1000));
        assert!(service.accept(&token).unwrap_err().message.contains("shown before"), "{later}");
    }
    clock.set(Timestamp::from_millis((NOW + 601) * 1000));
    assert!(service.accept(&token).unwrap_err().message.contains("clocks"));
    let again = Made { second: NOW + 601, ..Made::default() };
    service.accept(&STANDARD.encode(again.framed())).unwrap();
}

#[test]
fn a_caller_that_wants_it_gets_proof_of_us() {
    let made = Made { options: 1 << 29, ..Made::default() };
    let (service, _) = service();
    let kerberos = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
    let answer = service.accept(&made.negotiated(&kerberos)).unwrap().answer.expect("an answer");
    let answer = STANDARD.decode(answer).unwrap();
    assert_eq!(answer[0], 0xa1);
    // Into NegTokenResp, the frame of GSS-API, AP-REP, and what only the holder of the session's key reads.
    let (_, content) = der::Reader(&answer).next().unwrap();
    let fields = der::Reader(content).fields().unwrap();
    let mut inner = der::Reader(der::Reader(fields.octets(2).unwrap()).application(0).unwrap());
    assert_eq!(inner.object().unwrap(), kerberos);
    let reply = der::Reader(inner.0.strip_prefix(&[2, 0]).unwrap()).application(15).unwrap();
    let part = der::Reader(reply).fields().unwrap().fields(2).unwrap();
    let opened = encryption::open(17, &SESSION, 12, part.octets(2).unwrap()).unwrap();
    let part = der::Reader(der::Reader(&opened).application(27).unwrap()).fields().unwrap();
    assert_eq!((part.time(0), part.integer(1)), (Some(NOW), Some(1)));
}

#[test]
fn what_is_no_ticket_is_refused() {
    let (service, _) = service();
    let whole = Made::default().framed();
    for (token, part) in [
        ("not base64!".to_owned(), "base64"),
        (String::new(), "no request"),
        (STANDARD.encode(b"NTLMSSP\0\x01"), "NTLM"),
        (Made::default().negotiated(&[0x2b, 6, 1, 4, 1]), "prefers"),
        (STANDARD.encode(&whole[2..]), "no request"),
    ] {
        let error = service.accept(&token).unwrap_err();
        assert!(error.code == ErrorCode::Unauthenticated && error.message.contains(part), "{part}: {error}");
    }
    for end in 0..whole.len() {
        service.accept(&STANDARD.encode(&whole[..end])).unwrap_err();
    }
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x41;
        // Some bytes do not matter, such as the version of a key.
        let _ = service.accept(&STANDARD.encode(&damaged));
    }
}

#[test]
fn keytabs_are_read_and_principals_found() {
    let clock = || Arc::new(ManualClock::default()) as Arc<dyn Clock>;
    for principal in ["HTTP/us", "HTTP/us@HOME", "HTTP/them"] {
        Kerberos::new(principal, &keytab(), Duration::from_secs(60), clock()).unwrap();
    }
    for principal in ["HTTP/other", "HTTP/us@AWAY", "us", "", "@HOME"] {
        let error = Kerberos::new(principal, &keytab(), Duration::from_secs(60), clock()).map(drop).unwrap_err();
        assert_eq!(error.member.as_deref(), Some("service_principal"));
    }
    let whole = keytab();
    for damaged in [b"".as_slice(), &[5, 1], &whole[..whole.len() - 1], &whole[1..], &[5, 2, 0, 0, 0, 3, 0, 2, 0]] {
        let error = Kerberos::new("HTTP/us", damaged, Duration::from_secs(60), clock()).map(drop).unwrap_err();
        assert_eq!(error.member.as_deref(), Some("keytab"));
    }
}
