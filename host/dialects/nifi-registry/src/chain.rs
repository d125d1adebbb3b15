//! Who calls through proxies (NiFi Registry 19.3).
//!
//! What must stay true: the owner of the client certificate is the last proxy, whatever the header says; nothing in the header
//! can be read in two ways.

use crate::failure::Failure;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headworks_core::TenantId;
use headworks_identity::{ANONYMOUS, Caller, Mapping};

const HEADER: &str = "x-proxiedentitieschain";
/// The most identities of a chain.
const MOST: usize = 100;

/// The identities in the header, the end user first; an empty one is nobody.
pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Vec<String>>, Failure> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        // One of them may come from whom a proxy passes on.
        return Err(malformed("it is there more than once"));
    }
    let text = value.to_str().map_err(|_| malformed("it holds characters that have to be encoded"))?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    read(text).map(Some)
}

/// The caller at the far end of the chain whose last proxy has this name.
pub(crate) fn caller(tenant: TenantId, chain: Vec<String>, last: String, names: &Mapping) -> Caller {
    let known = |name: String| if name.is_empty() { ANONYMOUS.to_owned() } else { names.apply(&name) };
    let mut chain = chain.into_iter();
    let user = chain.next().unwrap_or_default();
    let mut proxies: Vec<String> = chain.map(known).collect();
    proxies.push(last);
    let caller = if user.is_empty() { Caller::anonymous(tenant) } else { Caller::proven(tenant, names.apply(&user)) };
    Caller { proxies, ..caller }
}

fn malformed(why: &str) -> Failure {
    Failure::invalid(format!("The header X-ProxiedEntitiesChain cannot be read: {why}"))
}

fn read(text: &str) -> Result<Vec<String>, Failure> {
    let mut identities = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if identities.len() == MOST {
            return Err(malformed(&format!("it names more than {MOST} identities")));
        }
        let inner = rest.strip_prefix('<').ok_or_else(|| malformed("each identity stands in angle brackets"))?;
        let (identity, after) = match inner.strip_prefix('<') {
            Some(encoded) => {
                let (encoded, after) = encoded.split_once(">>").ok_or_else(|| malformed("an angle bracket is not closed"))?;
                (decoded(encoded)?, after)
            }
            None => plain(inner)?,
        };
        identities.push(identity);
        rest = after;
    }
    Ok(identities)
}

/// Up to the closing bracket. A backslash before a bracket makes it part of the name; other backslashes are part of it.
fn plain(text: &str) -> Result<(String, &str), Failure> {
    let mut identity = String::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        match next {
            '>' => return Ok((identity, rest.as_str())),
            '<' => return Err(malformed("an angle bracket inside an identity has no backslash before it")),
            '\\' if rest.as_str().starts_with(['<', '>']) => identity.extend(rest.next()),
            other => identity.push(other),
        }
    }
    Err(malformed("an angle bracket is not closed"))
}

fn decoded(text: &str) -> Result<String, Failure> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| malformed("an identity in double brackets is no Base64"))?;
    String::from_utf8(bytes).map_err(|_| malformed("an identity in double brackets is no UTF-8"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn chains() {
        for (text, expected) in [
            ("<a>", vec!["a"]),
            ("<>", vec![""]),
            ("<><CN=p, OU=q>", vec!["", "CN=p, OU=q"]),
            ("<CN=Doe\\, J><p>", vec!["CN=Doe\\, J", "p"]),
            (r"<a\<b\>\>><p>", vec!["a<b>>", "p"]),
            ("<<Wm/Dqw==>><p>", vec!["Zoë", "p"]),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        for text in ["a", "<a", "<a>b", "<a<b>>", "<<!>>", "<<Wm/Dqw==>", "<a> <b>", "<<gA==>>"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"<a>".repeat(101)).is_err());
    }

    #[test]
    fn the_owner_of_the_certificate_is_the_last_proxy() {
        let chain = |text: &str| caller(TenantId::DEFAULT, read(text).unwrap(), "last".to_owned(), &Mapping::default());
        let one = chain("<user>");
        assert_eq!((one.identity.as_str(), one.anonymous, one.proxies), ("user", false, vec!["last".to_owned()]));
        let two = chain("<><p>");
        assert_eq!((two.identity.as_str(), two.anonymous, two.proxies.len()), ("anonymous", true, 2));
    }
}
