//! How kinds of bundles are spelled (NiFi Registry 3).

use crate::call::Call;
use crate::failure::Failure;
use axum::http::{HeaderMap, header};
use headworks_registry::BundleKind;

/// The kind that a client means, in whichever of the two spellings.
pub(crate) fn read(text: &str) -> Result<BundleKind, Failure> {
    match text {
        "nifi-nar" | "NIFI_NAR" => Ok(BundleKind::NifiNar),
        "minifi-cpp" | "MINIFI_CPP" => Ok(BundleKind::MinifiCpp),
        _ => Err(Failure::invalid(format!("Bundle type '{text}' is invalid. Must be one of [nifi-nar, minifi-cpp]"))),
    }
}

/// How the client of a call reads kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Hyphenated, as the Java client has it.
    Lower,
    /// The names of constants, as generated Python clients have it.
    Upper,
}

impl Spelling {
    /// That of whoever calls.
    pub(crate) fn of(call: &Call) -> Self {
        if call.app.options.upper_case_bundle_types || is_generated_python(call.headers()) { Self::Upper } else { Self::Lower }
    }

    /// A kind as the client reads it.
    pub(crate) fn write(self, kind: BundleKind) -> &'static str {
        match (self, kind) {
            (Self::Lower, BundleKind::NifiNar) => "nifi-nar",
            (Self::Lower, BundleKind::MinifiCpp) => "minifi-cpp",
            (Self::Upper, BundleKind::NifiNar) => "NIFI_NAR",
            (Self::Upper, BundleKind::MinifiCpp) => "MINIFI_CPP",
        }
    }
}

/// Models of these clients refuse values that are not among the constants.
fn is_generated_python(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    ["Swagger-Codegen/", "OpenAPI-Generator/"].iter().any(|maker| agent.starts_with(maker)) && agent.ends_with("/python")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn generated_python_clients_are_known_by_their_name() {
        let is = |agent: &str| is_generated_python(&HeaderMap::from_iter([(header::USER_AGENT, agent.parse().unwrap())]));
        assert!(is("Swagger-Codegen/1.0.0/python") && is("OpenAPI-Generator/1.0.0/python"));
        assert!(!is("Swagger-Codegen/1.0.0/java") && !is("my Swagger-Codegen/1.0.0/python") && !is("python-requests/2"));
        assert!(!is_generated_python(&HeaderMap::new()));
    }

    #[test]
    fn both_spellings_are_read_and_no_other() {
        for spelling in [Spelling::Lower, Spelling::Upper] {
            for kind in [BundleKind::NifiNar, BundleKind::MinifiCpp] {
                assert_eq!(read(spelling.write(kind)).unwrap(), kind);
            }
        }
        assert!(read("nifi_nar").is_err() && read("").is_err());
    }
}
