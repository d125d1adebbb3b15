//! Forwarders against the real thing, and the registry beside the original. Not part of the usual run: what they talk to has to be installed (`make peers`).

#[path = "../forwarders/capture/mod.rs"]
#[allow(dead_code, reason = "only the frames of AMQP are needed here")]
mod capture;
mod git_layout;
mod layouts;
mod rabbitmq;
mod registry;
