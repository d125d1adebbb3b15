//! Publishes records to an AMQP 0-9-1 exchange (FlowG 12.4).
//!
//! Owns when a session is opened: at set-up, and again after it broke. What must stay true: a record is delivered when the
//! broker has confirmed it; one whose confirmation was lost with the connection is published again.

mod session;
mod wire;

use headworks_forwarder_kit::config::{filled, or_default};
use headworks_forwarder_kit::{About, Delivery, Dynamic, Failure, Forwarder, Network, OpenError, json};
use serde::Deserialize;
use session::{Broken, Broker, Session};
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    url: String,
    exchange: String,
    #[serde(default, deserialize_with = "or_default")]
    routing_key: String,
    #[serde(default, deserialize_with = "or_default")]
    body: String,
}

/// The forwarder.
pub struct Amqp {
    broker: Broker,
    session: Option<Session>,
    network: Rc<dyn Network>,
}

impl Forwarder for Amqp {
    const ABOUT: About = About {
        name: "forwarder-amqp",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Publishes records to an AMQP 0-9-1 exchange",
        schema: include_str!("../schema.json"),
        grants: &["tcp://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("exchange", &config.exchange)?;
        Ok(vec![format!("tcp://{}", Broker::parse("url", &config.url)?.address)])
    }

    fn dynamic(config: &Config) -> Vec<Dynamic> {
        vec![
            Dynamic::or_text("exchange", &config.exchange, ""),
            Dynamic::or_text("routing_key", &config.routing_key, ""),
            Dynamic::or_log("body", &config.body),
        ]
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let broker = Broker::parse("url", &config.url).map_err(OpenError::InvalidConfig)?;
        let session = Some(Session::open(&*network, &broker)?);
        Ok(Self { broker, session, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = json::object([("body", delivery.text(2)), ("timestamp", &delivery.record.time.rfc3339())]);
        // The session may have ended since the last record; a fresh one gets one try.
        if let Some(session) = self.session.take() {
            match self.publish(session, delivery, &body) {
                Err(Broken::Over(_)) => {}
                Err(broken) => return Err(broken.failure()),
                Ok(()) => return Ok(()),
            }
        }
        let session = Session::open(&*self.network, &self.broker)?;
        self.publish(session, delivery, &body).map_err(Broken::failure)
    }
}

impl Amqp {
    /// Publishes and keeps the session, unless it is over.
    fn publish(&mut self, mut session: Session, delivery: Delivery<'_>, body: &str) -> Result<(), Broken> {
        let outcome = session.publish(delivery.text(0), delivery.text(1), body.as_bytes());
        if !matches!(outcome, Err(Broken::Over(_))) {
            self.session = Some(session);
        }
        outcome
    }
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Amqp);

#[cfg(test)]
mod tests;
