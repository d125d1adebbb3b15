//! The dialect of NiFi Registry under `/nifi-registry-api`: versioned flows, bundles of extensions, who may use them.
//!
//! A thin translation. What must stay true: a request is authenticated, then its syntax is read, then the right is checked,
//! then what it names is looked up (NiFi Registry 4.1); every failure is one line of text; where nobody has to prove who they
//! are, nobody reaches any tenant but the first. Holds no state and no rule that another dialect could need.

mod about;
mod access;
mod actuator;
mod base;
mod buckets;
mod bundle_type;
mod bundle_upload;
mod bundles;
mod call;
mod chain;
mod config;
mod diffs;
mod docs;
mod download;
mod extensions;
mod failure;
mod flows;
mod items;
mod links;
mod media;
mod outside;
mod pages;
mod paging;
mod parties;
mod policies;
mod repository;
mod revisions;
mod snapshots;
mod spellings;
mod tenants;
mod versions;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::response::IntoResponse;
use failure::Failure;
use headworks_core::Error;
use headworks_core::time::Clock;
use headworks_http::RequestId;
use headworks_identity::kerberos::Kerberos;
use headworks_identity::oidc::Oidc;
use headworks_identity::{Identity, Mapping, Security};
use headworks_plugins::Plugins;
use headworks_registry::Registry;
use headworks_store::Store;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where the dialect is mounted.
pub const PREFIX: &str = "/nifi-registry-api";

/// How this dialect behaves.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Who has to prove who they are.
    pub security: Security,
    /// Whether changes have to name the revision they are based on (NiFi Registry 5).
    pub revisions: bool,
    /// Whether kinds of bundles are always written as `NIFI_NAR` and `MINIFI_CPP`, not only to clients that need it (NiFi
    /// Registry 3).
    pub upper_case_bundle_types: bool,
    /// The release that this server says it is (NiFi Registry 23.5).
    pub version: String,
    /// The most bytes of each of two versions that are compared.
    pub comparison_bytes: u64,
    /// Whether users and groups can be changed here.
    pub configurable_tenants: bool,
    /// Whether policies can be changed here.
    pub configurable_policies: bool,
    /// Whether users get a token for their password.
    pub password_login: bool,
    /// How long such a token is valid; 1 minute to 12 hours (NiFi Registry 19.4).
    pub token_lifetime: Duration,
    /// The most bytes of a snapshot that is saved or imported.
    pub snapshot_bytes: u64,
    /// The hosts that proxies may say they are, without ports; all where there is no list (NiFi Registry 2.5).
    pub forwarded_hosts: Option<Vec<String>>,
    /// The paths that proxies may say they serve this API below; all where there is no list.
    pub forwarded_contexts: Option<Vec<String>>,
    /// What names become that others vouch for: certificates, chains of proxies, providers (NiFi Registry 19.7).
    pub identities: Mapping,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            security: Security::Auto,
            revisions: false,
            upper_case_bundle_types: false,
            version: "0.8.0".to_owned(),
            comparison_bytes: 64 << 20,
            configurable_tenants: true,
            configurable_policies: true,
            password_login: true,
            token_lifetime: Duration::from_secs(12 * 3600),
            snapshot_bytes: 256 << 20,
            forwarded_hosts: None,
            forwarded_contexts: None,
            identities: Mapping::default(),
        }
    }
}

impl fmt::Display for RegistryOptions {
    /// What an operator has to know at the start.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security {
            Security::Auto => "over TLS",
            Security::Secured => "always",
            Security::Open => "never",
        };
        let revisions = if self.revisions { "on" } else { "off" };
        let Self { version, snapshot_bytes, comparison_bytes, .. } = self;
        write!(
            f,
            "as release {version}, callers are asked who they are {security}, revisions {revisions}, snapshot {snapshot_bytes} bytes, \
             {comparison_bytes} compared"
        )
    }
}

/// What the operations work on.
pub struct RegistryState {
    /// Documents and contents.
    pub store: Store,
    /// Users, groups and policies.
    pub identity: Identity,
    /// Buckets and what is in them.
    pub registry: Registry,
    /// The identity providers of tenants.
    pub plugins: Plugins,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How to behave.
    pub options: RegistryOptions,
    /// Sign-on with an OpenID Connect provider, where there is one.
    pub oidc: Option<Oidc>,
    /// Sign-on with Kerberos tickets, where there is a keytab.
    pub kerberos: Option<Kerberos>,
}

type App = Arc<RegistryState>;

/// All routes of the dialect, below [`PREFIX`] and beside it.
pub fn router(state: RegistryState) -> Router {
    let app = Arc::new(state);
    let operations = Router::new()
        .merge(about::routes())
        .merge(access::routes())
        .merge(actuator::routes())
        .merge(buckets::routes())
        .merge(bundles::routes())
        .merge(config::routes())
        .merge(diffs::routes())
        .merge(extensions::routes())
        .merge(flows::routes())
        .merge(items::routes())
        .merge(policies::routes())
        .merge(repository::routes())
        .merge(tenants::routes())
        .merge(versions::routes())
        .fallback(outside::unknown_path)
        .method_not_allowed_fallback(outside::wrong_method)
        .with_state(Arc::clone(&app));
    outside::around(operations, app).merge(pages::routes())
}

/// The answer to a request of this dialect whose handler panicked.
pub fn panicked(id: &RequestId) -> Response<Body> {
    Failure::from(Error::internal(format!("the server's log says more under request {}", id.as_str()))).into_response()
}
