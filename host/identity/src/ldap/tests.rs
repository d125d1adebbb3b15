//! Directories that misbehave, played here. The tests of the program ask a real one.

use super::*;
use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{LdapBindResponse, LdapExtendedResponse, LdapMsg, LdapOp, LdapResult, LdapSearchResultEntry};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::codec::{Decoder, Encoder};

fn result(code: LdapResultCode) -> LdapResult {
    LdapResult { code, matcheddn: String::new(), message: String::new(), referral: Vec::new() }
}

fn taken() -> LdapOp {
    LdapOp::BindResponse(LdapBindResponse { res: result(LdapResultCode::Success), saslcreds: None })
}

fn entry(dn: &str) -> LdapOp {
    LdapOp::SearchResultEntry(LdapSearchResultEntry { dn: dn.to_owned(), attributes: Vec::new() })
}

fn done() -> LdapOp {
    LdapOp::SearchResultDone(result(LdapResultCode::Success))
}

fn begun() -> LdapOp {
    LdapOp::ExtendedResponse(LdapExtendedResponse { res: result(LdapResultCode::Success), name: None, value: None })
}

/// The message of this number, or what it is made into.
fn bytes(number: i32, ops: &[LdapOp]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for op in ops {
        LdapCodec::default().encode(LdapMsg { msgid: number, op: op.clone(), ctrl: Vec::new() }, &mut bytes).unwrap();
    }
    bytes.to_vec()
}

/// What somebody becomes whom a directory answers this, one after the other; it hangs up in the end. Every password is taken.
async fn asked(strategy: Strategy, answers: Vec<Vec<u8>>) -> Result<String, Unverified> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut codec, mut received) = (LdapCodec::default(), BytesMut::new());
        for answer in answers {
            while codec.decode(&mut received).unwrap().is_none() {
                if stream.read_buf(&mut received).await.unwrap() == 0 {
                    return;
                }
            }
            let _ = stream.write_all(&answer).await;
        }
    });
    let options = LdapOptions {
        urls: vec![url],
        strategy,
        manager: None,
        authorities: None,
        identity: None,
        referrals: Referrals::Follow,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        search_base: "dc=x".to_owned(),
        search_filter: "(uid={0})".to_owned(),
        called: Called::Dn,
    };
    Ldap::new(options).unwrap().verify("anna", "secret").await
}

fn failure(verified: Result<String, Unverified>) -> String {
    match verified {
        Err(Unverified::Failed(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_entry_with_a_name_is_somebody() {
    let found = |ops: &[LdapOp]| vec![bytes(1, ops), bytes(2, &[taken()])];
    assert_eq!(asked(Strategy::Anonymous, found(&[entry("uid=anna"), done()])).await, Ok("uid=anna".to_owned()));
    assert_eq!(asked(Strategy::Anonymous, found(&[done()])).await, Err(Unverified::Refused(None)));
    // A bind without a name would be taken from anybody.
    let nameless = asked(Strategy::Anonymous, found(&[entry(""), done()])).await;
    assert!(matches!(nameless, Err(Unverified::Refused(Some(cause))) if cause.contains("has no name")));
    let many = asked(Strategy::Anonymous, found(&[entry("a"), entry("b"), entry("c"), done()])).await;
    assert!(matches!(many, Err(Unverified::Refused(Some(cause))) if cause.contains("more than one")));
}

#[tokio::test]
async fn only_an_answer_to_the_question_counts() {
    let search = bytes(1, &[entry("uid=anna"), done()]);
    for (answers, part) in [
        (vec![search.clone(), bytes(1, &[taken()])], "what was not asked"),
        (vec![search.clone(), bytes(2, &[done()])], "something else"),
        (vec![search.clone(), vec![]], "hangs up"),
        (vec![search.clone(), bytes(0, &[begun()])], "leaves"),
        (vec![bytes(1, &[taken()])], "something else"),
        (vec![bytes(1, &vec![entry("a"); 1000])], "more than 200 messages"),
        (vec![bytes(1, &[LdapOp::SearchResultDone(result(LdapResultCode::NoSuchObject))])], "refuses the search"),
    ] {
        let cause = failure(asked(Strategy::Anonymous, answers).await);
        assert!(cause.contains(part), "{part}: {cause}");
    }
    let busy = LdapOp::BindResponse(LdapBindResponse { res: result(LdapResultCode::Busy), saslcreds: None });
    assert!(failure(asked(Strategy::Anonymous, vec![search, bytes(2, &[busy])]).await).contains("Busy"));
}

#[tokio::test]
async fn messages_are_bounded() {
    // A message in a message, and so on: 0x30 and four bytes of length.
    let deep = (0..10_000)
        .fold(Vec::new(), |inner: Vec<u8>, _| [&[0x30, 0x84], (inner.len() as u32).to_be_bytes().as_slice(), &inner].concat());
    let huge = [&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff][..], &vec![0; 1 << 20]].concat();
    for bytes in [deep, huge, vec![0xff; 100], b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()] {
        let cause = failure(asked(Strategy::Anonymous, vec![bytes]).await);
        assert!(cause.contains("cannot be read") || cause.contains("hangs up"), "{cause}");
    }
}

#[tokio::test]
async fn nothing_that_came_before_tls_counts() {
    let cause = failure(asked(Strategy::StartTls, vec![bytes(1, &[begun(), entry("uid=anna"), done()])]).await);
    assert!(cause.contains("before TLS has begun"), "{cause}");
    let refused = LdapExtendedResponse { res: result(LdapResultCode::ProtocolError), name: None, value: None };
    let cause = failure(asked(Strategy::StartTls, vec![bytes(1, &[LdapOp::ExtendedResponse(refused)])]).await);
    assert!(cause.contains("START_TLS") && cause.contains("ProtocolError"), "{cause}");
}
