//! KDCs that answer passwords as they should not, played here. The tests of the program ask a real one.

use super::der::{Reader, flags as bits, number, string as text};
use super::tests::{KEY, NOW, SESSION, name, sealed, time};
use super::*;
use crate::login::Unverified;
use headworks_core::time::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SALT: &str = "HOMEanna";

/// A reply and what is in it; as it should be where nothing else is said.
struct Reply {
    named: &'static str,
    password: &'static str,
    nonce: Option<u32>,
    service_key: [u8; 32],
    ticket_for: &'static str,
    ticket_session: [u8; 16],
}

impl Default for Reply {
    fn default() -> Self {
        let (nonce, service_key, ticket_session) = (None, KEY, SESSION);
        Self { named: "anna", password: "secret", nonce, service_key, ticket_for: "anna", ticket_session }
    }
}

impl Reply {
    fn bytes(&self, asked: u32) -> Vec<u8> {
        let key = |session: &[u8]| der::sequence(&[(0, number(17)), (1, der::octets(session))]);
        let inner = der::application(
            3,
            &der::sequence(&[
                (0, bits(0)),
                (1, key(&self.ticket_session)),
                (2, text("HOME")),
                (3, name(&[self.ticket_for])),
                (5, time(NOW)),
                (7, time(NOW + 3600)),
            ]),
        );
        let ticket = der::sequence(&[(0, number(5)), (1, text("HOME")), (3, sealed(18, &self.service_key, 2, &inner))]);
        let part = der::application(25, &der::sequence(&[(0, key(&SESSION)), (2, number(self.nonce.unwrap_or(asked)))]));
        let password = encryption::key_of(18, self.password, SALT.as_bytes(), 4096).unwrap();
        der::application(
            11,
            &der::sequence(&[
                (0, number(5)),
                (1, number(11)),
                (3, text("HOME")),
                (4, name(&[self.named])),
                (5, der::application(1, &ticket)),
                (6, sealed(18, &password, 3, &part)),
            ]),
        )
    }
}

/// A refusal that says how a password becomes a key.
fn asks_for(etype: u32, rounds: u32) -> Vec<u8> {
    let info = der::sequence(&[(0, number(etype)), (1, text(SALT)), (2, der::octets(&rounds.to_be_bytes()))]);
    let method = der::list(&[der::sequence(&[(1, number(19)), (2, der::octets(&der::list(&[info])))])]);
    error(25, Some(method))
}

/// A refusal.
fn error(code: u32, data: Option<Vec<u8>>) -> Vec<u8> {
    let mut fields = vec![(0, number(5)), (1, number(30)), (6, number(code))];
    fields.extend(data.map(|data| (12, der::octets(&data))));
    der::application(30, &der::sequence(&fields))
}

/// What comes of a KDC that answers `answer(number of the request)`, framed.
async fn asked(answer: impl Fn(u32) -> Vec<u8> + Send + 'static) -> Result<String, Unverified> {
    let framed = move |asked| {
        let answer = answer(asked);
        [(answer.len() as u32).to_be_bytes().as_slice(), &answer].concat()
    };
    raw(framed).await
}

async fn raw(answer: impl Fn(u32) -> Vec<u8> + Send + 'static) -> Result<String, Unverified> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kdc = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let length = stream.read_u32().await.unwrap();
            let mut request = vec![0; length as usize];
            stream.read_exact(&mut request).await.unwrap();
            let fields = Reader(Reader(&request).application(10).unwrap()).fields().unwrap();
            let nonce = fields.fields(4).unwrap().integer(7).unwrap();
            let _ = stream.write_all(&answer(nonce)).await;
        }
    });
    let options = PasswordLoginOptions {
        realm: "HOME".to_owned(),
        kdcs: vec![kdc],
        configuration: None,
        service: Some(("HTTP/us".to_owned(), super::tests::keytab())),
        patience: Duration::from_secs(5),
        clock: Arc::new(ManualClock::new(Timestamp::from_millis(NOW * 1000))),
    };
    PasswordLogin::new(options).unwrap().verify("anna", "secret").await
}

fn failure(verified: Result<String, Unverified>) -> String {
    match verified {
        Err(Unverified::Failed(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reply_proves_that_its_kdc_knows_the_password_and_the_service() {
    assert_eq!(asked(|nonce| Reply::default().bytes(nonce)).await, Ok("anna@HOME".to_owned()));
    let wrong = asked(|nonce| Reply { password: "other", ..Reply::default() }.bytes(nonce)).await;
    assert_eq!(wrong, Err(Unverified::Refused(None)));
    // Whoever overheard a ticket does not know the key of its session.
    let overheard = |nonce| Reply { ticket_session: [3; 16], ..Reply::default() }.bytes(nonce);
    assert!(failure(asked(overheard).await).contains("does not fit the keytab"));
    let made_up = |nonce| Reply { service_key: [3; 32], ..Reply::default() }.bytes(nonce);
    assert!(failure(asked(made_up).await).contains("does not fit the keytab"));
    let of_another = |nonce| Reply { ticket_for: "bert", ..Reply::default() }.bytes(nonce);
    assert!(failure(asked(of_another).await).contains("does not fit the keytab"));
    let renamed = |nonce| Reply { named: "bert", ticket_for: "bert", ..Reply::default() }.bytes(nonce);
    assert!(failure(asked(renamed).await).contains("somebody else"));
    let old = |_| Reply { nonce: Some(1), ..Reply::default() }.bytes(1);
    assert!(failure(asked(old).await).contains("another request"));
}

#[tokio::test]
async fn answers_are_bounded_and_read_as_those_of_strangers() {
    for (answer, part) in [
        (asks_for(18, 0), "more often than can be done"),
        (asks_for(18, u32::MAX), "more often than can be done"),
        (asks_for(23, 4096), "no way to prove a password with AES"),
        (error(25, None), "no way to prove a password with AES"),
        (error(25, Some(vec![0x30, 0x82])), "no way to prove a password with AES"),
        (error(60, None), "the error 60"),
        (error(7, None), "service_principal"),
        (vec![], "cannot be read"),
        (vec![0x6b, 0x80], "cannot be read"),
        (b"HTTP".to_vec(), "cannot be read"),
    ] {
        let cause = failure(asked(move |_| answer.clone()).await);
        assert!(cause.contains(part), "{part}: {cause}");
    }
    assert!(failure(raw(|_| vec![0xff; 8]).await).contains("4294967295 bytes"));
    assert!(failure(raw(|_| vec![0, 0, 0, 9, 1]).await).contains("cannot be asked"));
    for code in [6, 24] {
        assert_eq!(asked(move |_| error(code, None)).await, Err(Unverified::Refused(None)));
    }
}
