//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod buckets;
mod bundles;
mod calls;
mod docs_pages;
mod extensions;
mod flows;
mod hostile_archives;
mod items;
mod large_uploads;
mod released_nars;
mod repository;
mod surface;
mod uploads;
