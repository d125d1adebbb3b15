//! The first start, and what the operator's settings do to users at every start (FlowG 15, design section 7).

use crate::basic::Verified;
use crate::directory::Directory;
use crate::login::LoginProvider;
use crate::password::Passwords;
use crate::session::Sessions;
use crate::users::{Role, User};
use crate::{Identity, InitialPolicies, Inner, Scope, TenantOptions, Tenants, secret, starting};
use headworks_core::document::ChangeEvent;
use headworks_core::time::{Clock, SystemClock};
use headworks_core::{Error, Result, TenantId};
use headworks_store::Store;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Whom the audit log names for what happens here.
const AUTHOR: &str = "bootstrap";
/// How often it is written down what tenants used.
const FLUSH: Duration = Duration::from_secs(60);
/// The role of demonstrations, its user and the password of that.
const DEMO: &str = "demo";

/// What an operator decides about users.
#[derive(Clone)]
pub struct IdentityOptions {
    /// Name of the first user.
    pub bootstrap_user: String,
    /// Its password; a random one is made without.
    pub bootstrap_password: Option<String>,
    /// A token that this user is to have, at least at every start.
    pub bootstrap_token: Option<String>,
    /// Signs sessions; without it sessions end with the process.
    pub secret_key: Option<String>,
    /// How long sessions last, to the second.
    pub session_lifetime: Duration,
    /// A user and the password it gets at every start.
    pub reset: Option<(String, String)>,
    /// Makes the role and the user of demonstrations anew at every start.
    pub demo: bool,
    /// What is decided about tenants.
    pub tenants: TenantOptions,
    /// Who has rights in the registry from the first start on, beside the first user.
    pub initial: InitialPolicies,
    /// What verifies passwords besides this server.
    pub login: Option<LoginProvider>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        Self {
            bootstrap_user: "root".to_owned(),
            bootstrap_password: None,
            bootstrap_token: None,
            secret_key: None,
            session_lifetime: Duration::from_secs(24 * 3600),
            reset: None,
            demo: false,
            tenants: TenantOptions::default(),
            initial: InitialPolicies::default(),
            login: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// What the operator has to be told once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bootstrapped {
    /// The first user, if it was made at this start.
    pub user: Option<String>,
    /// Its password, if that was made up. Never logged, never shown again.
    pub password: Option<String>,
}

impl Identity {
    /// Loads tenants, users, roles and tokens, makes those of the first start and follows the store's change events.
    ///
    /// # Errors
    /// Those of the store; [`Invalid`](headworks_core::ErrorCode::Invalid) for a bootstrap token without its prefix;
    /// [`NotFound`](headworks_core::ErrorCode::NotFound) when a password is to be reset of a user that does not exist.
    pub async fn start(store: Store, options: IdentityOptions) -> Result<(Self, Bootstrapped)> {
        let key = match &options.secret_key {
            Some(key) => key.as_bytes().to_vec(),
            None => secret::random::<32>()?.to_vec(),
        };
        let events = store.subscribe();
        let tenants = Tenants::open(store.clone(), options.tenants.clone()).await?;
        let numbers: Vec<TenantId> = tenants.list().iter().map(|tenant| tenant.number).collect();
        let directory = Directory::load(store.clone(), &numbers)?;
        let identity = Self(Arc::new(Inner {
            directory,
            tenants,
            clock: Arc::clone(&options.clock),
            passwords: Passwords::new()?,
            sessions: Sessions::new(&key, options.session_lifetime),
            verified: Verified::new()?,
            throttle: Default::default(),
            login: options.login.clone(),
            changing: Default::default(),
            store,
        }));
        tokio::spawn(follow(Arc::downgrade(&identity.0), events));
        tokio::spawn(count(Arc::downgrade(&identity.0)));
        identity.finish_deletions().await?;
        let told = identity.bootstrap(options).await?;
        Ok((identity, told))
    }

    async fn bootstrap(&self, options: IdentityOptions) -> Result<Bootstrapped> {
        let tenant = TenantId::DEFAULT;
        if self.list_roles(tenant)?.is_empty() {
            for (name, scopes) in starting::roles() {
                self.save_role(AUTHOR, tenant, Role { name: name.to_owned(), scopes }).await?;
            }
        }
        let mut told = Bootstrapped::default();
        let name = options.bootstrap_user;
        if self.list_users(tenant)?.is_empty() {
            let password = match options.bootstrap_password {
                Some(password) => password,
                None => told.password.insert(secret::letters(20)?).clone(),
            };
            let user = User { name: name.clone(), roles: [starting::ADMIN.to_owned()].into() };
            self.save_user(AUTHOR, tenant, user, &password).await?;
            told.user = Some(name.clone());
        }
        if options.demo {
            let role = Role { name: DEMO.to_owned(), scopes: DEMO_SCOPES.iter().copied().collect() };
            self.save_role(AUTHOR, tenant, role).await?;
            let user = User { name: DEMO.to_owned(), roles: [DEMO.to_owned()].into() };
            self.save_user(AUTHOR, tenant, user, DEMO).await?;
        }
        self.begin_policies(&name, &options.initial).await?;
        if let Some((user, password)) = options.reset {
            self.set_password(AUTHOR, tenant, &user, &password).await?;
        }
        if let Some(token) = options.bootstrap_token
            && self.0.directory.owner(&token).is_none()
        {
            if token.len() < 20 || !token.starts_with("pat_") {
                let text = "the bootstrap token has to be pat_ followed by 32 characters of [A-Za-z0-9]";
                return Err(Error::invalid(text).at("bootstrap token"));
            }
            self.add_token(tenant, &name, &token).await?;
        }
        Ok(told)
    }
}

const DEMO_SCOPES: &[Scope] = &[
    Scope::SendLogs,
    Scope::ReadAcls,
    Scope::WritePipelines,
    Scope::WriteTransformers,
    Scope::WriteStreams,
    Scope::WriteForwarders,
];

/// Keeps tenants and directory up to date until the identity or the store is gone.
async fn follow(identity: Weak<Inner>, mut events: Receiver<Arc<ChangeEvent>>) {
    loop {
        let event = events.recv().await;
        let Some(inner) = identity.upgrade() else { return };
        let done = match event {
            Ok(event) => inner.tenants.refresh(&event.key).and_then(|()| inner.directory.refresh(&event.key)),
            Err(RecvError::Lagged(_)) => reload(&inner),
            Err(RecvError::Closed) => return,
        };
        if let Err(error) = done {
            tracing::error!(%error, "tenants, users, roles and tokens cannot be read; logins may be out of date");
        }
    }
}

/// Too many changes were missed to know which.
fn reload(inner: &Inner) -> Result<()> {
    inner.tenants.reload()?;
    inner.tenants.list().iter().try_for_each(|tenant| inner.directory.reload(tenant.number))
}

/// Writes down what was used, until the identity is gone.
async fn count(identity: Weak<Inner>) {
    loop {
        tokio::time::sleep(FLUSH).await;
        let Some(inner) = identity.upgrade() else { return };
        if let Err(error) = inner.tenants.flush().await {
            tracing::warn!(cause = %error, "what tenants used cannot be written down now; it is tried again");
        }
    }
}
