//! Texts that may be computed from records (FlowG 11).

use super::parse::{self, Names};
use super::{general, lex, types};
use expr::Value;
use headworks_core::Batch;
use headworks_sandbox::{Template, Templates};

/// What the rest of a text has to be an expression after.
const MARK: &str = "@expr:";

/// The expression language, for texts of plugins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expressions;

impl Templates for Expressions {
    fn compile(&self, text: &str) -> Result<Box<dyn Template>, String> {
        let Some(expression) = text.strip_prefix(MARK) else { return Ok(Box::new(Fixed(text.to_owned()))) };
        if expression.len() > lex::MAX_LENGTH {
            return Err(format!("it is longer than {} bytes", lex::MAX_LENGTH));
        }
        let parsed = parse::parse(expression, Names::Template)?;
        types::known(&parsed.expr)?;
        Ok(Box::new(Computed { program: general::plan(&parsed.expr)?, fields: parsed.fields }))
    }
}

struct Fixed(String);

impl Template for Fixed {
    fn texts(&self, batch: &Batch) -> Vec<Result<String, String>> {
        vec![Ok(self.0.clone()); batch.len()]
    }
}

struct Computed {
    program: general::Program,
    fields: Vec<String>,
}

impl Template for Computed {
    fn texts(&self, batch: &Batch) -> Vec<Result<String, String>> {
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            _ => Err("expression did not evaluate to string".to_owned()),
        };
        batch.records().map(|record| self.program.value(record, &self.fields).and_then(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Timestamp};

    fn texts(text: &str) -> Vec<Result<String, String>> {
        let mut builder = BatchBuilder::default();
        builder.field("level", headworks_core::Value::Text("error"));
        builder.field("a.b", headworks_core::Value::Text("<1 & 2>"));
        builder.end_record(Timestamp::from_millis(1_740_830_400_000));
        builder.end_record(Timestamp::from_millis(0));
        Expressions.compile(text).unwrap().texts(&builder.finish().unwrap())
    }

    fn both(first: &str, second: &str) -> Vec<Result<String, String>> {
        vec![Ok(first.to_owned()), Ok(second.to_owned())]
    }

    #[test]
    fn a_text_without_the_mark_is_itself() {
        assert_eq!(texts("log.level"), both("log.level", "log.level"));
        assert_eq!(texts(""), both("", ""));
        assert_eq!(texts(" @expr:log"), both(" @expr:log", " @expr:log"));
    }

    #[test]
    fn an_expression_sees_the_record_as_log() {
        assert_eq!(texts("@expr:log.level"), both("error", ""));
        assert_eq!(texts("@expr:upper(log[\"a.b\"]) + log['level']"), both("<1 & 2>error", ""));
        assert_eq!(texts("@expr:\"level\" in log ? log.level : \"none\""), both("error", "none"));
        assert_eq!(texts("@expr:let l = log.level; l == 'error' ? 'bad' : 'good'"), both("bad", "good"));
        assert_eq!(texts("@expr:string(len(keys(log)))"), both("2", "0"));
    }

    #[test]
    fn json_is_indented_and_safe_in_html() {
        let json = "{\n  \"a.b\": \"\\u003c1 \\u0026 2\\u003e\",\n  \"level\": \"error\"\n}";
        assert_eq!(texts("@expr:toJSON(log)"), both(json, "{}"));
        assert_eq!(texts("@expr:toJSON(body)"), both("null", "null"));
    }

    #[test]
    fn the_time_is_no_text_until_it_is_made_one() {
        assert_eq!(texts("@expr:timestamp")[0], Err("expression did not evaluate to string".to_owned()));
        assert!(texts("@expr:string(timestamp)")[0].as_ref().unwrap().starts_with("2025-03-01 12:00:00"));
        assert_eq!(texts("@expr:len(log.level)")[0], Err("expression did not evaluate to string".to_owned()));
    }

    #[test]
    fn what_does_not_compile_is_told() {
        for text in ["@expr:", "@expr:log.", "@expr:nope(log)", "@expr:1 +"] {
            assert!(Expressions.compile(text).is_err(), "{text}");
        }
        assert!(Expressions.compile(&format!("@expr:'{}'", "x".repeat(1 << 20))).is_err());
    }
}
