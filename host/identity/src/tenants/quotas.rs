//! What a tenant may use.

use headworks_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The greatest value of each quota; rates are kept as floating-point numbers, which are exact up to here.
const MOST: u64 = 1 << 53;
/// How many seconds' worth may be used at once where it is not said.
const BURST_SECONDS: u64 = 10;

macro_rules! quotas {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a tenant may use. Of a member that is absent the value of the plan is in force; 0 is no limit.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Quotas {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<u64>,)*
        }

        impl Quotas {
            /// These, and what is absent from `plan`. No member is absent then.
            #[must_use]
            pub fn or(&self, plan: &Self) -> Self {
                Self { $($name: Some(self.$name.or(plan.$name).unwrap_or_default()),)* }
            }

            /// The names and values of all members.
            pub fn members(&self) -> impl Iterator<Item = (&'static str, Option<u64>)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }

            /// Sets a member by its name; false where there is none of that name.
            pub fn set(&mut self, name: &str, value: Option<u64>) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

quotas! {
    /// Records taken in per second.
    records_per_second,
    /// Bytes of field values taken in per second.
    bytes_per_second,
    /// How many seconds' worth of a rate may be used at once after a pause; 10 where 0 or absent.
    burst_seconds,
    /// Bytes of stored records, as the usage of its streams tells, and of records that wait for forwarders.
    stored_bytes,
    /// Plugins.
    plugins,
    /// Milliseconds of processor time that its plugins may use per second, transformers in VRL included.
    cpu_ms_per_second,
    /// Calls of plugins at the same time.
    concurrent_calls,
    /// Queries at the same time.
    queries,
    /// Clients that follow a stream or a log at the same time.
    live_tails,
    /// Open HTTP connections.
    connections,
}

impl Quotas {
    /// Refuses what cannot be counted.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) with the member.
    pub fn check(&self) -> Result<()> {
        match self.members().find(|(_, value)| value.is_some_and(|value| value > MOST)) {
            Some((name, _)) => Err(Error::invalid(format!("a quota is at most {MOST}")).at(format!("quotas.{name}"))),
            None => Ok(()),
        }
    }

    /// How many seconds' worth may be used at once.
    pub(crate) fn burst(&self) -> f64 {
        self.burst_seconds.filter(|seconds| *seconds > 0).unwrap_or(BURST_SECONDS) as f64
    }
}

/// A limit as a number, where there is one.
pub(crate) fn limit(quota: Option<u64>) -> Option<u64> {
    quota.filter(|value| *value > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_quotas_come_before_those_of_the_plan() {
        let plan = Quotas { plugins: Some(3), stored_bytes: Some(7), ..Quotas::default() };
        let own = Quotas { plugins: Some(0), ..Quotas::default() };
        let both = own.or(&plan);
        assert_eq!((both.plugins, both.stored_bytes, both.cpu_ms_per_second), (Some(0), Some(7), Some(0)));
        assert_eq!((limit(both.plugins), limit(both.stored_bytes)), (None, Some(7)));
    }
}
