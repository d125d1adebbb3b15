//! VRL as a component: what goes in and what comes out (FlowG 8).

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::type_complexity, reason = "tests")]

mod support;

use headworks_core::ErrorCode;
use headworks_sandbox::{Limits, Plugin, Transformed};
use support::{batch, expected, texts};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

async fn vrl() -> Plugin {
    support::plugin("vrl", Limits::default()).await
}

async fn run(script: &str, records: &[&[(&str, &str)]]) -> Transformed {
    let transformer = vrl().await.open_transformer(script).await.unwrap();
    transformer.transform(batch(records)).await.unwrap()
}

#[tokio::test]
async fn it_describes_itself() {
    let plugin = vrl().await;
    let description = plugin.description();
    assert_eq!((description.name.as_str(), description.grants.len()), ("vrl", 0));
    serde_json::from_str::<serde_json::Value>(&description.config_schema).unwrap();
}

#[tokio::test]
async fn an_empty_script_answers_its_input() {
    let input: &[&[(&str, &str)]] = &[&[("a.b", "1"), ("c", "zwei")], &[], &[("c", "3")]];
    for script in ["", ".", ". = .", "# nothing"] {
        let answer = run(script, input).await;
        assert_eq!(answer.batch, batch(input), "{script}");
        assert_eq!(answer.origins, [0, 1, 2]);
        assert!(answer.rejected.is_empty());
    }
}

#[tokio::test]
async fn results_become_records() {
    let cases: &[(&str, &[&[(&str, &str)]])] = &[
        (
            ".foo = \"bar\"\n.bar.baz = [1, 2, 3, \"a\"]",
            &[&[
                ("bar.baz.0", "1"),
                ("bar.baz.1", "2"),
                ("bar.baz.2", "3"),
                ("bar.baz.3", "a"),
                ("content", "x|y"),
                ("foo", "bar"),
            ]],
        ),
        (". = map_values(split!(.content, \"|\")) -> |v| { {\"part\": v} }", &[&[("part", "x")], &[("part", "y")]]),
        (". = []", &[]),
        (
            ". = [{\"a\": 1}, [1, {\"x\": 2}], 7, null]",
            &[&[("a", "1")], &[("0", "1"), ("1.x", "2")], &[("value", "7")], &[("value", "<nil>")]],
        ),
        (". = 1.5", &[&[("value", "1.5")]]),
        (". = {}", &[&[]]),
        (
            ". = {\"f\": parse_float!(\"1e21\"), \"g\": 0.00001, \"t\": t'2025-01-02T03:04:05.12Z', \"n\": null, \"b\": true, \"r\": r'a+'}",
            &[&[("b", "true"), ("f", "1e+21"), ("g", "1e-05"), ("n", "<nil>"), ("r", "a+"), ("t", "2025-01-02T03:04:05.120Z")]],
        ),
        (".content.inner = 1", &[&[("content.inner", "1")]]),
        ("del(.content)\n.x = exists(.content)", &[&[("x", "false")]]),
        (".x = del(.content)\n.content = \"again\"", &[&[("content", "again"), ("x", "x|y")]]),
        (".y = .\ndel(.content)", &[&[("y.content", "x|y")]]),
        (".a = {\"b\": 1}\n.\"a.b\" = 2", &[&[("a.b", "2"), ("content", "x|y")]]),
        (".a.b.c = 1\ndel(.a.b.c, compact: true)", &[&[("content", "x|y")]]),
        ("%meta = 1\n.m = %meta", &[&[("content", "x|y"), ("m", "1")]]),
        ("return null", &[&[("content", "x|y")]]),
    ];
    for (script, wanted) in cases {
        let answer = run(script, &[&[("content", "x|y")]]).await;
        assert_eq!(answer.rejected, [], "{script}");
        assert_eq!(texts(&answer.batch), expected(wanted), "{script}");
    }
}

#[tokio::test]
async fn times_and_origins_follow_the_input() {
    let answer =
        run("if .n == \"1\" { . = [] } else if .n == \"2\" { . = [1, 2, 3] }", &[&[("n", "0")], &[("n", "1")], &[("n", "2")]])
            .await;
    assert_eq!(answer.origins, [0, 2, 2, 2]);
    let times: Vec<i64> = answer.batch.records().map(|record| record.time().millis()).collect();
    assert_eq!(times, [0, 2000, 2000, 2000]);
}

#[tokio::test]
async fn a_record_that_fails_hurts_no_other() {
    let answer = run(".n = to_int!(.n)", &[&[("n", "1")], &[("n", "x")], &[("n", "3")]]).await;
    assert_eq!(texts(&answer.batch), expected(&[&[("n", "1")], &[("n", "3")]]));
    assert_eq!(answer.origins, [0, 2]);
    let [(1, reason)] = &answer.rejected[..] else { panic!("{:?}", answer.rejected) };
    assert!(reason.starts_with("failed to transform log event: "), "{reason}");
    assert!(reason.ends_with(": Failed to execute VRL script"), "{reason}");
    assert!(reason.contains("function call error for \"to_int\""), "{reason}");

    let answer = run("abort", &[&[("n", "1")]]).await;
    assert!(answer.batch.is_empty());
    assert!(answer.rejected[0].1.contains("aborted"), "{}", answer.rejected[0].1);
}

#[tokio::test]
async fn what_does_not_compile_is_reported() {
    let plugin = vrl().await;
    for (script, parts) in [
        (".a = ", &["<script>", "E"][..]),
        (".a = to_int(.b)\n", &["<script>:1:", "E103"]),
        ("nothing_here()", &["E105", "nothing_here"]),
        ("dns_lookup!(\"localhost\")", &["`dns_lookup` is not available in the sandbox", "no network"]),
        ("http_request!(\"http://localhost\")", &["`http_request` is not available in the sandbox"]),
        ("get_env_var!(\"HOME\")", &["`get_env_var` is not available in the sandbox"]),
        ("get_hostname!()", &["`get_hostname` is not available in the sandbox"]),
        ("reverse_dns!(\"127.0.0.1\")", &["`reverse_dns` is not available in the sandbox"]),
        ("parse_proto!(\"x\", \"y\", \"z\")", &["`parse_proto` is not available in the sandbox", "no files"]),
        ("validate_json_schema!(\"x\", \"y\")", &["`validate_json_schema` is not available in the sandbox"]),
    ] {
        let error = plugin.open_transformer(script).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidProgram, "{script}");
        assert!(error.message.ends_with(": Failed to compile VRL script"), "{}", error.message);
        for part in parts {
            assert!(error.message.contains(part), "{script}: {part} is missing in\n{}", error.message);
        }
    }
}

#[tokio::test]
async fn the_library_works_as_far_as_it_can() {
    let cases: &[(&str, &str)] = &[
        (
            "parse_grok!(\"2020-10-02T23:22:12.223222Z info Hello\", \"%{TIMESTAMP_ISO8601:t} %{LOGLEVEL:l} %{GREEDYDATA:m}\").l",
            "info",
        ),
        ("parse_groks!(\"a 7\", [\"%{INT:n}$^\", \"%{W:http.word} %{INT:n}\"], aliases: {\"W\": \"[a-z]+\"}).http.word", "a"),
        ("uuid_v4() != uuid_v4()", "true"),
        ("now() > t'2025-01-01T00:00:00Z'", "true"),
        ("random_int(0, 1000000) != random_int(0, 1000000) || random_int(0, 1000000) != random_int(0, 1000000)", "true"),
        ("encode_base64(encode_zstd(\"abc\")) != \"\"", "true"),
        ("decode_zstd!(encode_zstd(\"abc\"))", "abc"),
        ("decode_gzip!(encode_gzip(\"abc\"))", "abc"),
        ("sha2(\"abc\")", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        ("parse_user_agent(\"Mozilla/5.0 (X11; Linux x86_64) Firefox/99.0\").browser.family", "Firefox"),
        ("format_timestamp!(t'2025-01-02T03:04:05Z', \"%Y\", timezone: \"Europe/Zurich\")", "2025"),
        ("get_timezone_name!()", "UTC"),
        ("parse_etld!(\"vector.dev\").etld", "dev"),
        ("log(\"from a test\", level: \"warn\") == null", "true"),
    ];
    for (expression, wanted) in cases {
        let answer = run(&format!(". = {{\"x\": {expression}}}"), &[&[]]).await;
        assert_eq!(texts(&answer.batch), expected(&[&[("x", wanted)]]), "{expression}: {:?}", answer.rejected);
    }
}

#[tokio::test]
async fn large_batches_cross_in_pieces() {
    let texts: Vec<String> = (0..3000).map(|index| format!("value {index}")).collect();
    let records: Vec<Vec<(&str, &str)>> = texts.iter().map(|text| vec![("x", text.as_str())]).collect();
    let records: Vec<&[(&str, &str)]> = records.iter().map(Vec::as_slice).collect();
    let answer = run("if .x == \"value 2500\" { abort }\nif .x == \"value 1500\" { . = [] }", &records).await;
    assert_eq!(answer.batch.len(), 2998);
    assert_eq!(answer.rejected.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [2500]);
    assert!(answer.origins.iter().copied().eq((0..3000).filter(|index| ![1500, 2500].contains(index))));
    for (record, origin) in answer.batch.records().zip(&answer.origins) {
        assert_eq!(record.text("x"), Some(texts[*origin as usize].as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_never_see_each_others_records() {
    let transformer = vrl().await.open_transformer(".seen = .who").await.unwrap();
    let callers = (0..8).map(|who| {
        let transformer = transformer.clone();
        tokio::spawn(async move {
            let who = who.to_string();
            for _ in 0..200 {
                let answer = transformer.transform(batch(&[&[("who", &who)], &[("who", &who)]])).await.unwrap();
                assert!(answer.batch.records().all(|record| record.text("seen") == Some(&who)));
                assert_eq!(answer.batch.len(), 2);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}
