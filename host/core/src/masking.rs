//! Documents without their secrets, and with them again.
//!
//! What must stay true: nothing that was hidden can be read from what is shown; what is shown becomes the document again only
//! beside one that holds the secrets.

use serde_json::{Map, Value};

/// What is shown in the place of a secret.
pub const MASK: &str = "********";
/// A member with one of these in its name holds a secret, whatever it belongs to.
const TELLTALE: &[&str] =
    &["password", "passwd", "secret", "token", "apikey", "api_key", "api-key", "credential", "private_key", "authorization"];

/// Parameters of URLs that hold a secret besides those.
const PARAMETERS: &[&str] = &["sig", "signature", "key", "code"];

/// Masks the texts and numbers of members with these names and of those that sound secret, at any depth; in URLs the
/// password and parameters that sound secret.
pub fn hide(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::Object(members) => hide_members(members, secrets),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, secrets)),
        Value::String(text) => {
            if let Some(shown) = hidden_url(text) {
                *text = shown;
            }
        }
        _ => {}
    }
}

fn hide_members(members: &mut Map<String, Value>, secrets: &[&str]) {
    for (name, value) in members {
        if secrets.contains(&name.as_str()) || sounds_secret(name) {
            mask(value);
        } else {
            hide(value, secrets);
        }
    }
}

fn sounds_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    TELLTALE.iter().any(|part| lower.contains(part))
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(mask),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) if text.is_empty() => {}
        Value::Null | Value::Bool(_) => {}
        Value::String(_) | Value::Number(_) => *value = MASK.into(),
    }
}

/// Puts the secrets of a whole document in the places where another was [hidden](hide). Answers the places, as JSON pointers,
/// that it has nothing for: there the mask stays.
pub fn reveal(value: &mut Value, whole: Option<&Value>) -> Vec<String> {
    let mut missing = Vec::new();
    reveal_at(value, whole, &mut String::new(), &mut missing);
    missing
}

fn reveal_at(value: &mut Value, whole: Option<&Value>, at: &mut String, missing: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name_at = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                within(at, &name_at, |at| reveal_at(member, whole.and_then(|whole| whole.get(name)), at, missing));
            }
        }
        Value::Array(items) => {
            let known = whole.and_then(Value::as_array);
            for (index, item) in items.iter_mut().enumerate() {
                let same = known.and_then(|known| known.iter().find(|known| hides_as(known, item)).or_else(|| known.get(index)));
                within(at, &format!("/{index}"), |at| reveal_at(item, same, at, missing));
            }
        }
        Value::String(text) if text == MASK => match whole {
            Some(known @ (Value::String(_) | Value::Number(_))) if known != MASK => *value = known.clone(),
            _ => missing.push(at.clone()),
        },
        Value::String(text) if is_hidden_url(text) => {
            let known = whole.and_then(Value::as_str);
            match known.filter(|known| hidden_url(known).as_ref() == Some(text)) {
                Some(known) => *text = known.to_owned(),
                None => match known.and_then(|known| with_password_of(text, known)) {
                    Some(url) => *text = url,
                    None => missing.push(at.clone()),
                },
            }
        }
        _ => {}
    }
}

fn within(at: &mut String, part: &str, work: impl FnOnce(&mut String)) {
    let length = at.len();
    at.push_str(part);
    work(at);
    at.truncate(length);
}

/// Whether a text of a list, without its secrets, looks like this.
fn hides_as(known: &Value, shown: &Value) -> bool {
    let Some((known, shown)) = known.as_str().zip(shown.as_str()) else { return false };
    hidden_url(known).is_some_and(|known| known == shown)
}

/// A URL that holds a secret, without it.
fn hidden_url(text: &str) -> Option<String> {
    let (start, query) = text.split_once('?').map_or((text, None), |(start, query)| (start, Some(query)));
    start.split_once("://")?;
    let mut shown = Url::read(start).map_or_else(|| start.to_owned(), |url| url.with_password(MASK));
    if let Some(query) = query {
        let parameters: Vec<_> = query.split('&').map(hidden_parameter).collect();
        shown.push('?');
        shown.push_str(&parameters.join("&"));
    }
    Some(shown).filter(|shown| shown != text)
}

fn hidden_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, value)) if !value.is_empty() && (sounds_secret(name) || PARAMETERS.contains(&name)) => {
            format!("{name}={MASK}")
        }
        _ => parameter.to_owned(),
    }
}

fn is_hidden_url(text: &str) -> bool {
    let parameter = |(_, behind): (&str, &str)| {
        behind.split(['?', '&']).any(|part| part.split_once('=').is_some_and(|(_, value)| value == MASK))
    };
    Url::read(text).is_some_and(|url| url.password == Some(MASK)) || text.split_once("://").is_some_and(parameter)
}

/// A URL that was changed otherwise, with the password that the same user had before.
fn with_password_of(shown: &str, known: &str) -> Option<String> {
    let (shown, known) = (Url::read(shown)?, Url::read(known)?);
    let same = shown.password == Some(MASK) && shown.user == known.user;
    let whole = shown.with_password(known.password?);
    Some(whole).filter(|whole| same && !is_hidden_url(whole))
}

/// A URL that names a user.
struct Url<'a> {
    scheme: &'a str,
    user: &'a str,
    password: Option<&'a str>,
    /// The host and everything behind it.
    rest: &'a str,
}

impl<'a> Url<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (scheme, behind) = text.split_once("://")?;
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let at = behind.get(..end)?.rfind('@')?;
        let (user, rest) = (behind.get(..at)?, behind.get(at + 1..)?);
        let (user, password) = user.split_once(':').map_or((user, None), |(user, password)| (user, Some(password)));
        Some(Self { scheme, user, password, rest })
    }

    fn with_password(&self, password: &str) -> String {
        format!("{}://{}:{password}@{}", self.scheme, self.user, self.rest)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn whole() -> Value {
        json!({
            "url": "amqp://user:pa:ss@host:1/v?a=b@c", "plain": "https://host/a@b", "named": "https://user@host/",
            "signed": "https://h/p?a=1&sig=x%2F&ApiKey=y#z", "empty": "https://h/?key=&token",
            "headers": {"A": "1", "B": ""}, "config": {"tokens_per_second": 5, "list": [{"apiKey": "k"}, 7], "x/y~z": {"secret": [1]}},
            "addresses": ["http://a:1@x", "http://b:2@y", "http://z"],
        })
    }

    #[test]
    fn what_was_hidden_is_not_shown_and_comes_back() {
        let mut shown = whole();
        hide(&mut shown, &["headers"]);
        let expected = json!({
            "url": "amqp://user:********@host:1/v?a=b@c", "plain": "https://host/a@b", "named": "https://user:********@host/",
            "signed": "https://h/p?a=1&sig=********&ApiKey=********", "empty": "https://h/?key=&token",
            "headers": {"A": MASK, "B": ""},
            "config": {"tokens_per_second": MASK, "list": [{"apiKey": MASK}, 7], "x/y~z": {"secret": [MASK]}},
            "addresses": ["http://a:********@x", "http://b:********@y", "http://z"],
        });
        assert_eq!(shown, expected);
        assert_eq!(reveal(&mut shown, Some(&whole())), Vec::<String>::new());
        assert_eq!(shown, whole());
    }

    #[test]
    fn a_list_in_another_order_and_another_host_keep_their_passwords() {
        let mut shown = json!({"addresses": ["http://b:********@y", "http://a:********@other"]});
        let whole = json!({"addresses": ["http://b:2@y", "http://a:1@x"]});
        assert_eq!(reveal(&mut shown, Some(&whole)), Vec::<String>::new());
        assert_eq!(shown, json!({"addresses": ["http://b:2@y", "http://a:1@other"]}));
    }

    #[test]
    fn what_nobody_knows_is_named() {
        let mut shown = whole();
        hide(&mut shown, &["headers"]);
        let hidden = shown.clone();
        let expected = [
            "/url",
            "/named",
            "/signed",
            "/headers/A",
            "/config/tokens_per_second",
            "/config/list/0/apiKey",
            "/config/x~1y~0z/secret/0",
            "/addresses/0",
            "/addresses/1",
        ];
        assert_eq!(reveal(&mut shown, None), expected);
        assert_eq!(shown, hidden);
        let mut shown = json!({"url": "http://a:********@x"});
        assert_eq!(reveal(&mut shown, Some(&json!({"url": "http://b:2@x"}))), ["/url"], "another user's password is not taken");
        let mut shown = json!({"url": "http://other/?key=********"});
        assert_eq!(reveal(&mut shown, Some(&json!({"url": "http://host/?key=1"}))), ["/url"]);
    }
}
