//! Saving, testing and running VRL scripts (FlowG 8).

use crate::{pipeline_through, shared};
use headworks_tests::{Answer, Client, unique};
use serde_json::{Value, json};

fn test(client: &Client, code: &str, record: &Value) -> Answer {
    client.post("/api/v1/test/transformer", &json!({ "code": code, "record": record }))
}

fn results(client: &Client, code: &str, record: Value) -> Value {
    test(client, code, &record).ok()["records"].take()
}

/// The text of one value: `.v` after the script.
fn rendered(client: &Client, script: &str) -> String {
    let records = results(client, script, json!({}));
    records[0]["v"].as_str().unwrap_or_else(|| panic!("{script}: {records}")).to_owned()
}

#[test]
fn a_saved_script_is_answered_as_it_was_saved() {
    let (_server, client) = shared();
    let (name, script) = (unique("transformer"), "# comment\n.a = \"ü\"\r\n\t.\n");
    client.save_transformer(&name, script);
    let path = format!("/api/v1/transformers/{name}");
    assert_eq!(client.get(&path).ok()["script"], script);
    assert!(client.get("/api/v1/transformers").ok()["transformers"].as_array().expect("names").contains(&json!(name)));
    client.delete(&path).ok();
    assert_eq!(client.get(&path).error(404, "NOT_FOUND"), "not found");
    client.delete(&path).ok();
}

#[test]
fn saving_does_not_compile() {
    let (_server, client) = shared();
    let name = unique("transformer");
    client.save_transformer(&name, "this is ( no VRL");
    client.save_transformer(&name, "");
    assert_eq!(client.get(&format!("/api/v1/transformers/{name}")).ok()["script"], "");
}

#[test]
fn a_test_answers_both_members() {
    let (_server, client) = shared();
    let body = test(&client, ".level = downcase!(.level)", &json!({ "level": "INFO" })).ok();
    assert_eq!(body["record"], json!({ "level": "info" }));
    assert_eq!(body["records"], json!([{ "level": "info" }]));
}

#[test]
fn a_test_without_results_answers_null_and_none() {
    let (_server, client) = shared();
    let body = test(&client, ". = []", &json!({ "a": "1" })).ok();
    assert_eq!(body["record"], Value::Null);
    assert_eq!(body["records"], json!([]));
}

#[test]
fn a_test_takes_null_as_a_record() {
    let (_server, client) = shared();
    assert_eq!(test(&client, ".a = \"1\"", &Value::Null).ok()["records"], json!([{ "a": "1" }]));
}

#[test]
fn a_script_that_does_not_compile_is_400_with_code_422_and_the_report() {
    let (_server, client) = shared();
    let body = test(&client, ".a = to_int(.a)\n.b = unknown_function(.b)", &json!({})).fails(400, "INVALID_ARGUMENT");
    assert_eq!(body["code"], 422);
    let error = body["error"].as_str().expect("an error");
    assert!(error.starts_with("invalid argument: ") && error.ends_with(": Failed to compile VRL script"), "{error}");
    assert!(error.contains("<script>") && error.contains("E1"), "{error}");
    assert!(error.contains("unknown_function"), "{error}");
}

#[test]
fn a_script_that_fails_while_running_is_400_with_code_422_and_the_report() {
    let (_server, client) = shared();
    for script in [".a = parse_json!(.a)", "abort"] {
        let body = test(&client, script, &json!({ "a": "no json" })).fails(400, "INVALID_ARGUMENT");
        assert_eq!(body["code"], 422);
        let error = body["error"].as_str().expect("an error");
        assert!(error.starts_with("invalid argument: failed to transform log event: "), "{error}");
        assert!(error.ends_with(": Failed to execute VRL script"), "{error}");
    }
}

#[test]
fn abort_fails_the_request_and_does_not_drop_the_record_silently() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_through(&client, "abort");
    let error = client.ingest(&pipeline, &json!([{}])).error(500, "INTERNAL");
    assert!(error.starts_with("internal: failed to transform log event: "), "{error}");
    assert!(error.contains("Failed to execute VRL script"), "{error}");
    assert!(client.records(&stream).is_empty());
}

#[test]
fn an_empty_script_returns_its_input() {
    let (_server, client) = shared();
    let record = json!({ "a": "1", "b.c": "2", "": "3" });
    assert_eq!(results(&client, "", record.clone()), json!([record]));
}

#[test]
fn the_result_is_the_final_event_and_not_the_last_expression() {
    let (_server, client) = shared();
    assert_eq!(results(&client, ".a = \"1\"\n\"something else\"", json!({})), json!([{ "a": "1" }]));
}

#[test]
fn every_field_is_text_and_dotted_names_are_single_keys() {
    let (_server, client) = shared();
    let script = ".t = type_def(.n)\n.is = is_string(.n)\n.dotted = .\"a.b\"\n.nested = .a.b";
    let script = script.replace(".t = type_def(.n)\n", "");
    let records = results(&client, &script, json!({ "n": "5", "a.b": "dot" }));
    assert_eq!(records, json!([{ "n": "5", "a.b": "dot", "is": "true", "dotted": "dot", "nested": "<nil>" }]));
}

#[test]
fn nested_values_are_flattened_with_dots_and_positions() {
    let (_server, client) = shared();
    let records = results(&client, ".foo = \"bar\"\n.bar.baz = [1, 2, 3, \"a\"]", json!({}));
    assert_eq!(records, json!([{ "foo": "bar", "bar.baz.0": "1", "bar.baz.1": "2", "bar.baz.2": "3", "bar.baz.3": "a" }]));
}

#[test]
fn empty_objects_and_arrays_leave_nothing() {
    let (_server, client) = shared();
    assert_eq!(results(&client, ".a = {}\n.b = []\n.c = {\"d\": {}}\n.e = \"x\"", json!({})), json!([{ "e": "x" }]));
    assert_eq!(results(&client, ". = {}", json!({ "a": "1" })), json!([{}]));
}

#[test]
fn of_two_paths_with_one_flat_name_the_later_in_key_order_wins() {
    let (_server, client) = shared();
    let records = results(&client, ".a = {\"b\": \"nested\"}\n.\"a.b\" = \"dotted\"", json!({}));
    assert_eq!(records, json!([{ "a.b": "dotted" }]));
}

#[test]
fn an_array_gives_one_record_per_element_in_order() {
    let (_server, client) = shared();
    let records = results(&client, ". = [{\"a\": {\"b\": 1}}, [\"x\", {\"y\": 2}], 5, \"text\", null, true]", json!({}));
    assert_eq!(
        records,
        json!([{ "a.b": "1" }, { "0": "x", "1.y": "2" }, { "value": "5" }, { "value": "text" }, { "value": "<nil>" }, { "value": "true" }])
    );
}

#[test]
fn a_scalar_gives_one_record_with_value() {
    let (_server, client) = shared();
    assert_eq!(results(&client, ". = 42", json!({ "a": "1" })), json!([{ "value": "42" }]));
    assert_eq!(results(&client, ". = \"text\"", json!({})), json!([{ "value": "text" }]));
}

#[test]
fn splitting_gives_one_record_per_part() {
    let (_server, client) = shared();
    let records =
        results(&client, ". = map_values(split!(.content, \"|\")) -> |v| { {\"part\": v} }", json!({ "content": "a|b" }));
    assert_eq!(records, json!([{ "part": "a" }, { "part": "b" }]));
}

#[test]
fn integers_and_booleans_and_null_have_their_text_forms() {
    let (_server, client) = shared();
    assert_eq!(rendered(&client, ".v = -9223372036854775807"), "-9223372036854775807");
    assert_eq!(rendered(&client, ".v = 0"), "0");
    assert_eq!(rendered(&client, ".v = true"), "true");
    assert_eq!(rendered(&client, ".v = null"), "<nil>");
}

#[test]
fn floats_are_the_shortest_form_with_exponents_only_at_the_ends() {
    let (_server, client) = shared();
    for (expression, text) in [
        ("1.5", "1.5"),
        ("1.0", "1"),
        ("-0.1", "-0.1"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("123456789.0", "123456789"),
        ("to_float!(\"1e20\")", "100000000000000000000"),
        ("to_float!(\"1e21\")", "1e+21"),
        ("to_float!(\"1.25e300\")", "1.25e+300"),
        ("0.1 + 0.2", "0.30000000000000004"),
    ] {
        assert_eq!(rendered(&client, &format!(".v = {expression}")), text, "{expression}");
    }
}

#[test]
fn timestamps_are_rfc3339_with_0_3_6_or_9_digits() {
    let (_server, client) = shared();
    for (expression, text) in [
        ("t'2025-01-02T03:04:05Z'", "2025-01-02T03:04:05Z"),
        ("t'2025-01-02T03:04:05.5Z'", "2025-01-02T03:04:05.500Z"),
        ("t'2025-01-02T03:04:05.0005Z'", "2025-01-02T03:04:05.000500Z"),
        ("t'2025-01-02T03:04:05.000000001Z'", "2025-01-02T03:04:05.000000001Z"),
        ("t'2025-01-02T05:04:05+02:00'", "2025-01-02T03:04:05Z"),
    ] {
        assert_eq!(rendered(&client, &format!(".v = {expression}")), text, "{expression}");
    }
}

#[test]
fn a_regex_is_its_source() {
    let (_server, client) = shared();
    assert_eq!(rendered(&client, ".v = r'^a+\\d$'"), "^a+\\d$");
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let (_server, client) = shared();
    assert_eq!(rendered(&client, ".v = decode_base64!(\"Yf9i\")"), "a\u{fffd}b");
}

#[test]
fn text_comes_through_unchanged() {
    let (_server, client) = shared();
    let record = json!({ "a": "ünï¢ödé 🦀 \u{0}\u{7f}\u{200d}", "ключ": "" });
    assert_eq!(results(&client, ".", record.clone()), json!([record]));
}

#[test]
fn the_metadata_is_empty_and_there_are_no_secrets() {
    let (_server, client) = shared();
    assert_eq!(rendered(&client, ".v = encode_json(%)"), "{}");
}

#[test]
fn the_time_is_the_real_one() {
    let (_server, client) = shared();
    let seconds: i64 = rendered(&client, ".v = to_unix_timestamp(now())").parse().expect("seconds");
    let difference = headworks_core::Timestamp::now().seconds() - seconds;
    assert!((-5..3600).contains(&difference), "the guest's clock is {difference} s late");
}

#[test]
fn random_values_differ() {
    let (_server, client) = shared();
    assert_ne!(rendered(&client, ".v = uuid_v4()"), rendered(&client, ".v = uuid_v4()"));
}

#[test]
fn the_standard_library_is_there() {
    let (_server, client) = shared();
    for (script, expected) in [
        (".v = parse_syslog!(\"<13>1 2020-03-13T20:45:38.119Z host app 2426 ID - message\").appname", "app"),
        (".v = parse_key_value!(\"a=1 b=two\").b", "two"),
        (".v = parse_json!(\"{\\\"a\\\": [1, 2]}\").a[1]", "2"),
        (".v = parse_regex!(\"GET /x\", r'^(?P<method>\\w+) ').method", "GET"),
        (
            ".v = parse_apache_log!(\"[01/Mar/2021:12:00:19 +0000] [ab:notice] [pid 4803:tid 3814] [client 192.0.2.1:24259] text\", \"error\").severity",
            "notice",
        ),
        (".v = parse_url!(\"https://example.com/a?b=c\").host", "example.com"),
        (
            ".v = parse_user_agent!(\"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\").browser.family",
            "Firefox",
        ),
        (".v = sha2(\"x\", variant: \"SHA-256\")", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
        (".v = encode_base64(\"hello\")", "aGVsbG8="),
        (".v = format_timestamp!(t'2025-01-02T03:04:05Z', \"%Y/%m/%d\")", "2025/01/02"),
        (".v = parse_csv!(\"a,\\\"b,c\\\"\")[1]", "b,c"),
        (".v = parse_duration!(\"90s\", \"m\")", "1.5"),
        (".v = parse_xml!(\"<a><b>1</b></a>\").a.b", "1"),
        (".v = redact(\"id 123-45-6789\", filters: [\"us_social_security_number\"])", "id [REDACTED]"),
        (".v = ip_cidr_contains!(\"10.0.0.0/8\", \"10.1.2.3\")", "true"),
        (".v = decode_gzip!(encode_gzip(\"zip\"))", "zip"),
        (".v = decode_zstd!(encode_zstd(\"zst\"))", "zst"),
        (".v = strlen(\"häh\")", "3"),
    ] {
        assert_eq!(rendered(&client, script), expected, "{script}");
    }
}

#[test]
fn functions_that_cannot_run_in_a_guest_are_compile_errors_that_name_them() {
    let (_server, client) = shared();
    for (function, script) in [
        ("get_env_var", ".v = get_env_var!(\"HOME\")"),
        ("dns_lookup", ".v = dns_lookup!(\"example.com\")"),
        ("reverse_dns", ".v = reverse_dns!(\"127.0.0.1\")"),
        ("http_request", ".v = http_request!(\"http://127.0.0.1/\")"),
        ("get_hostname", ".v = get_hostname!()"),
    ] {
        let body = test(&client, script, &json!({})).fails(400, "INVALID_ARGUMENT");
        let error = body["error"].as_str().expect("an error");
        assert!(error.contains(function) && error.ends_with(": Failed to compile VRL script"), "{function}: {error}");
    }
}

#[test]
fn state_does_not_leak_from_one_record_to_the_next() {
    let (_server, client) = shared();
    let (pipeline, stream) =
        pipeline_through(&client, "if exists(.set) { kept = .set; .kept = kept } else { .seen = exists(.kept) }");
    let records = json!([{ "set": "secret" }, { "n": "1" }, { "n": "2" }]);
    client.ingest(&pipeline, &records).ok();
    assert_eq!(client.values(&stream, "seen"), ["false", "false"]);
}

#[test]
fn a_script_that_makes_too_many_records_is_refused() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_through(&client, ". = split!(.content, \"|\")");
    let error = client.ingest(&pipeline, &json!([{ "content": "|".repeat(12_000) }])).error(500, "INTERNAL");
    assert!(error.contains("10000") || error.contains("10,000"), "the limit is named: {error}");
    assert!(client.records(&stream).is_empty());
    assert_eq!(client.ingest(&pipeline, &json!([{ "content": "|".repeat(9_000) }])).processed(), 1);
    assert_eq!(client.records(&stream).len(), 9_001);
}
