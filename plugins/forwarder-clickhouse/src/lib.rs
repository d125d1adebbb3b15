//! Inserts records into a ClickHouse table over the native protocol (FlowG 12.8).
//!
//! Owns the table and when a session is opened: at set-up, where the table is made, and again after it broke.

mod session;
mod wire;

use headworks_forwarder_kit::config::filled;
use headworks_forwarder_kit::endpoint::address;
use headworks_forwarder_kit::{About, Delivery, Failure, Forwarder, Network, OpenError};
use serde::Deserialize;
use session::{Broken, COLUMNS, Server, Session};
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    address: String,
    db: String,
    table: String,
    user: String,
    pass: String,
    tls: bool,
}

/// The forwarder.
pub struct ClickHouse {
    server: Server,
    session: Option<Session>,
    insert: String,
    network: Rc<dyn Network>,
}

/// The longest name of a table.
const MOST_TABLE: usize = 64;

impl Forwarder for ClickHouse {
    const ABOUT: About = About {
        name: "forwarder-clickhouse",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Inserts records into a ClickHouse table",
        schema: include_str!("../schema.json"),
        grants: &["tcp://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        address("address", &config.address)?;
        filled("db", &config.db)?;
        filled("user", &config.user)?;
        filled("pass", &config.pass)?;
        let plain = config.table.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || config.table.len() > MOST_TABLE || !config.table.starts_with(|first: char| !first.is_ascii_digit()) {
            let rule = format!("letters, digits and _, no digit first, {MOST_TABLE} at most");
            return Err(format!("table: {:?} is no name of a table: {rule}", config.table));
        }
        Ok(vec![format!("tcp://{}", config.address)])
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let Config { address, db: database, table, user, pass: password, tls } = config;
        let table = format!("{}.{table}", quoted(&database));
        let server = Server { address, tls, database, user, password };
        let mut session = Session::open(&*network, &server)?;
        let columns = COLUMNS.map(|(name, kind)| format!("{name} {kind}")).join(", ");
        let create = format!("CREATE TABLE IF NOT EXISTS {table} ({columns}) ENGINE = MergeTree PRIMARY KEY (id) ORDER BY (id)");
        session.run(&create).map_err(Broken::failure)?;
        let insert = format!("INSERT INTO {table} ({}) VALUES", COLUMNS.map(|(name, _)| name).join(", "));
        Ok(Self { server, session: Some(session), insert, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let id = version_4(self.network.random().map_err(Failure::later)?);
        // The session may have ended since the last record; a fresh one gets one try.
        if let Some(session) = self.session.take() {
            match self.insert(session, id, delivery) {
                Err(Broken::Connection(_)) => {}
                outcome => return outcome.map_err(Broken::failure),
            }
        }
        let session = Session::open(&*self.network, &self.server)?;
        self.insert(session, id, delivery).map_err(Broken::failure)
    }
}

impl ClickHouse {
    /// Inserts and keeps the session when that went well.
    fn insert(&mut self, mut session: Session, id: [u8; 16], delivery: Delivery<'_>) -> Result<(), Broken> {
        session.insert(&self.insert, id, delivery.record)?;
        self.session = Some(session);
        Ok(())
    }
}

/// A name that may hold anything, for a statement.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A random UUID of these bytes.
fn version_4(mut bytes: [u8; 16]) -> [u8; 16] {
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    bytes
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::ClickHouse);

#[cfg(test)]
mod tests;
