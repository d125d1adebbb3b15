//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod access;
mod buckets;
mod bundles;
mod calls;
mod certificates;
mod docs_pages;
mod extensions;
mod flows;
mod groups;
mod hostile_archives;
mod items;
mod large_uploads;
mod policies;
mod proxies;
mod released_nars;
mod repository;
mod secure;
mod secured;
mod secured_bundles;
mod secured_extensions;
mod surface;
mod unsecured;
mod uploads;
mod users;
