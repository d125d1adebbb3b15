//! `parse_grok` and `parse_groks` on a regex engine that runs in WebAssembly.
//!
//! `parse_groks` knows patterns, names and aliases; the matchers and filters that Datadog added to grok are refused.

use ::grok::{Grok, Pattern};
use std::fmt;
use std::sync::Arc;
use vrl::compiler::expression::Expr;
use vrl::compiler::function::{ArgumentList, FunctionCompileContext};
use vrl::compiler::prelude::*;
use vrl::compiler::state::TypeState;
use vrl::diagnostic::{DiagnosticMessage, Label};
use vrl::path::{OwnedSegment, OwnedValuePath};
use vrl::value::ObjectMap;

const ONE: &[Parameter] = &[
    Parameter::required("value", kind::BYTES, "The text to parse."),
    Parameter::required("pattern", kind::BYTES, "The grok pattern."),
];

const MANY: &[Parameter] = &[
    Parameter::required("value", kind::BYTES, "The text to parse."),
    Parameter::required("patterns", kind::ARRAY, "Grok patterns; the first that matches counts."),
    Parameter::optional("aliases", kind::OBJECT, "Own names for patterns."),
    Parameter::optional("alias_sources", kind::ARRAY, "Files with aliases: not available here."),
];

#[derive(Clone, Copy, Debug)]
pub(super) struct ParseGrok;

#[derive(Clone, Copy, Debug)]
pub(super) struct ParseGroks;

impl Function for ParseGrok {
    fn identifier(&self) -> &'static str {
        "parse_grok"
    }

    fn usage(&self) -> &'static str {
        "Parses text by a grok pattern."
    }

    fn category(&self) -> &'static str {
        Category::Parse.as_ref()
    }

    fn return_kind(&self) -> u16 {
        kind::OBJECT
    }

    fn parameters(&self) -> &'static [Parameter] {
        ONE
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, state: &TypeState, context: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let value = arguments.required("value");
        let text = arguments.required_literal("pattern", state)?.to_string_lossy().into_owned();
        let pattern = compile(&Grok::with_default_patterns(), &text, context.span())?;
        Ok(Call { value, patterns: Arc::new([pattern]), nested: false }.as_expr())
    }
}

impl Function for ParseGroks {
    fn identifier(&self) -> &'static str {
        "parse_groks"
    }

    fn usage(&self) -> &'static str {
        "Parses text by the first of several grok patterns that matches."
    }

    fn category(&self) -> &'static str {
        Category::Parse.as_ref()
    }

    fn return_kind(&self) -> u16 {
        kind::OBJECT
    }

    fn parameters(&self) -> &'static [Parameter] {
        MANY
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, state: &TypeState, context: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let span = context.span();
        let value = arguments.required("value");
        if arguments.optional_array("alias_sources")?.is_some_and(|sources| !sources.is_empty()) {
            return Err(fault(span, "alias_sources needs files, and a transformer has none; give the aliases themselves"));
        }
        let mut grok = Grok::with_default_patterns();
        for (name, expression) in arguments.optional_object("aliases")?.unwrap_or_default() {
            grok.add_pattern(name.to_string(), constant(&expression, state, "aliases", span)?);
        }
        let mut patterns = Vec::new();
        for expression in arguments.required_array("patterns")? {
            patterns.push(compile(&grok, &constant(&expression, state, "patterns", span)?, span)?);
        }
        Ok(Call { value, patterns: patterns.into(), nested: true }.as_expr())
    }
}

fn constant(expression: &Expr, state: &TypeState, of: &str, span: Span) -> Result<String, Box<dyn DiagnosticMessage>> {
    let text = match expression.resolve_constant(state) {
        Some(value @ (Value::Bytes(_) | Value::String(_))) => value.to_string_lossy().into_owned(),
        _ => return Err(fault(span, format!("{of} must be constant strings"))),
    };
    let extended = text.split("%{").skip(1).any(|part| part.split('}').next().is_some_and(|inner| inner.contains('(')));
    if extended {
        return Err(fault(span, format!("matchers and filters with arguments are not available in the sandbox: `{text}`")));
    }
    Ok(text)
}

fn compile(grok: &Grok, text: &str, span: Span) -> Result<Pattern, Box<dyn DiagnosticMessage>> {
    grok.compile(text, true).map_err(|error| fault(span, error.to_string()))
}

#[derive(Clone, Debug)]
struct Call {
    value: Box<dyn Expression>,
    patterns: Arc<[Pattern]>,
    /// Whether dots in names make objects.
    nested: bool,
}

impl FunctionExpression for Call {
    fn resolve(&self, context: &mut Context) -> Resolved {
        let value = self.value.resolve(context)?;
        let text = value.try_bytes_utf8_lossy()?;
        for pattern in self.patterns.iter() {
            let Some(found) = pattern.match_against(&text) else { continue };
            let mut result = Value::Object(ObjectMap::new());
            for (name, value) in &found {
                let segments: Vec<OwnedSegment> = match self.nested {
                    true => name.split('.').map(OwnedSegment::field).collect(),
                    false => vec![OwnedSegment::field(name)],
                };
                result.insert(&OwnedValuePath::from(segments), Value::from(value));
            }
            return Ok(result);
        }
        Err(if self.nested {
            "unable to parse grok: value does not match any rule"
        } else {
            "unable to parse input with grok pattern"
        }
        .into())
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        TypeDef::object(Collection::any()).fallible()
    }
}

#[derive(Debug)]
struct Fault {
    span: Span,
    text: String,
}

fn fault(span: Span, text: impl Into<String>) -> Box<dyn DiagnosticMessage> {
    Box::new(Fault { span, text: text.into() })
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "grok pattern error: {}", self.text)
    }
}

impl std::error::Error for Fault {}

impl DiagnosticMessage for Fault {
    fn code(&self) -> usize {
        109
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn labels(&self) -> Vec<Label> {
        vec![Label::primary("here", self.span)]
    }
}
