//! Search filters (RFC 4515) with a place for a name.
//!
//! What must stay true: a name is put into the values of a filter that was read before, never into its text, so no name can
//! change what is asked.

use headworks_core::{Error, Result};
use ldap3_proto::proto::{LdapFilter, LdapMatchingRuleAssertion, LdapSubstringFilter};

/// Where the name stands.
const PLACE: &str = "{0}";
/// How deep filters may be nested.
const DEPTH: usize = 32;

/// A filter that waits for a name.
pub(super) struct Template(LdapFilter);

impl Template {
    /// Reads a filter such as `(uid={0})`; the brackets around the whole may be left out.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) at `search_filter`.
    pub(super) fn new(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(format!("{why}: {text:?}")).at("search_filter");
        let trimmed = text.trim();
        let bracketed = if trimmed.starts_with('(') { trimmed.to_owned() } else { format!("({trimmed})") };
        let read = filter(&bracketed, DEPTH).filter(|(_, rest)| rest.is_empty());
        let (read, _) = read.ok_or_else(|| wrong("is no filter such as (uid={0})"))?;
        let mut places = 0;
        each_value(&mut read.clone(), &mut |value| places += value.matches(PLACE).count());
        if places == 0 {
            return Err(wrong("does not say with {0} where the name of the user stands"));
        }
        Ok(Self(read))
    }

    /// The filter for this name.
    pub(super) fn with(&self, name: &str) -> LdapFilter {
        let mut filter = self.0.clone();
        each_value(&mut filter, &mut |value| *value = value.replace(PLACE, name));
        filter
    }
}

fn each_value(filter: &mut LdapFilter, change: &mut impl FnMut(&mut String)) {
    match filter {
        LdapFilter::And(all) | LdapFilter::Or(all) => {
            for inner in all {
                // Nested no deeper than it was read.
                each_value(inner, change);
            }
        }
        LdapFilter::Not(inner) => each_value(inner, change),
        LdapFilter::Equality(_, value)
        | LdapFilter::GreaterOrEqual(_, value)
        | LdapFilter::LessOrEqual(_, value)
        | LdapFilter::Approx(_, value) => change(value),
        LdapFilter::Extensible(rule) => change(&mut rule.match_value),
        LdapFilter::Substring(_, LdapSubstringFilter { initial, any, final_ }) => {
            initial.iter_mut().chain(any).chain(final_).for_each(change);
        }
        LdapFilter::Present(_) => {}
    }
}

/// One filter in brackets, and what stands behind it.
fn filter(text: &str, depth: usize) -> Option<(LdapFilter, &str)> {
    let depth = depth.checked_sub(1)?;
    let inner = text.trim_start().strip_prefix('(')?.trim_start();
    let (read, rest) = if let Some(rest) = inner.strip_prefix('&') {
        let (all, rest) = filters(rest, depth)?;
        (LdapFilter::And(all), rest)
    } else if let Some(rest) = inner.strip_prefix('|') {
        let (all, rest) = filters(rest, depth)?;
        (LdapFilter::Or(all), rest)
    } else if let Some(rest) = inner.strip_prefix('!') {
        let (one, rest) = filter(rest, depth)?;
        (LdapFilter::Not(Box::new(one)), rest)
    } else {
        let end = inner.find(')')?;
        let (item, rest) = inner.split_at_checked(end)?;
        (comparison(item)?, rest)
    };
    Some((read, rest.trim_start().strip_prefix(')')?.trim_start()))
}

/// At least one filter.
fn filters(mut text: &str, depth: usize) -> Option<(Vec<LdapFilter>, &str)> {
    let mut all = Vec::new();
    while text.trim_start().starts_with('(') {
        let (one, rest) = filter(text, depth)?;
        all.push(one);
        text = rest;
    }
    (!all.is_empty()).then_some((all, text))
}

/// What stands in brackets without further ones.
fn comparison(item: &str) -> Option<LdapFilter> {
    let (left, right) = item.split_once('=')?;
    let kind = left.chars().next_back()?;
    let attribute = left.trim_end_matches(['~', '<', '>', ':']).trim();
    if right.contains('(') || attribute.contains(|letter: char| letter.is_whitespace() || "()*\\~<>".contains(letter)) {
        return None;
    }
    if kind == ':' {
        return extensible(attribute, unescaped(right)?);
    }
    if attribute.is_empty() || attribute.contains(':') {
        return None;
    }
    let attribute = attribute.to_owned();
    Some(match kind {
        '~' => LdapFilter::Approx(attribute, unescaped(right)?),
        '<' => LdapFilter::LessOrEqual(attribute, unescaped(right)?),
        '>' => LdapFilter::GreaterOrEqual(attribute, unescaped(right)?),
        _ if right == "*" => LdapFilter::Present(attribute),
        _ => match right.split('*').map(unescaped).collect::<Option<Vec<_>>>()?.as_mut_slice() {
            [whole] => LdapFilter::Equality(attribute, std::mem::take(whole)),
            [first, between @ .., last] => {
                let some = |part: &mut String| Some(std::mem::take(part)).filter(|part| !part.is_empty());
                let (initial, final_) = (some(first), some(last));
                LdapFilter::Substring(attribute, LdapSubstringFilter { initial, any: between.to_vec(), final_ })
            }
            [] => return None,
        },
    })
}

/// `attribute:dn:rule:=value`, of which everything but the value and one of the others may be missing.
fn extensible(left: &str, match_value: String) -> Option<LdapFilter> {
    let mut parts = left.split(':').map(str::trim);
    let type_ = parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    let (mut dn_attributes, mut matching_rule) = (false, None);
    for part in parts {
        match part {
            "dn" if !dn_attributes && matching_rule.is_none() => dn_attributes = true,
            rule if !rule.is_empty() && matching_rule.is_none() => matching_rule = Some(rule.to_owned()),
            _ => return None,
        }
    }
    let named = type_.is_some() || matching_rule.is_some();
    let rule = LdapMatchingRuleAssertion { matching_rule, type_, match_value, dn_attributes };
    named.then_some(LdapFilter::Extensible(rule))
}

/// A value whose `\2a` and the like are what they stand for.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push((high << 4 | low) as u8);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, name: &str) -> String {
        format!("{:?}", Template::new(text).unwrap().with(name))
    }

    #[test]
    fn filters_of_directories_are_read() {
        let group = "(&(objectCategory=person)(sAMAccountName={0})(memberOf:1.2.840.113556.1.4.1941:=cn=ops,dc=x)(!(a<=1)))";
        let read = shown(group, "anna");
        for part in [
            r#"And([Equality("objectCategory", "person"), Equality("sAMAccountName", "anna")"#,
            r#"matching_rule: Some("1.2.840.113556.1.4.1941"), type_: Some("memberOf"), match_value: "cn=ops,dc=x", dn_attributes: false"#,
            r#"Not(LessOrEqual("a", "1"))"#,
        ] {
            assert!(read.contains(part), "{part}: {read}");
        }
        assert_eq!(shown("uid={0}", "anna"), r#"Equality("uid", "anna")"#);
        assert_eq!(shown(" ( | (uid={0}) (mail={0}@x\\2a) ) ", "a"), r#"Or([Equality("uid", "a"), Equality("mail", "a@x*")])"#);
        let parts = LdapSubstringFilter { initial: Some("x".into()), any: vec!["anna".into()], final_: None };
        assert_eq!(Template::new("(uid=x*{0}*)").unwrap().with("anna"), LdapFilter::Substring("uid".into(), parts));
        assert!(shown("(&(uid=*)(cn:dn:=\\7b0}{0}))", "x").contains(r#"Present("uid")"#));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}(a={{0}}){}", "(!".repeat(DEPTH), ")".repeat(DEPTH));
        for text in [
            "",
            "()",
            "(uid)",
            "(uid={0}",
            "(uid={0}))",
            "(&)",
            "(=x{0})",
            "(u(id={0})",
            "(uid=\\zz{0})",
            "(:={0})",
            "(uid=anna)",
            &deep,
        ] {
            assert_eq!(Template::new(text).err().and_then(|error| error.member), Some("search_filter".to_owned()), "{text}");
        }
    }

    #[test]
    fn no_name_changes_what_is_asked() {
        for name in ["*", "*)(uid=*", "a)(|(uid=*", "\\2a", "{0}", "anna\0", "a*b"] {
            let filter = Template::new("(&(uid={0})(objectClass=person))").unwrap().with(name);
            let own = LdapFilter::Equality("uid".into(), name.into());
            assert_eq!(filter, LdapFilter::And(vec![own, LdapFilter::Equality("objectClass".into(), "person".into())]));
        }
    }
}
