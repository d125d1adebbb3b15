//! Against a server that exists in the test only; the bytes it sends and compares are written out here, not made by the
//! code under test.

use super::ClickHouse;
use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, open, record, refusal};
use headworks_forwarder_kit::{OpenError, Report, Retry, Tls, read_targets};

const CONFIG: &str =
    r#"{"address": "ch.example:9000", "db": "my`db", "table": "logs", "user": "user", "pass": "secret", "tls": false}"#;
const CREATE: &str = "CREATE TABLE IF NOT EXISTS `my\\`db`.logs (id UUID, timestamp DateTime64(3, 'UTC'), fields Map(String, String)) \
                      ENGINE = MergeTree PRIMARY KEY (id) ORDER BY (id)";
const INSERT: &str = "INSERT INTO `my\\`db`.logs (id, timestamp, fields) VALUES";

/// A text of fewer than 128 bytes, or of up to 16,383.
fn text(value: &str) -> Vec<u8> {
    let length = match value.len() {
        short @ ..128 => vec![short as u8],
        long => vec![(long % 128 + 128) as u8, (long / 128) as u8],
    };
    [&length, value.as_bytes()].concat()
}

/// 54405 as an integer of variable length.
const REVISION: [u8; 3] = [0x85, 0xa9, 0x03];
const NO_BLOCK: [u8; 12] = [2, 0, 1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0];

fn hello() -> Vec<u8> {
    [&[0][..], &text("headworks"), &[0, 1], &REVISION, &text("my`db"), &text("user"), &text("secret")].concat()
}

fn query(statement: &str) -> Vec<u8> {
    let client = [&text("0.0.0.0:0")[..], &[1, 0], &text("here.example"), &text("headworks"), &[0, 1], &REVISION].concat();
    [&[1, 0, 1, 0, 0][..], &client, &[0, 0, 0, 2, 0], &text(statement), &NO_BLOCK].concat()
}

/// What the server says to a hello: a newer revision, a time zone, a display name, a patch.
fn welcome() -> Vec<u8> {
    [&[0][..], &text("ClickHouse"), &[24, 8, 0xc0, 0xa9, 0x03], &text("UTC"), &text("here"), &[7]].concat()
}

fn sample(columns: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = [&NO_BLOCK[..10], &[columns.len() as u8, 0]].concat();
    bytes[0] = 1;
    columns.iter().for_each(|(name, kind)| bytes.extend([text(name), text(kind)].concat()));
    bytes
}

const COLUMNS: [(&str, &str); 3] = [("id", "UUID"), ("timestamp", "DateTime64(3, 'UTC')"), ("fields", "Map(String, String)")];
/// A progress and the end.
const DONE: [u8; 5] = [3, 1, 2, 3, 5];

fn exception(code: i32, message: &str) -> Vec<u8> {
    let one = |message: &str, more: u8| {
        [&code.to_le_bytes()[..], &text("DB::Exception"), &text(message), &text("trace"), &[more]].concat()
    };
    [&[2][..], &one(message, 1), &one("the cause", 0)].concat()
}

/// A server whose connection answers what comes with these answers, in order; then it ends.
fn server(network: &FakeNetwork, answers: &[Vec<u8>]) {
    let mut answers = Vec::from(answers).into_iter();
    network.listen(move |_| answers.next().unwrap_or_default());
}

fn set_up() -> Vec<Vec<u8>> {
    vec![welcome(), vec![4], DONE.to_vec()]
}

fn row() -> Vec<u8> {
    let mut bytes = [&NO_BLOCK[..10], &[3, 1]].concat();
    let id = [0xff, 0x4f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbf];
    bytes.extend([text("id"), text("UUID"), id.to_vec()].concat());
    let time = 1_767_322_985_678_i64.to_le_bytes().to_vec();
    bytes.extend([text("timestamp"), text("DateTime64(3, 'UTC')"), time].concat());
    let map = [text("a"), text("b"), text("1"), text("zwei")].concat();
    bytes.extend([text("fields"), text("Map(String, String)"), 2_u64.to_le_bytes().to_vec(), map].concat());
    [&bytes[..], &NO_BLOCK].concat()
}

#[test]
fn the_description_is_whole() {
    check_description::<ClickHouse>(&[]);
}

#[test]
fn a_row_is_inserted_into_a_table_that_is_made_at_set_up() {
    let network = FakeNetwork::new();
    let insert = [sample(&COLUMNS), DONE.to_vec()];
    server(&network, &[set_up(), insert.to_vec(), insert.to_vec()].concat());
    let record = record(&[("b", "zwei"), ("a", "1")]);
    assert_eq!(deliver::<ClickHouse>(CONFIG, &network, &[record.clone(), record]), Report::default());
    let written = network.written.borrow()[0].clone();
    let one = [query(INSERT), row()].concat();
    let expected = [hello(), vec![4], query(CREATE), one.clone(), one].concat();
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&expected));
    assert_eq!(written, expected);
    assert_eq!(network.dialled.borrow().len(), 1);
    assert_eq!((network.dialled.borrow()[0].address.as_str(), &network.dialled.borrow()[0].tls), ("ch.example:9000", &None));
}

#[test]
fn the_connection_is_encrypted_where_that_is_configured() {
    let network = FakeNetwork::new();
    server(&network, &set_up());
    assert!(open::<ClickHouse>(&CONFIG.replace("false", "true"), &network).is_ok());
    assert_eq!(network.dialled.borrow()[0].tls, Some(Tls::default()));
}

#[test]
fn a_refused_login_fails_the_set_up() {
    let network = FakeNetwork::new();
    server(&network, &[exception(516, "user: Authentication failed")]);
    let failed = open::<ClickHouse>(CONFIG, &network).err();
    assert_eq!(failed, Some(OpenError::Failed("the server answered error 516: user: Authentication failed".to_owned())));
    let failed = open::<ClickHouse>(CONFIG, &FakeNetwork::new()).err();
    assert_eq!(failed, Some(OpenError::Failed("ch.example:9000: connection refused".to_owned())));
}

#[test]
fn a_broken_connection_is_made_again() {
    let network = FakeNetwork::new();
    server(&network, &set_up());
    server(&network, &[welcome(), vec![4], sample(&COLUMNS), DONE.to_vec()]);
    let report = deliver::<ClickHouse>(CONFIG, &network, &[record(&[("b", "zwei"), ("a", "1")])]);
    assert_eq!(report, Report::default());
    let again = network.written.borrow()[1].clone();
    assert_eq!(again, [hello(), vec![4], query(INSERT), row()].concat());
}

#[test]
fn an_error_of_the_server_stops_the_batch_and_the_next_one_gets_a_new_connection() {
    let network = FakeNetwork::new();
    server(&network, &[set_up(), vec![exception(241, "memory limit")]].concat());
    let mut sink = open::<ClickHouse>(CONFIG, &network).ok().unwrap();
    let stopped = sink.send(&vec![record(&[])]).stopped;
    assert_eq!(stopped, Some((0, "the server answered error 241: memory limit".to_owned(), Retry::After(1_000))));
    server(&network, &[welcome(), vec![4], sample(&COLUMNS), DONE.to_vec()]);
    assert_eq!(sink.send(&vec![record(&[])]), Report::default());
    assert_eq!((network.dialled.borrow().len(), *network.closed.borrow()), (2, 1));
}

#[test]
fn a_table_of_another_shape_is_refused_with_its_columns() {
    let network = FakeNetwork::new();
    let other = sample(&[("id", "UUID"), ("timestamp", "DateTime64(3, 'UTC')"), ("fields", "String")]);
    server(&network, &[set_up(), vec![other]].concat());
    let (_, reason, retry) = deliver::<ClickHouse>(CONFIG, &network, &[record(&[])]).stopped.unwrap();
    assert!(
        reason.starts_with("the table has the columns id UUID, timestamp DateTime64(3, 'UTC'), fields String, and"),
        "{reason}"
    );
    assert_eq!(retry, Retry::Never);
}

#[test]
fn what_is_no_server_of_this_kind_is_told() {
    let network = FakeNetwork::new();
    server(&network, &[b"HTTP/1.1 400 Bad Request\r\n".to_vec()]);
    let failed = open::<ClickHouse>(CONFIG, &network).err();
    assert_eq!(failed, Some(OpenError::Failed("a packet of the unknown kind 72 came".to_owned())));
    let network = FakeNetwork::new();
    server(&network, &[[&[0][..], &text("ClickHouse"), &[1, 1, 0xb8, 0xa6, 0x03]].concat()]);
    let failed = open::<ClickHouse>(CONFIG, &network).err();
    assert_eq!(failed, Some(OpenError::Failed("the server speaks revision 54072, and 54405 is needed".to_owned())));
}

#[test]
fn what_cannot_be_used_is_named() {
    assert_eq!(read_targets::<ClickHouse>(CONFIG).unwrap(), ["tcp://ch.example:9000"]);
    let refused = refusal::<ClickHouse>(&CONFIG.replace("logs", "1 logs"));
    assert!(refused.starts_with("table: \"1 logs\" is no name of a table"), "{refused}");
    assert!(refusal::<ClickHouse>(&CONFIG.replace("\"logs\"", "\"\"")).starts_with("table: \"\" is no name"));
    assert_eq!(refusal::<ClickHouse>(&CONFIG.replace("secret", "")), "pass: must not be empty");
    assert_eq!(refusal::<ClickHouse>(&CONFIG.replace(":9000", "")), "address: \"ch.example\" is no host:port");
}
