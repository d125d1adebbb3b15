#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use headworks_core::{BatchBuilder, Timestamp, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Fields = BTreeMap<String, String>;

fn batch(records: &[Fields]) -> Batch {
    let mut builder = BatchBuilder::default();
    for record in records {
        for (name, value) in record {
            builder.field(name, Value::Text(value));
        }
        builder.end_record(Timestamp(0));
    }
    builder.finish().unwrap()
}

fn record(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn says(text: &str, fields: &[(&str, &str)]) -> std::result::Result<bool, String> {
    let condition = Condition::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let verdicts = condition.evaluate(&batch(&[record(fields)]));
    match verdicts.failures.into_iter().next() {
        Some((_, error)) => Err(error.message),
        None => Ok(verdicts.mask[0]),
    }
}

#[test]
fn meanings() {
    let log = [
        ("level", "error"),
        ("status", "500"),
        ("path", "/health/x"),
        ("a.b", "dotted"),
        ("type", "t"),
        ("notify", "yes"),
        ("message", "Time out é"),
        ("quote", "a\"b\\n`"),
        ("json", "{\"k\":[1,2]}"),
    ];
    for (text, expected) in [
        ("level == \"error\"", true),
        ("level == 'error' and status != '404'", true),
        ("level in [\"error\", \"fatal\"] and service != \"probe\"", true),
        ("level not in ['error']", false),
        ("host == \"\"", true),
        ("(host ?? 'x') == ''", true),
        ("($env['host'] ?? 'x') in ['']", true),
        ("\"host\" in $env", false),
        ("'level' in $env", true),
        ("not ('host' in $env)", true),
        ("$env[\"a.b\"] == 'dotted'", true),
        ("type == 't' and $env['type'] == 't'", true),
        ("notify == 'yes'", true),
        ("status == 500", false),
        ("status != 500", true),
        ("int(status) >= 500", true),
        ("int(status) + 1 == 501", true),
        ("status < '6'", true),
        ("message matches \"(?i)time[- ]?out\"", true),
        ("message matches '^' + 'Time'", true),
        ("message not matches 'x$'", true),
        ("message contains 'out' and message startsWith 'Time' and not (message endsWith 'x')", true),
        ("not (path startsWith \"/health\")", false),
        ("len(message) == 10", true),
        ("len(message) > 200 ? level == 'debug' : true", true),
        ("let s = lower(level); s == 'warn' || s == 'error'", true),
        ("let s = lower(level); let t = s + '!'; t == 'error!'", true),
        ("any(['Time','b'], message contains #)", true),
        ("all(split(path, '/'), {len(#) < 10})", true),
        ("count([level, host], # == '') == 1", true),
        ("filter([1, 2, 3], # > 1)[0] == 2", true),
        ("[1,2,3][-1] == 3 and 'abc'[1:] == 'bc' and 'abc'[:-1] == 'ab'", true),
        ("level | upper() == 'ERROR'", true),
        ("quote == \"a\\\"b\\\\n`\"", true),
        ("upper(quote) == \"A\\\"B\\\\N`\"", true),
        ("fromJSON(json).k[1] == 2", true),
        ("fromJSON(json)?.z == nil", true),
        ("$env[lower('LEVEL')] == 'error'", true),
        ("$env[lower('NONE')] == ''", true),
        ("len($env) == 9", true),
        ("'x' < 'y' and 1 < 2 < 3 and not (1 < 2 < 2)", true),
        ("1..3 == [1, 2, 3]", true),
        ("-int(status) == -500", true),
        ("2 ** 3 ** 2 == 512", true),
        ("7 % 3 == 1 and 1 / 2 == 0.5", true),
        ("if level == 'error' { true } else { false }", true),
        ("(1; true)", true),
        ("{'a': 1}['a'] == 1", true),
        ("duration('1h') > duration('59m')", true),
        ("nil == nil", true),
        ("map([1,2], {let x = #; x * 2}) == [2,4]", true),
        ("reduce([1,2,3], #acc + #) == 6", true),
        ("message matches `Time`", true),
        ("split('abé', '') == ['a', 'b', 'é'] and split('abc', '', 2) == ['a', 'bc'] and split('a,b', ',') == ['a', 'b']", true),
        ("level /* c */ == 'error' // end", true),
    ] {
        assert_eq!(says(text, &log), Ok(expected), "{text}");
    }
}

#[test]
fn failures_while_running() {
    for (text, reason) in [
        ("status >= 400", "Invalid operands for operator >="),
        ("int(level) > 1", "invalid operation: int(error)"),
        ("level and true", "Invalid operands for operator and"),
        ("level.name == 'x'", "cannot fetch"),
        ("[1][3] == 1", "index out of range"),
        ("level matches status + '('", "error parsing regexp"),
    ] {
        let error = says(text, &[("status", "500"), ("level", "error")]).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn what_grows_without_bound_ends_with_an_error() {
    let large = "x\"".repeat(20_000);
    let doubled = (0..60).map(|n| format!("let v{} = v{n} + v{n}; ", n + 1)).collect::<String>();
    for text in [
        "len(1..int('100000000000')) > 0".to_owned(),
        "len(repeat(a, 1000000)) > 0".to_owned(),
        format!("let v0 = a; {doubled} len(v60) > 0"),
        "len(reduce(1..60, #acc + #acc, a)) > 0".to_owned(),
        "len(reduce(1..100000, [#acc], 1)) > 0".to_owned(),
        "len(reduce(1..60, [#acc, #acc], 1)) > 0".to_owned(),
        "len(map(1..100000, a)) > 0".to_owned(),
        "let l = 1..10000; any(l, any(l, any(l, false)))".to_owned(),
        "let l = split(a, ''); any(l, any(l, false))".to_owned(),
        "len(replace(a, '', a)) > 0".to_owned(),
        "len(join(split(a, ''), a)) > 0".to_owned(),
        format!("len({}a{}) > 0", "toJSON(".repeat(60), ")".repeat(60)),
        format!("len({}a{}) > 0", "toBase64(".repeat(90), ")".repeat(90)),
        "any(1..100000, a matches string(#))".to_owned(),
        "len(map(1..100000, $env)) > 0".to_owned(),
    ] {
        let start = std::time::Instant::now();
        let error = says(&text, &[("a", &large)]).unwrap_err();
        assert!(
            error == general::OVER_BUDGET || error.contains("nested more than") || error.contains("memory"),
            "{text}: {error}"
        );
        assert!(start.elapsed().as_secs() < 5, "{text}: {:?}", start.elapsed());
    }
    // What an ordinary condition needs is there.
    assert_eq!(says("len(split(a, '')) == 40000 and count(1..1000, # % 2 == 0) == 500", &[("a", &large)]), Ok(true));
}

#[test]
fn refused_with_the_contract_prefix() {
    for text in ["level", "$env['status'] >= 400", "level ==", "level matches '('", "level | nope()", "a = 'x'", "\"a\""] {
        let error = Condition::compile(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidExpression);
        assert!(error.message.starts_with("failed to compile expression: "), "{error}");
    }
    assert!(Condition::compile("level").unwrap_err().message.ends_with("expected bool, but got unknown"));
    assert!(Condition::compile_optional(" \n").unwrap().is_none());
    assert!(Condition::compile(&format!("a == '{}'", "x".repeat(70_000))).is_err());
}

#[test]
fn the_small_language_is_chosen_where_the_contract_says_so() {
    let log = [("level", "error"), ("a.b", "x"), ("empty", "")];
    for (text, expected) in [
        (r#"level = "error""#, true),
        (r#"level = "error" AND NOT host = "a""#, true),
        (r#"'a.b' = "x""#, true),
        (r#"'a.b' != "x""#, false),
        (r#"'a.b' in ["x", "y"]"#, true),
        (r#"'none' != "x""#, true),
        (r#"'none' != """#, true),
        (r#"'none' = """#, false),
        (r#"none = """#, false),
        (r#"empty = """#, true),
        // Valid in both: expr wins.
        (r#"none != """#, false),
        (r#"none in [""]"#, true),
        (r#"level NOT IN ["a"] OR level = "b""#, true),
        // An error on every record in expr, so the small language's meaning.
        (r#"not level in ["error"]"#, false),
    ] {
        assert_eq!(says(text, &log), Ok(expected), "{text}");
    }
    let error = Condition::compile("level = 'error'").unwrap_err();
    assert!(error.message.contains("unexpected token ="), "{error}");
}

#[test]
fn the_deepest_allowed_nesting_needs_no_large_stack() {
    let texts = [
        format!("{}int(a) == 1{}", "(".repeat(45), ")".repeat(45)),
        format!("{}a == '1'{} or 1.5 > 1", "!(".repeat(30), ")".repeat(30)),
        format!("{}a{} == '1'", "upper(".repeat(45), ")".repeat(45)),
        format!("len([{}1{}]) == 1", "[".repeat(45), "]".repeat(45)),
        format!("{}1{} == 1", "[".repeat(90), "][0]".repeat(90)),
        format!("a{} == ''", " + a".repeat(90)),
        format!("{}true{}", "true ? ".repeat(90), " : false".repeat(90)),
        format!("{}true", "let x = 1; ".repeat(90)),
        format!("1.5 > 1 and ({})", vec!["lower(a) == 'x'"; 3000].join(" or ")),
        format!("{}true{}", "any([1], ".repeat(90), ")".repeat(90)),
        format!("{}true{}", "if true { ".repeat(45), " } else { false }".repeat(45)),
    ];
    // Half of what a worker thread has.
    let run = move || {
        for text in texts {
            let start = std::time::Instant::now();
            if let Ok(condition) = Condition::compile(&text) {
                condition.evaluate(&batch(&[record(&[("a", "1")])]));
            }
            assert!(start.elapsed().as_secs() < 5, "{} took {:?}", text.get(..30).unwrap(), start.elapsed());
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

/// Expressions that the direct way takes, and others mixed in.
fn expression() -> impl Strategy<Value = String> {
    let field = prop_oneof![Just("a"), Just("b"), Just("$env['c d']"), Just("missing"), Just("n")];
    let literal = prop_oneof![Just("''"), Just("'x'"), Just("\"xy\""), Just("'é'"), Just("'12'"), Just("`x\"`")];
    let text = prop_oneof![2 => field.clone().prop_map(str::to_owned), 1 => literal.clone().prop_map(str::to_owned)];
    let number = prop_oneof![
        Just("int(n)".to_owned()),
        Just("int(a)".to_owned()),
        Just("len(a)".to_owned()),
        Just("len($env['c d'])".to_owned()),
        (-3..15i64).prop_map(|n| n.to_string()),
    ];
    let order = prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
    let words = prop_oneof![Just("contains"), Just("startsWith"), Just("endsWith"), Just("not contains")];
    let pattern = prop_oneof![Just("'^x'"), Just("'[0-9]+'"), Just("'(?i)X'"), Just("'\\\\d$'"), Just("'.'")];
    let leaf = prop_oneof![
        (text.clone(), order.clone(), text.clone()).prop_map(|(l, o, r)| format!("{l} {o} {r}")),
        (number.clone(), order, number).prop_map(|(l, o, r)| format!("{l} {o} {r}")),
        (text.clone(), words, text.clone()).prop_map(|(l, o, r)| format!("{l} {o} {r}")),
        (text.clone(), pattern).prop_map(|(l, p)| format!("{l} matches {p}")),
        (text, proptest::collection::vec(literal, 0..3), any::<bool>()).prop_map(|(l, items, not)| format!(
            "{l} {}in [{}]",
            if not { "not " } else { "" },
            items.join(", ")
        )),
        prop_oneof![Just("'a' in $env"), Just("'zz' in $env"), Just("true"), Just("false"), Just("a == 5"), Just("a != nil")]
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|e| format!("not ({e})")),
            inner.clone().prop_map(|e| format!("!({e})")),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| all
                .iter()
                .map(|e| format!("({e})"))
                .collect::<Vec<_>>()
                .join(" and ")),
            proptest::collection::vec(inner, 2..4).prop_map(|all| all
                .iter()
                .map(|e| format!("({e})"))
                .collect::<Vec<_>>()
                .join(" || ")),
        ]
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c d"), Just("n")].prop_map(str::to_owned);
    let value = prop_oneof!["[xyXé\"]{0,3}", "[0-9]{1,3}", Just(String::new()), Just("-7".to_owned())];
    proptest::collection::btree_map(name, value, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_agree(text in expression(), records in proptest::collection::vec(fields(), 1..4)) {
        let parsed = match parse::parse(&text, parse::Names::Fields).and_then(|parsed| types::check(&parsed.expr).map(|()| parsed)) {
            Ok(parsed) => parsed,
            Err(_) => return Ok(()),
        };
        let batch = batch(&records);
        let direct = direct::plan(&parsed.expr).ok_or_else(|| TestCaseError::fail(format!("not direct: {text}")))?;
        let general = general::plan(&parsed.expr).map_err(TestCaseError::fail)?;
        let mut fast = Vec::new();
        direct.run(&batch, &parsed.fields, |verdict| fast.push(verdict));
        let slow: Vec<_> = batch.records().map(|record| general.holds(record, &parsed.fields)).collect();
        prop_assert_eq!(fast, slow, "{}", text);
    }

    #[test]
    fn no_text_is_fatal(text in "[ -~é\n]{0,60}", pieces in proptest::collection::vec(prop_oneof![
        Just("a"), Just("=="), Just("'x'"), Just("("), Just(")"), Just("["), Just("]"), Just("not"), Just("in"), Just("{"), Just("}"),
        Just("any"), Just("#"), Just(","), Just("?"), Just(":"), Just("let"), Just(";"), Just("="), Just("1"), Just(".."), Just("."),
        Just("$env"), Just("matches"), Just("|"), Just("upper("), Just("now()"), Just("b'x'"), Just("1.5"), Just("??"), Just("if"), Just("else"),
    ], 0..14)) {
        for text in [text, pieces.join(" ")] {
            if let Ok(condition) = Condition::compile(&text) {
                condition.evaluate(&batch(&[record(&[("a", "x")])]));
            }
        }
    }
}
