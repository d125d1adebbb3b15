//! Rewriting names that come from elsewhere, such as certificates, into the names of users (NiFi Registry 19.7).

use headworks_core::{Error, Result};
use regex::{Captures, Regex};

/// The most rules of one list.
const MOST: usize = 100;

/// What happens to the letters of a name that was rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Letters {
    /// Nothing.
    #[default]
    Keep,
    /// They become small.
    Lower,
    /// They become capital.
    Upper,
}

/// One rule.
#[derive(Clone, Debug)]
struct Rule {
    pattern: Regex,
    value: String,
    letters: Letters,
}

/// Rules in the order in which they are tried. Without rules names stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Mapping(Vec<Rule>);

impl Mapping {
    /// Appends a rule. The pattern has to match the whole name; `$1` in the value is its first group.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) for a pattern that cannot be used, and for too many rules.
    pub fn rule(&mut self, pattern: &str, value: &str, letters: Letters) -> Result<()> {
        if self.0.len() >= MOST {
            return Err(Error::invalid(format!("there are at most {MOST} mappings")));
        }
        let whole = Regex::new(&format!("^(?:{pattern})$"));
        let pattern = whole.map_err(|error| Error::invalid(format!("the pattern {pattern:?} cannot be used: {error}")))?;
        self.0.push(Rule { pattern, value: value.to_owned(), letters });
        Ok(())
    }

    /// The name that the first rule makes that matches, or the name itself.
    pub fn apply(&self, name: &str) -> String {
        let rewritten = self.0.iter().find_map(|rule| {
            let groups = rule.pattern.captures(name)?;
            let text = expand(&rule.value, &groups);
            Some(match rule.letters {
                Letters::Keep => text,
                Letters::Lower => text.to_lowercase(),
                Letters::Upper => text.to_uppercase(),
            })
        });
        rewritten.unwrap_or_else(|| name.to_owned())
    }
}

/// The value with its groups: `$` and the digits of a group that there is, or `${name}`. A backslash makes the next character
/// stand for itself. What the pattern's own syntax of values would do with `$1st` is not what users of the registry know.
fn expand(value: &str, groups: &Captures<'_>) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\\' => text.extend(rest.next()),
            '$' if rest.peek() == Some(&'{') => {
                rest.next();
                let name: String = rest.by_ref().take_while(|letter| *letter != '}').collect();
                text.push_str(groups.name(&name).map_or("", |group| group.as_str()));
            }
            '$' => {
                let mut number = None;
                while let Some(digit) = rest.peek().and_then(|letter| letter.to_digit(10)) {
                    let longer = number.unwrap_or(0) * 10 + digit as usize;
                    if number.is_some() && longer >= groups.len() {
                        break;
                    }
                    number = Some(longer);
                    rest.next();
                }
                match number {
                    Some(number) => text.push_str(groups.get(number).map_or("", |group| group.as_str())),
                    None => text.push('$'),
                }
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_the_whole_name_rewrites_it() {
        let mut mapping = Mapping::default();
        assert_eq!(mapping.apply("CN=a, OU=b"), "CN=a, OU=b");
        mapping.rule("CN=(.*?), OU=(.*?)", "$1@$2", Letters::Lower).unwrap();
        mapping.rule("(.*?)@(.*)", "$1", Letters::Upper).unwrap();
        mapping.rule(".*", "never for the others", Letters::Keep).unwrap();
        assert_eq!(mapping.apply("CN=Anna, OU=Ops"), "anna@ops");
        assert_eq!(mapping.apply("anna@REALM"), "ANNA");
        assert_eq!(mapping.apply("x"), "never for the others");
    }

    #[test]
    fn groups_are_read_as_the_registry_reads_them() {
        let mut mapping = Mapping::default();
        mapping.rule("(?<user>a+)(b+)", r"$1st-$2-${user}-\$1-$12", Letters::Keep).unwrap();
        assert_eq!(mapping.apply("aabb"), "aast-bb-aa-$1-aa2");
        assert!(mapping.rule("(", "", Letters::Keep).is_err());
    }
}
