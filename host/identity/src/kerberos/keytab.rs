//! The keys of services, as the tools of Kerberos write them into files (keytab, format 5.2).

use super::{Principal, encryption};
use headworks_core::{Error, Result};

/// A key of a service. Holds a secret, hence no `Debug`.
pub(super) struct Key {
    pub(super) principal: Principal,
    pub(super) kind: u32,
    pub(super) secret: Vec<u8>,
}

/// The keys of a service such as `HTTP/host.example` or `HTTP/host.example@REALM`: at least one.
pub(super) fn of_service(principal: &str, bytes: &[u8]) -> Result<Vec<Key>> {
    let mut keys = read(bytes)?;
    let realmless = |key: &Key| key.principal.to_string().strip_suffix(&format!("@{}", key.principal.realm)) == Some(principal);
    keys.retain(|key| key.principal.to_string() == principal || realmless(key));
    if keys.is_empty() {
        let text = format!("has no AES key in the keytab: {principal:?}");
        return Err(Error::invalid(text).at("service_principal"));
    }
    Ok(keys)
}

/// All keys of a file whose kind is known here.
fn read(bytes: &[u8]) -> Result<Vec<Key>> {
    let broken = || Error::invalid("is no keytab of format 5.2, or it is damaged").at("keytab");
    let mut rest = bytes.strip_prefix(&[5, 2]).ok_or_else(broken)?;
    let mut keys = Vec::new();
    while let Some((size, after)) = rest.split_first_chunk() {
        let size = i32::from_be_bytes(*size);
        if size == 0 {
            break;
        }
        let (entry, after) = after.split_at_checked(size.unsigned_abs() as usize).ok_or_else(broken)?;
        rest = after;
        // What was deleted has a negative size.
        if size > 0 {
            keys.push(key(entry).ok_or_else(broken)?);
        }
    }
    keys.retain(|key| encryption::key_length(key.kind) == Some(key.secret.len()));
    Ok(keys)
}

fn key(entry: &[u8]) -> Option<Key> {
    let (parts, mut rest) = number(entry)?;
    let realm = text(&mut rest)?;
    let names = (0..parts).map(|_| text(&mut rest)).collect::<Option<_>>()?;
    // The kind of the name, the time, and the version of the key in one byte: none of them is needed.
    let (kind, after) = number(rest.get(9..)?)?;
    let (length, after) = number(after)?;
    let secret = after.get(..usize::from(length))?.to_vec();
    Some(Key { principal: Principal { names, realm }, kind: kind.into(), secret })
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), rest))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let (length, after) = number(rest)?;
    let (text, after) = after.split_at_checked(length.into())?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}
