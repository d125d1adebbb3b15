//! The language of filters and conditions (FlowG 9), through query_stream.

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Client, Server};
use serde_json::json;
use std::sync::Arc;

struct Stream {
    _server: Arc<Server>,
    client: Client,
    name: String,
}

fn sample() -> Stream {
    let (server, client) = shared();
    let (pipeline, name) = pipeline_into_stream(&client);
    let records = json!([
        { "n": "1", "level": "error", "service": "api", "message": "read timeout", "status": "500" },
        { "n": "2", "level": "info", "service": "api", "message": "ok", "status": "200", "user": "eve" },
        { "n": "3", "level": "fatal", "service": "probe", "message": "Time-Out!", "status": "503", "user": "" },
        { "n": "4", "a.b": "dotted", "type": "T", "x y": "spaced", "'": "quote" }
    ]);
    assert_eq!(client.ingest(&pipeline, &records).processed(), 4);
    Stream { _server: server, client, name }
}

impl Stream {
    /// The numbers of the records that match, in ascending order.
    fn matching(&self, filter: &str) -> String {
        let answer = self.client.query(&self.name, &[("filter", filter)]);
        assert_eq!(answer.status, 200, "{filter}: {}", answer.text());
        headworks_tests::client::sorted_values(&answer.fields(), "n").concat()
    }

    fn refused(&self, filter: &str) -> String {
        let error = self.client.query(&self.name, &[("filter", filter)]).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to compile expression: "), "{filter}: {error}");
        error
    }

    fn fails_while_running(&self, filter: &str) {
        let answer = self.client.query(&self.name, &[("filter", filter)]);
        // The failure may be found after the answer began: then its JSON is cut off, never a shorter valid document.
        let complete = answer.status == 200 && serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok();
        assert!(!complete, "{filter}: {}", answer.text());
    }
}

#[test]
fn no_filter_and_a_blank_one_let_everything_through() {
    let stream = sample();
    assert_eq!(stream.client.records(&stream.name).len(), 4);
    for filter in ["", " ", "\t\n"] {
        assert_eq!(stream.matching(filter), "1234", "{filter:?}");
    }
}

#[test]
fn comparisons_of_text() {
    let stream = sample();
    assert_eq!(stream.matching("level == \"error\""), "1");
    assert_eq!(stream.matching("level == 'error'"), "1");
    assert_eq!(stream.matching("level == `error`"), "1");
    assert_eq!(stream.matching("level != \"error\""), "234");
    assert_eq!(stream.matching("n < \"3\""), "12");
    assert_eq!(stream.matching("n >= \"3\""), "34");
    assert_eq!(stream.matching("level in [\"error\", \"fatal\"]"), "13");
    assert_eq!(stream.matching("level not in [\"error\", \"fatal\"]"), "24");
}

#[test]
fn logic_and_its_spellings() {
    let stream = sample();
    assert_eq!(stream.matching("level in [\"error\", \"fatal\"] and service != \"probe\""), "1");
    assert_eq!(stream.matching("level == \"error\" || level == \"info\""), "12");
    assert_eq!(stream.matching("not (level == \"error\")"), "234");
    assert_eq!(stream.matching("!(level == \"error\") && n != \"4\""), "23");
    assert_eq!(stream.matching("true"), "1234");
    assert_eq!(stream.matching("false"), "");
    assert_eq!(stream.matching("level == \"error\" or level == \"info\" and service == \"probe\""), "1");
}

#[test]
fn not_binds_tighter_than_comparison() {
    let stream = sample();
    let answer = stream.client.query(&stream.name, &[("filter", "not level == \"error\"")]);
    assert_ne!(answer.status, 200, "(not level) is no comparison of text: {}", answer.text());
}

#[test]
fn operators_on_text() {
    let stream = sample();
    assert_eq!(stream.matching("message contains \"timeout\""), "1");
    assert_eq!(stream.matching("message startsWith \"read\""), "1");
    assert_eq!(stream.matching("message endsWith \"!\""), "3");
    assert_eq!(stream.matching("message not contains \"timeout\""), "234");
    assert_eq!(stream.matching("message contains \"timeout\" or message matches \"(?i)time[- ]?out\""), "13");
    assert_eq!(stream.matching("message matches \"^o\""), "2");
}

#[test]
fn an_absent_field_is_empty_text() {
    let stream = sample();
    assert_eq!(stream.matching("user == \"\""), "134");
    assert_eq!(stream.matching("(user ?? \"x\") == \"x\""), "");
    assert_eq!(stream.matching("nowhere == \"\""), "1234");
}

#[test]
fn presence_is_asked_of_env() {
    let stream = sample();
    assert_eq!(stream.matching("\"user\" in $env"), "23");
    assert_eq!(stream.matching("\"user\" in $env && user != \"\""), "2");
    assert_eq!(stream.matching("\"a.b\" in $env"), "4");
    assert_eq!(stream.matching("not (\"level\" in $env)"), "4");
}

#[test]
fn fields_of_any_name_are_reached_by_env() {
    let stream = sample();
    assert_eq!(stream.matching("$env[\"a.b\"] == \"dotted\""), "4");
    assert_eq!(stream.matching("$env[\"x y\"] == \"spaced\""), "4");
    assert_eq!(stream.matching("$env[\"type\"] == \"T\""), "4");
    assert_eq!(stream.matching("$env[\"'\"] == \"quote\""), "4");
}

#[test]
fn numbers_are_never_converted() {
    let stream = sample();
    assert_eq!(stream.matching("status == 500"), "");
    stream.fails_while_running("status >= 400");
}

#[test]
fn int_converts_and_fails_on_what_is_no_number() {
    let stream = sample();
    assert_eq!(stream.matching("\"status\" in $env && int(status) >= 500"), "13");
    assert_eq!(stream.matching("int(n) > 2"), "34");
    stream.fails_while_running("int(level) > 3");
}

#[test]
fn functions() {
    let stream = sample();
    assert_eq!(stream.matching("len(message) == 2"), "2");
    assert_eq!(stream.matching("upper(level) == \"INFO\""), "2");
    assert_eq!(stream.matching("lower(message) == \"time-out!\""), "3");
    assert_eq!(stream.matching("trim(\" x \") == \"x\" and n == \"1\""), "1");
    assert_eq!(stream.matching("split(message, \" \")[0] == \"read\""), "1");
    assert_eq!(stream.matching("replace(message, \"ok\", \"ko\") == \"ko\""), "2");
    assert_eq!(stream.matching("hasPrefix(message, \"read\")"), "1");
    assert_eq!(stream.matching("hasSuffix(message, \"!\")"), "3");
    assert_eq!(stream.matching("indexOf(message, \"timeout\") == 5"), "1");
    assert_eq!(stream.matching("string(1) == n"), "1");
    assert_eq!(stream.matching("float(n) > 3.5"), "4");
    assert_eq!(stream.matching("fromJSON('{\"a\": 1}').a == 1"), "1234");
    assert_eq!(stream.matching("toJSON(n) == '\"1\"'"), "1");
}

#[test]
fn predicates() {
    let stream = sample();
    assert_eq!(stream.matching("any([\"time\", \"ok\"], message contains #)"), "12");
    assert_eq!(stream.matching("all([\"read\", \"time\"], {message contains #})"), "1");
    assert_eq!(stream.matching("none([\"read\", \"ok\"], message contains #)"), "34");
    assert_eq!(stream.matching("one([\"read\", \"timeout\", \"ok\"], message contains #)"), "2");
    assert_eq!(stream.matching("count([\"read\", \"timeout\"], message contains #) == 2"), "1");
    assert_eq!(stream.matching("len(filter([\"read\", \"ok\"], message contains #)) == 1"), "12");
    assert_eq!(stream.matching("map([\"1\"], # + \"x\")[0] == n + \"x\""), "1");
}

#[test]
fn ternary_let_and_arithmetic() {
    let stream = sample();
    assert_eq!(stream.matching("len(message) > 5 ? level == \"fatal\" : true"), "234");
    assert_eq!(stream.matching("let s = lower(level); s == \"error\" || s == \"info\""), "12");
    assert_eq!(stream.matching("int(n) * 2 + 1 == 7"), "3");
    assert_eq!(stream.matching("int(n) % 2 == 0"), "24");
    assert_eq!(stream.matching("2 ** 2 == int(n)"), "4");
    assert_eq!(stream.matching("int(n) in 2..3"), "23");
}

#[test]
fn dates_and_durations() {
    let stream = sample();
    assert_eq!(stream.matching("now() > date(\"2020-01-01\")"), "1234");
    assert_eq!(stream.matching("duration(\"1h\") > duration(\"1m\")"), "1234");
}

#[test]
fn what_is_no_boolean_is_refused() {
    let stream = sample();
    for filter in ["level", "1", "\"text\"", "len(message)", "[1]"] {
        stream.refused(filter);
    }
}

#[test]
fn what_does_not_compile_is_refused() {
    let stream = sample();
    for filter in
        ["level ==", "level === \"x\"", "(", "level == \"open", "unknown_function(level)", "message matches \"(\"", "\u{0}"]
    {
        stream.refused(filter);
    }
}

#[test]
fn the_small_language_is_the_fallback() {
    let stream = sample();
    assert_eq!(stream.matching("level = \"error\""), "1");
    assert_eq!(stream.matching("level = \"error\" OR level = \"info\""), "12");
    assert_eq!(stream.matching("level = \"error\" AND service = \"api\""), "1");
    assert_eq!(stream.matching("NOT level = \"error\""), "234");
    assert_eq!(stream.matching("not (level = \"error\" or level = \"info\")"), "34");
    assert_eq!(stream.matching("level IN [\"error\", \"fatal\"]"), "13");
    assert_eq!(stream.matching("level NOT IN [\"error\"]"), "234");
}

#[test]
fn a_single_quoted_field_name_makes_it_the_small_language() {
    let stream = sample();
    assert_eq!(stream.matching("'a.b' = \"dotted\""), "4");
    assert_eq!(stream.matching("'a.b' != \"dotted\""), "123");
    assert_eq!(stream.matching("'level' in [\"error\"]"), "1");
    assert_eq!(stream.matching("'level' in [\"info\", \"error\"] and not service = \"probe\""), "12");
}

#[test]
fn what_is_valid_in_both_is_expr() {
    let stream = sample();
    // In the small language an absent field differs from the empty text.
    assert_eq!(stream.matching("user != \"\""), "2");
}

#[test]
fn a_filter_that_takes_for_ever_hurts_nobody() {
    let stream = sample();
    let all = "all(1..5000, all(1..5000, all(1..5000, # > 0)))";
    let answer = stream.client.query(&stream.name, &[("filter", all)]);
    let complete = answer.status == 200 && serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok();
    assert!(!complete, "125 billion steps for each record were answered: {}", answer.text());
    assert_eq!(stream.matching("n == \"1\""), "1");
}

#[test]
fn a_deeply_nested_filter_is_refused_and_harmless() {
    let stream = sample();
    for filter in ["(".repeat(5_000) + "true" + &")".repeat(5_000), "not ".repeat(5_000) + "true", "!".repeat(5_000) + "true"] {
        let status = stream.client.query(&stream.name, &[("filter", &filter)]).status;
        assert!(matches!(status, 400 | 414 | 431), "{status}");
    }
    assert_eq!(stream.matching("n == \"1\""), "1");
}
