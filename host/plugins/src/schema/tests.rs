#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

fn read(schema: &Value) -> Result<Schema> {
    Schema::read(&schema.to_string())
}

fn holds(schema: &Value, value: &Value) -> bool {
    read(schema).unwrap().check(value).is_ok()
}

#[test]
fn mistakes_are_told_with_their_place() {
    let rule = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}}});
    let schema = read(&json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "additionalProperties": false, "properties": {"rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}, "a": {"minimum": 3}},
        "$defs": {"rule": rule}}))
    .unwrap();
    let member = |config: Value| schema.check(&config).unwrap_err().member.unwrap();
    assert_eq!(schema.check(&json!({"rules": [{"name": "a"}]})).unwrap(), r#"{"rules":[{"name":"a"}]}"#);
    assert_eq!(member(json!({"rules": [{"name": "a"}, {"name": 5}]})), "config.rules[1].name");
    assert_eq!(member(json!({"rules": [{}]})), "config.rules[0].name");
    assert_eq!(member(json!({"rules": [{"name": "A"}]})), "config.rules[0].name");
    assert_eq!(member(json!({"more": 1})), "config.more");
    assert_eq!(member(json!({"a": 2})), "config.a");
    assert_eq!(member(json!([])), "config");
    assert_eq!(schema.check(&json!("x".repeat(CONFIG_BYTES))).unwrap_err().code, ErrorCode::TooLarge);
}

#[test]
fn what_is_wrong_is_said_without_the_value() {
    let schema = read(&json!({"properties": {"token": {"type": "string", "maxLength": 3}}})).unwrap();
    let message = schema.check(&json!({"token": "secret"})).unwrap_err().message;
    assert_eq!(message, "config.token: it may have at most 3 characters");
}

#[test]
fn a_schema_of_text_takes_the_text_itself() {
    let schema = read(&json!({"type": "string"})).unwrap();
    assert!(schema.wants_text());
    assert_eq!(schema.check(&json!(".a = \"b\"")).unwrap(), ".a = \"b\"");
    assert!(schema.check(&json!({})).is_err());
}

/// Per keyword a schema, values that hold and values that do not.
#[test]
fn keywords_mean_what_the_standard_says() {
    for (schema, good, bad) in [
        (json!(true), vec![json!(1)], vec![]),
        (json!(false), vec![], vec![json!(1)]),
        (json!({"type": "integer"}), vec![json!(1), json!(1.0)], vec![json!(1.5), json!("1")]),
        (json!({"type": ["null", "boolean"]}), vec![json!(null), json!(true)], vec![json!(0)]),
        (json!({"enum": [1, "a", {"b": [2]}]}), vec![json!(1.0), json!({"b": [2]})], vec![json!("b"), json!({"b": [2, 3]})]),
        (json!({"const": null}), vec![json!(null)], vec![json!(false)]),
        (json!({"minimum": 1, "maximum": 2}), vec![json!(1), json!(2), json!("0")], vec![json!(0.9), json!(3)]),
        (json!({"exclusiveMinimum": 1, "exclusiveMaximum": 2}), vec![json!(1.5)], vec![json!(1), json!(2)]),
        (json!({"multipleOf": 0.1}), vec![json!(0.3), json!(1)], vec![json!(0.25)]),
        (json!({"minLength": 2, "maxLength": 3}), vec![json!("éé"), json!("abc")], vec![json!("é"), json!("abcd")]),
        (json!({"pattern": "b+"}), vec![json!("abbc")], vec![json!("ac")]),
        (json!({"minItems": 1, "maxItems": 2}), vec![json!([1])], vec![json!([]), json!([1, 2, 3])]),
        (json!({"uniqueItems": true}), vec![json!([1, "1"])], vec![json!([{"a": 1}, {"a": 1}])]),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
            vec![json!(["a", 1]), json!([])],
            vec![json!([1]), json!(["a", "b"])],
        ),
        (json!({"contains": {"const": 1}, "maxContains": 1}), vec![json!([0, 1])], vec![json!([0]), json!([1, 1])]),
        (json!({"contains": {"const": 1}, "minContains": 0}), vec![json!([0])], vec![]),
        (json!({"minProperties": 1, "maxProperties": 1}), vec![json!({"a": 1})], vec![json!({}), json!({"a": 1, "b": 2})]),
        (json!({"dependentRequired": {"a": ["b"]}}), vec![json!({"b": 1}), json!({"a": 1, "b": 1})], vec![json!({"a": 1})]),
        (json!({"dependentSchemas": {"a": {"maxProperties": 1}}}), vec![json!({"a": 1})], vec![json!({"a": 1, "b": 1})]),
        (json!({"propertyNames": {"maxLength": 1}}), vec![json!({"a": 1})], vec![json!({"ab": 1})]),
        (
            json!({"patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": {"type": "string"}}),
            vec![json!({"x1": 1, "y": "a"})],
            vec![json!({"x1": "a"}), json!({"y": 1})],
        ),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), vec![json!(1)], vec![json!(0), json!(3)]),
        (json!({"anyOf": [{"const": 1}, {"const": 2}]}), vec![json!(2)], vec![json!(3)]),
        (json!({"oneOf": [{"minimum": 1}, {"maximum": 1}]}), vec![json!(0)], vec![json!(1)]),
        (json!({"not": {"const": 1}}), vec![json!(2)], vec![json!(1)]),
        (
            json!({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"const": 0}}),
            vec![json!("a"), json!(0)],
            vec![json!(""), json!(1)],
        ),
        (
            json!({"$ref": "#/$defs/tree", "$defs": {"tree": {"properties": {"in": {"$ref": "#/$defs/tree"}}, "additionalProperties": false}}}),
            vec![json!({"in": {"in": {}}})],
            vec![json!({"in": {"out": {}}})],
        ),
        (json!({"format": "email", "title": "t", "x-own": 1}), vec![json!("no email")], vec![]),
    ] {
        for value in good {
            assert!(holds(&schema, &value), "{schema} {value}");
        }
        for value in bad {
            assert!(!holds(&schema, &value), "{schema} {value}");
        }
    }
}

#[test]
fn schemas_that_cannot_be_used_are_refused() {
    for schema in [
        json!({"$ref": "https://example.com/schema"}),
        json!({"$ref": "#/$defs/none"}),
        json!({"$anchor": "a"}),
        json!({"unevaluatedProperties": false}),
        json!({"type": "nonsense"}),
        json!({"properties": {"a": {"minLength": -1}}}),
        json!({"items": [{}]}),
        json!({"allOf": []}),
        json!({"required": "a"}),
        json!({"pattern": "("}),
        json!({"pattern": "(a{1000}){1000}"}),
        json!({"$defs": {"a": {"$id": "other"}}}),
        json!([]),
    ] {
        let error = read(&schema).unwrap_err();
        assert_eq!(error.code, ErrorCode::PluginRefused, "{schema}");
        assert!(error.message.contains("config-schema cannot be used"), "{error}");
    }
    assert!(Schema::read("{").is_err() && Schema::read(&" ".repeat(SCHEMA_BYTES + 1)).is_err());
}

#[test]
fn no_schema_takes_longer_than_it_may() {
    let why = |schema: &Value, value: &Value| read(schema).unwrap().check(value).unwrap_err().message;
    assert!(why(&json!({"$ref": "#"}), &json!(1)).contains("refers to itself"));
    assert!(why(&json!({"not": {"$ref": "#"}}), &json!(1)).len() < 200);
    let mut all = serde_json::Map::from_iter([("d40".to_owned(), json!({}))]);
    for level in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        all.insert(format!("d{level}"), json!({"allOf": [next, next]}));
    }
    assert!(why(&json!({"$ref": "#/$defs/d0", "$defs": all}), &json!(1)).contains("too long"));
    let many = json!({"items": {"enum": (0..5000).collect::<Vec<_>>()}});
    assert!(why(&many, &json!(vec![4999; 100_000])).contains("too long"));
}
