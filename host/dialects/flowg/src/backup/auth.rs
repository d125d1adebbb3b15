//! Users, roles, tokens and identity providers as keys (FlowG 16).

use super::badger::{Kv, Writer};
use super::{keys, objects};
use bytes::Bytes;
use headworks_core::{Result, TenantId};
use headworks_identity::{Fact, Restored};
use headworks_store::View;
use keys::{join, under};
use std::collections::BTreeSet;
use std::io::Read;
use uuid::Uuid;

/// Writes everything of a tenant.
pub(super) fn write(view: &View<'_>, tenant: TenantId, send: impl FnMut(Bytes) -> Result<()>) -> Result<()> {
    let version = view.version()?;
    let mut writer = Writer::new(send);
    writer.put(&keys::marker(version))?;
    Fact::all(view, tenant, |fact| {
        let mut put = |segments: &[&str], value: String| writer.put(&Kv::new(join(segments), value, version, 0));
        let none = String::new();
        match fact {
            Fact::Role(role) => put(&["index", "role", &role], none),
            Fact::Scope { role, scope } => put(&["role", &role, &scope], none),
            Fact::User(user) => put(&["index", "user", &user], none),
            Fact::Password { user, phc } => put(&["user", &user, "password"], phc),
            Fact::Member { user, role } => put(&["user", &user, "role", &role], none),
            Fact::Token { user, id, hash } => {
                put(&["index", "pat", &hash], user.clone())?;
                put(&["pat", &user, &id.to_string()], hash)
            }
            Fact::Provider { name, settings } => put(&["provider", &name], settings),
        }
    })?;
    writer.finish()
}

/// Reads a file whole. Tokens of the first generation, whose hashes no token can be looked up by, are left out.
pub(super) fn read(file: impl Read, len: u64, second: u64) -> Result<Vec<Restored>> {
    let all = objects::read(file, len, second)?;
    let users: BTreeSet<String> =
        all.keys().filter_map(|key| under(key, &["index", "user"])).map(|rest| rest.text.to_owned()).collect();
    let mut facts = Vec::with_capacity(all.len());
    let mut old_tokens = 0_u64;
    for (key, kv) in &all {
        let Some(fact) = fact(key, kv, &users)? else { continue };
        if matches!(&fact, Fact::Token { hash, .. } if hash.starts_with("$argon2")) {
            old_tokens += 1;
            continue;
        }
        facts.push(Restored { fact, deleted: kv.is_deleted() });
    }
    if old_tokens > 0 {
        tracing::warn!(tokens = old_tokens, "tokens of the first generation are not restored: make new ones");
    }
    Ok(facts)
}

/// `None` for what other keys say too.
fn fact(key: &str, kv: &Kv, users: &BTreeSet<String>) -> Result<Option<Fact>> {
    let value = || keys::value(key, kv).map(str::to_owned);
    if let Some(rest) = under(key, &["index", "role"]) {
        return Ok(Some(Fact::Role(rest.text.to_owned())));
    }
    if let Some(rest) = under(key, &["index", "user"]) {
        return Ok(Some(Fact::User(rest.text.to_owned())));
    }
    if under(key, &["index", "pat"]).is_some() {
        return Ok(None);
    }
    if let Some((role, scope)) = under(key, &["role"]).and_then(keys::Rest::last) {
        return Ok(Some(Fact::Scope { role: role.text.to_owned(), scope: scope.to_owned() }));
    }
    if let Some(rest) = under(key, &["user"]) {
        // A name may hold a separator, so a name that is listed comes first.
        let password = rest.last().filter(|(_, last)| *last == "password").map(|(user, _)| user.text);
        let cuts: Vec<(&str, &str)> = rest.around("role").collect();
        let listed = cuts.iter().find(|(user, _)| users.contains(*user));
        let member = |(user, role): (&str, &str)| Fact::Member { user: user.to_owned(), role: role.to_owned() };
        let fact = match (password, listed) {
            (Some(user), None) => Some(Fact::Password { user: user.to_owned(), phc: value()? }),
            (Some(user), Some(_)) if users.contains(user) => Some(Fact::Password { user: user.to_owned(), phc: value()? }),
            (_, Some(cut)) => Some(member(*cut)),
            (None, None) => cuts.first().copied().map(member),
        };
        return fact.map(Some).ok_or_else(|| keys::refused(key, "says nothing known of a user"));
    }
    if let Some((user, id)) = under(key, &["pat"]).and_then(keys::Rest::last) {
        let id = Uuid::parse_str(id).map_err(|_| keys::refused(key, "does not end in a UUID"))?;
        return Ok(Some(Fact::Token { user: user.text.to_owned(), id, hash: value()? }));
    }
    if let Some(rest) = under(key, &["provider"]) {
        return Ok(Some(Fact::Provider { name: rest.text.to_owned(), settings: value()? }));
    }
    Err(keys::refused(key, "is none of users, roles, tokens and providers: this is another kind of backup"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(key: &str, value: &str, users: &[&str]) -> Result<Option<Fact>> {
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        fact(key, &Kv::new(key.to_owned(), value.to_owned(), 1, 0), &users)
    }

    #[test]
    fn keys_of_users_are_told_apart() {
        let member = |user: &str, role: &str| Some(Fact::Member { user: user.into(), role: role.into() });
        let password = |user: &str| Some(Fact::Password { user: user.into(), phc: "$x".into() });
        assert!(parsed("user:a:role:b", "", &["a"]).unwrap() == member("a", "b"));
        assert!(parsed("user:a:b:role:c:d", "", &["a:b"]).unwrap() == member("a:b", "c:d"));
        assert!(parsed("user:a:role:b:role:c", "", &["a:role:b"]).unwrap() == member("a:role:b", "c"));
        assert!(parsed("user:a:role:password", "", &["a"]).unwrap() == member("a", "password"));
        assert!(parsed("user:a:role:password", "$x", &["a:role"]).unwrap() == password("a:role"));
        assert!(parsed("user\u{1b}a\u{1b}password", "$x", &[]).unwrap() == password("a"));
        assert!(parsed("index:pat:00", "a", &[]).unwrap().is_none());
        for key in ["user:a", "pat:a:b", "entry:s:0:u", "transformer:t", "x"] {
            assert!(parsed(key, "", &[]).is_err(), "{key}");
        }
    }
}
