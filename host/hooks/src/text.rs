//! Texts with secrets in them: `${secret:NAME}` stands for what the secret holds when something is sent.

use headworks_sandbox::Grant;

/// What a place for a secret begins with.
const BEGIN: &str = "${secret:";

/// One part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    /// As it stands.
    Text(&'t str),
    /// What the secret of this name holds.
    Secret(&'t str),
}

/// Takes a text apart.
///
/// # Errors
/// A place for a secret does not end, or its name is none.
pub(crate) fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once(BEGIN) {
        let (name, behind) = behind.split_once('}').ok_or_else(|| format!("{BEGIN} has no }} behind it"))?;
        check_name(name)?;
        parts.extend([Part::Text(before), Part::Secret(name)]);
        rest = behind;
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    Ok(parts)
}

/// Refuses what cannot name a secret.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    Grant::parse(&format!("secret:{name}")).map(drop)
}

/// A text in which nothing can steer a terminal or begin a line.
pub(crate) fn line(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn places_for_secrets_are_found() {
        assert_eq!(parts("plain").unwrap(), [Part::Text("plain")]);
        assert_eq!(parts("").unwrap(), []);
        assert_eq!(parts("Bearer ${secret:a-b}").unwrap(), [Part::Text("Bearer "), Part::Secret("a-b")]);
        assert_eq!(parts("${secret:a}/x${secret:b}").unwrap(), [Part::Secret("a"), Part::Text("/x"), Part::Secret("b")]);
        for wrong in ["${secret:a", "${secret:}", "${secret:a b}", "${secret:../x}"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(line("a b ä"), "a b ä");
        assert_eq!(line("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
    }
}
