//! Remote repositories: fetched from once, and pushed to.
//!
//! What must stay true: nothing is forced, so that commits of others in a remote stay; passwords are in no address that the
//! library sees, and in no message.

use super::failed;
use super::http::{self, Session};
use git2::{Oid, PushOptions, RemoteCallbacks, Repository};
use headworks_core::{Error, Result};
use std::cell::RefCell;
use std::path::Path;

/// The name of the remote that was cloned.
const ORIGIN: &str = "origin";

/// How remote repositories are reached.
#[derive(Clone, Default)]
pub struct Access {
    /// Name and password.
    pub credentials: Option<(String, String)>,
    /// Certificates in PEM that are trusted instead of the public ones.
    pub roots: Option<Vec<u8>>,
}

/// Checks an address, or the name of a remote.
///
/// # Errors
/// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for one that cannot be used.
pub fn check(address: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid(format!("{} {why}", shown(address))));
    if let Some((scheme, rest)) = address.split_once("://") {
        if !matches!(scheme, "http" | "https" | "file") {
            return refuse("cannot be used: only https, http and folders can");
        }
        let host = rest.split('/').next().unwrap_or_default();
        return if host.contains('@') { refuse("has a name in it: give user and password as settings") } else { Ok(()) };
    }
    if !address.starts_with('/') && address.contains(':') {
        return refuse("looks like an address for SSH, which is not spoken here: use https");
    }
    if address.is_empty() { refuse("is no address") } else { Ok(()) }
}

/// An address without what may be secret.
fn shown(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}…{}", address.get(..scheme + 3).unwrap_or_default(), address.get(at..).unwrap_or_default())
        }
        _ => address.to_owned(),
    }
}

/// Fetches all branches. Answers the main one and its commit; none where there is none.
pub(super) fn fetch(git: &Repository, url: &str, access: &Access) -> Result<Option<(String, Oid)>> {
    let session = Session::new(access, git.path())?;
    http::with(session, || {
        let mut origin = match git.find_remote(ORIGIN) {
            Ok(_) => {
                git.remote_set_url(ORIGIN, url)?;
                git.find_remote(ORIGIN)?
            }
            Err(_) => git.remote(ORIGIN, url)?,
        };
        origin.fetch(&[] as &[&str], None, None)?;
        let main = match origin.default_branch() {
            Ok(name) => name.as_str().ok().map(str::to_owned),
            Err(error) if error.code() == git2::ErrorCode::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(main) = main else { return Ok(None) };
        let short = main.strip_prefix("refs/heads/").unwrap_or(&main);
        let commit = git.find_reference(&format!("refs/remotes/{ORIGIN}/{short}"))?.peel_to_commit()?.id();
        Ok(Some((main, commit)))
    })
    .map_err(|error| failed(&format!("{} cannot be cloned", shown(url)), &error))
}

/// Adds what is new to the branch of the same name of a remote.
///
/// # Errors
/// For a remote that cannot be reached, refuses, or has commits that are not here.
pub(super) fn push(folder: &Path, remote: &str, branch: &str, access: &Access) -> Result<()> {
    let failure = |error| failed(&format!("{branch} cannot be pushed to {}", shown(remote)), &error);
    let git = Repository::open(folder).map_err(failure)?;
    if git.find_reference(branch).is_err() {
        // Nothing is committed yet.
        return Ok(());
    }
    let session = Session::new(access, git.path())?;
    let refused = RefCell::new(None);
    let pushed = http::with(session, || {
        let mut to = match git.find_remote(remote) {
            Ok(named) => named,
            Err(_) => git.remote_anonymous(remote)?,
        };
        let mut callbacks = RemoteCallbacks::new();
        callbacks.push_update_reference(|_, status| {
            refused.replace(status.map(str::to_owned));
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks).packbuilder_parallelism(1);
        to.push(&[format!("{branch}:{branch}")], Some(&mut options))
    });
    match pushed {
        Err(error) if error.code() == git2::ErrorCode::NotFastForward => {
            let message = format!(
                "{} has commits in {branch} that are not here, and nothing is forced: merge them there or push elsewhere",
                shown(remote)
            );
            Err(Error::invalid(message))
        }
        Err(error) => Err(failure(error)),
        Ok(()) => match refused.into_inner() {
            Some(status) => Err(Error::invalid(format!("{} refuses {branch}: {status}", shown(remote)))),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_secrets_and_ssh() {
        for good in
            ["origin", "/srv/flows.git", "https://git.example.com/flows.git", "file:///srv/flows.git", "http://localhost:1/x"]
        {
            check(good).unwrap();
        }
        let told = |address| check(address).unwrap_err().message;
        assert!(told("git@example.com:flows.git").contains("SSH"));
        assert!(told("ssh://git@example.com/flows.git").contains("only https"));
        let secret = told("https://me:secret@example.com/flows.git");
        assert!(secret.contains("settings") && !secret.contains("secret@"), "{secret}");
    }
}
