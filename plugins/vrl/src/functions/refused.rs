//! Functions that cannot exist in the sandbox. Using one is a compile error that says why.

use std::fmt;
use vrl::compiler::function::{ArgumentList, FunctionCompileContext};
use vrl::compiler::prelude::*;
use vrl::compiler::state::TypeState;
use vrl::diagnostic::{DiagnosticMessage, Label};

/// A function by name, with the reason and the names of its parameters; the first one is required.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    name: &'static str,
    why: &'static str,
    parameters: &'static [Parameter],
}

const NETWORK: &str = "a transformer has no network";
const FILES: &str = "a transformer has no files";
const HOST: &str = "a transformer is not told about the machine it runs on";
const SCHEMA: &str = "its library does not run in WebAssembly";

const fn one(name: &'static str) -> Parameter {
    Parameter::optional(name, kind::ANY, "")
}

/// The list in README.md says the same.
pub(super) const ALL: &[Refused] = &[
    Refused { name: "dns_lookup", why: NETWORK, parameters: &[one("value"), one("qtype"), one("class"), one("options")] },
    Refused { name: "reverse_dns", why: NETWORK, parameters: &[one("value")] },
    Refused {
        name: "http_request",
        why: NETWORK,
        parameters: &[
            one("url"),
            one("method"),
            one("headers"),
            one("body"),
            one("http_proxy"),
            one("https_proxy"),
            one("redact_headers"),
        ],
    },
    Refused {
        name: "encode_proto",
        why: FILES,
        parameters: &[one("value"), one("desc_file"), one("message_type"), one("allow_lossy_string_coercion")],
    },
    Refused { name: "parse_proto", why: FILES, parameters: &[one("value"), one("desc_file"), one("message_type")] },
    Refused { name: "get_env_var", why: HOST, parameters: &[one("name")] },
    Refused { name: "get_hostname", why: HOST, parameters: &[] },
    Refused {
        name: "validate_json_schema",
        why: SCHEMA,
        parameters: &[one("value"), one("schema_definition"), one("ignore_unknown_formats")],
    },
];

impl Function for Refused {
    fn identifier(&self) -> &'static str {
        self.name
    }

    fn usage(&self) -> &'static str {
        self.why
    }

    fn category(&self) -> &'static str {
        Category::System.as_ref()
    }

    fn return_kind(&self) -> u16 {
        kind::ANY
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, _: &TypeState, context: &mut FunctionCompileContext, _: ArgumentList) -> Compiled {
        Err(Box::new(NotHere { function: *self, span: context.span() }))
    }
}

#[derive(Debug)]
struct NotHere {
    function: Refused,
    span: Span,
}

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function `{}` is not available in the sandbox: {}", self.function.name, self.function.why)
    }
}

impl std::error::Error for NotHere {}

impl DiagnosticMessage for NotHere {
    /// As for a function that does not exist.
    fn code(&self) -> usize {
        105
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn labels(&self) -> Vec<Label> {
        vec![Label::primary("not available here", self.span)]
    }
}
