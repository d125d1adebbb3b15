//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod access;
mod buckets;
mod bundles;
mod calls;
#[path = "../forwarders/capture/mod.rs"]
#[allow(dead_code, reason = "these tests need its HTTP server only")]
mod capture;
mod certificates;
mod coordinates;
mod diff;
mod docs_pages;
mod documents;
mod event_hooks;
mod extensions;
mod fidelity;
mod flows;
mod git;
mod git_import;
mod git_remotes;
mod groups;
mod hostile_archives;
mod identity_provider;
mod import;
mod items;
mod kerberos;
mod kerberos_passwords;
mod large_uploads;
mod ldap;
mod oidc;
mod plugins;
mod policies;
mod proxies;
mod released_nars;
mod repository;
mod revisions;
mod secure;
mod secured;
mod secured_bundles;
mod secured_extensions;
mod surface;
mod unsecured;
mod uploads;
mod users;
mod variants;
mod versions;
mod whole_backups;
