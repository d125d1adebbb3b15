//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod buckets;
mod calls;
#[path = "../forwarders/capture/mod.rs"]
#[allow(dead_code, reason = "these tests need its HTTP server only")]
mod capture;
mod event_hooks;
mod flows;
mod identity_provider;
mod items;
mod surface;
