//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod buckets;
mod calls;
mod diff;
mod fidelity;
mod flows;
mod items;
mod revisions;
mod surface;
mod variants;
mod versions;
