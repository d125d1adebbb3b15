//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod access;
mod buckets;
mod calls;
mod certificates;
mod flows;
mod groups;
mod items;
mod kerberos;
mod oidc;
mod policies;
mod proxies;
mod secure;
mod secured;
mod surface;
mod unsecured;
mod users;
