//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod buckets;
mod bundles;
mod calls;
mod flows;
mod items;
mod large_uploads;
mod repository;
mod surface;
mod uploads;
