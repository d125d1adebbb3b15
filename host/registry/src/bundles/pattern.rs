//! Filters of lists of bundles (NiFi Registry 12.2).

/// Text in which `%` stands for any run of characters and `_` for one. Nothing escapes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<char>);

impl Pattern {
    /// A pattern; without `%` and `_` it matches itself only.
    pub fn new(text: &str) -> Self {
        Self(text.chars().collect())
    }

    /// Whether the whole text matches, letter case included.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut in_text) = (0, 0);
        // Behind the last `%`, and how much of the text it has swallowed.
        let mut again: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(at), text.get(in_text)) {
                (Some('%'), _) => {
                    at += 1;
                    again = Some((at, in_text));
                }
                (Some(wanted), Some(found)) if *wanted == '_' || wanted == found => {
                    at += 1;
                    in_text += 1;
                }
                (None, None) => return true,
                _ => match &mut again {
                    Some((behind, swallowed)) if *swallowed < text.len() => {
                        *swallowed += 1;
                        (at, in_text) = (*behind, *swallowed);
                    }
                    _ => return false,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the rule is said, without any care for time.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|skipped| plainly(rest, &text[skipped..])),
            Some((wanted, rest)) => match text.split_first() {
                Some((found, others)) => (*wanted == '_' || wanted == found) && plainly(rest, others),
                None => false,
            },
        }
    }

    proptest! {
        #[test]
        fn patterns_match_as_the_rule_says(pattern in "[ab%_]{0,6}", text in "[abc]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), plainly(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn many_wildcards_take_no_time() {
        assert!(!Pattern::new(&"%a".repeat(200)).matches(&"b".repeat(20_000)));
        assert!(Pattern::new("org.%.nar").matches("org.x.y.nar"));
        assert!(!Pattern::new("Org%").matches("org.x"));
    }
}
