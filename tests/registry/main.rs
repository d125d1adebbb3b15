//! The registry through the front door: the rules of the NiFi Registry contract that a client can notice.

mod oidc;
mod secured;
mod surface;
