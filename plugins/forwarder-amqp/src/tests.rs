//! Against a broker that exists in the test only; the bytes it sends and compares are written out here, not made by the
//! code under test.

use super::Amqp;
use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, open, record, refusal};
use headworks_forwarder_kit::{OpenError, Report, Retry, Tls, read_targets};

const CONFIG: &str = r#"{"url": "amqp://us%2Fer:pass@mq.example/logs%2Fa", "exchange": "ex", "routing_key": "@expr:log.k"}"#;

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    [&[kind], &channel.to_be_bytes()[..], &(payload.len() as u32).to_be_bytes(), payload, &[0xce]].concat()
}

fn method(channel: u16, class: u16, number: u16, arguments: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&class.to_be_bytes(), &number.to_be_bytes(), arguments].concat())
}

/// What the broker says to a message, given its number.
type Reply = fn(u64) -> Vec<u8>;

fn ack(number: u64) -> Vec<u8> {
    let heartbeat = frame(8, 0, &[]);
    [heartbeat, method(1, 60, 80, &[&number.to_be_bytes()[..], &[0]].concat())].concat()
}

fn nack(number: u64) -> Vec<u8> {
    method(1, 60, 120, &[&number.to_be_bytes()[..], &[0]].concat())
}

fn no_exchange(_: u64) -> Vec<u8> {
    method(1, 20, 40, &[&404_u16.to_be_bytes()[..], b"\x09NOT_FOUND", &[0, 60, 0, 40]].concat())
}

fn goodbye(_: u64) -> Vec<u8> {
    method(0, 10, 50, &[&320_u16.to_be_bytes()[..], b"\x06forced", &[0, 0, 0, 0]].concat())
}

fn silence(_: u64) -> Vec<u8> {
    Vec::new()
}

/// A broker whose connection answers the messages with these replies, in order.
fn broker(network: &FakeNetwork, replies: &[Reply]) {
    let (mut replies, mut buffer, mut number) = (Vec::from(replies).into_iter(), Vec::new(), 0);
    network.listen(move |bytes| {
        buffer.extend_from_slice(bytes);
        if buffer.starts_with(b"AMQP\0\0\x09\x01") {
            buffer.drain(..8);
            return method(0, 10, 10, b"\x00\x09\x00\x00\x00\x00\x00\x00\x00\x0ePLAIN AMQPLAIN\x00\x00\x00\x05en_US");
        }
        let mut answer = Vec::new();
        while buffer.len() >= 8 {
            let size = u32::from_be_bytes(buffer[3..7].try_into().unwrap()) as usize;
            let frame: Vec<u8> = buffer.drain(..size + 8).collect();
            assert_eq!(frame[size + 7], 0xce);
            match (frame[0], &frame[7..]) {
                (1, [0, 10, 0, 11, ..]) => answer.extend(method(0, 10, 30, &[7, 255, 0, 2, 0, 0, 0, 60])),
                (1, [0, 10, 0, 31, tuned @ ..]) => assert_eq!(tuned, [7, 255, 0, 2, 0, 0, 0, 0, 0xce]),
                (1, [0, 10, 0, 40, open @ ..]) => {
                    assert_eq!(open, b"\x06logs/a\0\0\xce");
                    answer.extend(method(0, 10, 41, &[0]));
                }
                (1, [0, 20, 0, 10, ..]) => answer.extend(method(1, 20, 11, &[0, 0, 0, 0])),
                (1, [0, 85, 0, 10, 0, ..]) => {
                    number = 0;
                    answer.extend(method(1, 85, 11, &[]));
                }
                (3, _) => {
                    number += 1;
                    answer.extend(replies.next().unwrap()(number));
                }
                _ => {}
            }
        }
        answer
    });
}

/// The frames of the message that was written last, as they must be.
fn message(exchange: &str, key: &str, body: &str) -> Vec<u8> {
    let names = [&[0, 0, exchange.len() as u8], exchange.as_bytes(), &[key.len() as u8], key.as_bytes(), &[0]].concat();
    let header = [&[0, 60, 0, 0][..], &(body.len() as u64).to_be_bytes(), &[0x80, 0, 16], b"application/json"].concat();
    [method(1, 60, 40, &names), frame(2, 1, &header), frame(3, 1, body.as_bytes())].concat()
}

const BODY: &str = r#"{"body":"{\n  \"k\": \"key\"\n}","timestamp":"2026-01-02T03:03:05.678901234Z"}"#;

#[test]
fn the_description_is_whole() {
    check_description::<Amqp>(&["exchange", "routing_key", "body"]);
}

#[test]
fn a_record_is_one_confirmed_message_on_a_connection_that_is_kept() {
    let network = FakeNetwork::new();
    broker(&network, &[ack, ack]);
    let records = [record(&[("k", "key")]), record(&[("k", "key")])];
    assert_eq!(deliver::<Amqp>(CONFIG, &network, &records), Report::default());
    assert_eq!(network.dialled.borrow()[0].address, "mq.example:5672");
    assert_eq!((network.dialled.borrow().len(), network.dialled.borrow()[0].tls.clone()), (1, None));
    let written = network.written.borrow()[0].clone();
    let expected = message("ex", "key", BODY);
    assert!(written.ends_with(&[&expected[..], &expected].concat()), "{}", String::from_utf8_lossy(&written));
    let login = b"\x05PLAIN\x00\x00\x00\x0b\0us/er\0pass\x05en_US\xce";
    assert!(written.windows(login.len()).any(|window| window == login));
}

#[test]
fn the_connection_is_made_at_set_up() {
    let network = FakeNetwork::new();
    let refused = open::<Amqp>(CONFIG, &network).err();
    assert_eq!(refused, Some(OpenError::Failed("mq.example:5672: connection refused".to_owned())));
}

#[test]
fn an_amqps_url_is_encrypted_and_has_its_own_port() {
    let network = FakeNetwork::new();
    broker(&network, &[]);
    let config = CONFIG.replace("amqp://", "amqps://");
    assert!(open::<Amqp>(&config, &network).is_ok());
    assert_eq!(network.dialled.borrow()[0].address, "mq.example:5671");
    assert_eq!(network.dialled.borrow()[0].tls, Some(Tls::default()));
}

#[test]
fn a_broken_connection_is_made_again_and_the_record_published_again() {
    for broken in [silence as Reply, goodbye] {
        let network = FakeNetwork::new();
        broker(&network, &[ack, broken]);
        broker(&network, &[ack]);
        let records = [record(&[("k", "key")]), record(&[("k", "key")])];
        assert_eq!(deliver::<Amqp>(CONFIG, &network, &records), Report::default());
        assert_eq!(network.dialled.borrow().len(), 2);
        assert!(network.written.borrow()[1].ends_with(&message("ex", "key", BODY)));
    }
}

#[test]
fn a_broker_that_is_gone_stops_the_batch_and_is_tried_again_later() {
    let network = FakeNetwork::new();
    broker(&network, &[silence]);
    let mut sink = open::<Amqp>(CONFIG, &network).ok().unwrap();
    let stopped = sink.send(&vec![record(&[])]).stopped;
    assert_eq!(stopped, Some((0, "mq.example:5672: connection refused".to_owned(), Retry::After(1_000))));
    broker(&network, &[ack]);
    assert_eq!(sink.send(&vec![record(&[])]), Report::default());
}

#[test]
fn an_unknown_exchange_rejects_the_record_and_the_next_one_goes_over_the_same_connection() {
    let network = FakeNetwork::new();
    broker(&network, &[no_exchange, ack]);
    let report = deliver::<Amqp>(CONFIG, &network, &[record(&[]), record(&[("k", "key")])]);
    assert_eq!(report.rejected, [(0, "the broker closed the channel or connection: 404 NOT_FOUND".to_owned())]);
    assert_eq!((report.stopped, network.dialled.borrow().len()), (None, 1));
    assert!(network.written.borrow()[0].ends_with(&message("ex", "key", BODY)));
}

#[test]
fn a_message_that_the_broker_did_not_take_stops_the_batch() {
    let network = FakeNetwork::new();
    broker(&network, &[nack]);
    let report = deliver::<Amqp>(CONFIG, &network, &[record(&[])]);
    assert_eq!(report.stopped, Some((0, "the broker could not take the message".to_owned(), Retry::After(1_000))));
}

#[test]
fn a_refused_login_says_who_could_not_log_in() {
    let network = FakeNetwork::new();
    network.listen(|bytes| match bytes {
        b"AMQP\0\0\x09\x01" => method(0, 10, 10, b"\x00\x09\x00\x00\x00\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x05en_US"),
        _ => method(0, 10, 50, &[&403_u16.to_be_bytes()[..], b"\x06denied", &[0, 0, 0, 0]].concat()),
    });
    let Some(OpenError::Failed(why)) = open::<Amqp>(CONFIG, &network).err() else { panic!("it opens") };
    let expected =
        "login as \"us/er\" to virtual host \"logs/a\" failed: the broker closed the channel or connection: 403 denied";
    assert_eq!(why, expected);
}

#[test]
fn a_server_of_another_version_is_told_apart() {
    let network = FakeNetwork::new();
    network.listen(|_| b"AMQP\x00\x01\x00\x00".to_vec());
    let failed = open::<Amqp>(CONFIG, &network).err();
    assert_eq!(failed, Some(OpenError::Failed("the server does not speak AMQP 0-9-1".to_owned())));
}

#[test]
fn a_large_body_is_split_into_frames_and_a_long_key_is_rejected() {
    let network = FakeNetwork::new();
    // Two parts: the broker of this test counts parts, so it answers the first with silence.
    broker(&network, &[silence, |_| ack(1)]);
    let config = CONFIG.replace("@expr:log.k", "key").replace('}', r#", "body": "@expr:log.big"}"#);
    let big = record(&[("big", &"x".repeat(200_000))]);
    assert_eq!(deliver::<Amqp>(&config, &network, &[big]), Report::default());
    let written = network.written.borrow()[0].clone();
    let first = [&[3, 0, 1][..], &(131_072_u32 - 8).to_be_bytes()].concat();
    assert!(written.windows(first.len()).any(|window| window == first));
    let network = FakeNetwork::new();
    broker(&network, &[]);
    let report = deliver::<Amqp>(CONFIG, &network, &[record(&[("k", &"k".repeat(256))])]);
    assert!(report.rejected[0].1.ends_with("has more than 255 bytes"));
}

#[test]
fn what_cannot_be_used_is_named() {
    assert_eq!(read_targets::<Amqp>(CONFIG).unwrap(), ["tcp://mq.example:5672"]);
    let refused = refusal::<Amqp>(r#"{"url": "http://x", "exchange": "e"}"#);
    assert_eq!(refused, "url: \"http://x\" is no URL that begins with amqp:// or amqps://");
    assert_eq!(refusal::<Amqp>(r#"{"url": "amqp://x", "exchange": ""}"#), "exchange: must not be empty");
}
