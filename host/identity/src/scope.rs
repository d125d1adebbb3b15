//! What can be allowed (FlowG 5).

use std::fmt;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// One permission.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name on the wire and in stored roles.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

scopes! {
    /// See pipelines and their metrics.
    ReadPipelines = "read_pipelines";
    /// Change pipelines.
    WritePipelines = "write_pipelines";
    /// See and test transformers.
    ReadTransformers = "read_transformers";
    /// Change transformers.
    WriteTransformers = "write_transformers";
    /// See streams and their records.
    ReadStreams = "read_streams";
    /// Configure and purge streams.
    WriteStreams = "write_streams";
    /// See forwarders.
    ReadForwarders = "read_forwarders";
    /// Change and test forwarders.
    WriteForwarders = "write_forwarders";
    /// See users and roles.
    ReadAcls = "read_acls";
    /// Change users and roles.
    WriteAcls = "write_acls";
    /// Send records and try pipelines.
    SendLogs = "send_logs";
    /// See the settings of the system.
    ReadSystemConfiguration = "read_system_configuration";
    /// Change the settings of the system.
    WriteSystemConfiguration = "write_system_configuration";
    /// See identity providers with their secrets.
    ReadAuthProviders = "read_auth_providers";
    /// Change identity providers.
    WriteAuthProviders = "write_auth_providers";
}

impl Scope {
    /// The scope with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == name)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The read scope that a write scope includes; the last two families have none (FlowG 5).
    const fn implied(self) -> u16 {
        match self {
            Self::WritePipelines => Self::ReadPipelines.bit(),
            Self::WriteTransformers => Self::ReadTransformers.bit(),
            Self::WriteStreams => Self::ReadStreams.bit(),
            Self::WriteForwarders => Self::ReadForwarders.bit(),
            Self::WriteAcls => Self::ReadAcls.bit(),
            _ => 0,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(u16);

impl ScopeSet {
    /// Whether these scopes, or what they include, allow something.
    pub fn allows(self, scope: Scope) -> bool {
        let effective = self.iter().fold(self.0, |bits, given| bits | given.implied());
        effective & scope.bit() != 0
    }

    /// The scopes as given, without what they include.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.0 & scope.bit() != 0)
    }

    /// The scopes of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_includes_reading_in_five_families_only() {
        for scope in Scope::ALL {
            let set = ScopeSet::from_iter([*scope]);
            let allowed: Vec<&str> = Scope::ALL.iter().filter(|other| set.allows(**other)).map(|other| other.as_str()).collect();
            let mut expected = vec![scope.as_str()];
            if let Some(family) = scope.as_str().strip_prefix("write_")
                && ["pipelines", "transformers", "streams", "forwarders", "acls"].contains(&family)
            {
                expected.insert(0, Scope::parse(&format!("read_{family}")).map_or("", Scope::as_str));
            }
            assert_eq!(allowed, expected);
        }
        assert!(!ScopeSet::default().allows(Scope::SendLogs));
    }
}
