//! Ranges of IP addresses as people write them.

use crate::{Error, Result};
use ipnet::IpNet;
use std::net::IpAddr;

/// One address such as `192.0.2.7`, or a block such as `10.0.0.0/8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// As it was given.
    text: String,
    network: IpNet,
}

impl AddressRange {
    /// Reads a range.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](crate::ErrorCode::Invalid) quotes what is neither an address nor a block.
    pub fn parse(text: &str) -> Result<Self> {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let network = text.parse::<IpNet>().ok().or_else(address);
        let network = network.ok_or_else(|| Error::invalid(format!("{text:?} is neither an IP address nor a CIDR block")))?;
        Ok(Self { text: text.to_owned(), network })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether an address is in it. An IPv4 address that is mapped into IPv6 is another one here.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.network.contains(&address)
    }
}
