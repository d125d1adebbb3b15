//! `serve`: opens everything in order, serves, and closes everything in order.

use crate::addresses::Addresses;
use crate::cli::{Output, ServeArguments};
use crate::management::Probes;
use crate::plugins::{Makers, Plugins};
use crate::settings::{Durability, Settings, TlsSettings, address};
use crate::signals::Signals;
use crate::{example, git, logging, sign_on, syslog, warnings};
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::routing::get;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use headworks_core::TenantId;
use headworks_core::time::{Clock, SystemClock};
use headworks_flowg::{FlowgState, Transfers};
use headworks_hooks::{Hooks, HooksOptions};
use headworks_http::{ClientCertificates, HttpLimits, Listener, RequestId, Shutdown, Tls, serve};
use headworks_identity::login::LoginProvider;
use headworks_identity::{Bootstrapped, Furnish, Identity, IdentityOptions, TenantOptions, Tenants};
use headworks_nifi_registry::RegistryState;
use headworks_pipelines::{Language, PipelineOptions, Pipelines};
use headworks_platform::PlatformState;
use headworks_plugins::{PluginsOptions, Seal};
use headworks_registry::{Observer, Registry};
use headworks_rules::Rules;
use headworks_sandbox::Limits;
use headworks_store::{Store, StoreOptions, StreamConfig};
use headworks_syslog::{SyslogLimits, SyslogServer};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long threads of the runtime may take to end after everything was closed.
const LAST: Duration = Duration::from_secs(1);
/// How long a failed store is shown on `/health` before the process ends.
const SHOW_FAILURE: Duration = Duration::from_secs(2);
/// How long a server that stops goes on telling event hooks what was done.
const HOOKS: Duration = Duration::from_secs(3);
/// How long it waits for the commit under way.
const COMMIT: Duration = Duration::from_secs(2);

pub(crate) fn run(arguments: ServeArguments, output: Output) -> Result<ExitCode> {
    let settings = Settings::load(&arguments)?;
    logging::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let ended = runtime.block_on(run_until_stopped(settings, output));
    runtime.shutdown_timeout(LAST);
    ended
}

async fn run_until_stopped(settings: Settings, output: Output) -> Result<ExitCode> {
    let mut signals = Signals::new()?;
    let limits = settings.http_limits()?;
    let mount = settings.mount()?.to_owned();
    let service_tls = tls(&settings.http.tls, "http.tls").await?;
    let management_tls = tls(&settings.management_tls, "management_tls").await?;
    for name in &settings.unknown {
        tracing::warn!(name, "this variable has no effect here");
    }
    let sandbox_limits = settings.sandbox_limits()?;
    let registry_options = settings.registry.options()?;
    let login = sign_on::login(&settings)?;
    let (oidc, kerberos) = (sign_on::oidc(&settings)?, sign_on::kerberos(&settings)?);
    // Mistakes in settings are told before anything is opened.
    settings.registry.git.options()?;
    let registry_limits = registry_options.to_string();
    let registry_is_open = !registry_options.security.asks(service_tls.is_some());
    std::fs::create_dir_all(&settings.data).with_context(|| format!("cannot make {}", settings.data.display()))?;
    let data = Dir::open_ambient_dir(&settings.data, ambient_authority())
        .with_context(|| format!("cannot open {}", settings.data.display()))?;
    let store = open_store(&settings).await?;
    // Only now is it certain that no other process uses the folder.
    Addresses::forget(&data);

    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().context("cannot count")?;
    let ready = Arc::new(AtomicBool::new(false));
    let probes = Probes {
        store: store.clone(),
        metrics,
        tenants: Arc::default(),
        export: Arc::default(),
        ready,
        tls: management_tls.is_some(),
    };
    let management =
        Listener::bind(address(&settings.management)?, probes.clone().router()).await?.with_tls(management_tls.clone());
    let mut listening = Addresses { listen: Vec::new(), management: management.address(), syslog: None };
    let end_management = Shutdown::new();
    let managing = tokio::spawn(serve(vec![management], limits.clone(), end_management.clone()));

    let started = tokio::select! {
        started = start(&settings, &store, &data, &sandbox_limits, login) => started?,
        () = signals.next() => return Ok(broken_off(store, &end_management, &managing).await),
    };
    let Started { identity, pipelines, plugins, rules, hooks, transfers, told } = started;
    let (recipients, others) = syslog::recipients(&settings, &store, identity.tenants())?;
    let tenants = identity.tenants().clone();
    // Nobody else sets them.
    let _ = probes.tenants.set(tenants.clone());
    let for_syslog = pipelines.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let observer = Some(Arc::new(hooks.clone()) as Arc<dyn Observer>);
    let registry = Registry::with_aliases(store.clone(), Arc::clone(&clock), observer, settings.registry.aliases()?);
    registry.resume(tenants.list().iter().map(|tenant| tenant.number)).await?;
    let export = tokio::select! {
        export = git::export(&settings, &registry, &tenants, registry_options.snapshot_bytes) => export?.map(Arc::new),
        () = signals.next() => return Ok(broken_off(store, &end_management, &managing).await),
    };
    // Nobody else sets it.
    let _ = probes.export.set(export.clone());
    let platform = PlatformState {
        store: store.clone(),
        identity: identity.clone(),
        pipelines: pipelines.clone(),
        plugins: plugins.clone(),
        rules,
        hooks: hooks.clone(),
        registry: registry.clone(),
        security: registry_options.security,
        snapshot_bytes: (registry_options.snapshot_bytes, "registry.snapshot_bytes"),
        clock: Arc::new(SystemClock),
        backups: headworks_platform::backup_places(),
    };
    let registry = RegistryState {
        store: store.clone(),
        identity: identity.clone(),
        registry,
        plugins: plugins.clone(),
        clock,
        options: registry_options,
        oidc,
        kerberos,
    };
    let (clock, mask_secrets, demo) = (Arc::new(SystemClock), settings.mask_secrets, settings.demo);
    let state = FlowgState { store: store.clone(), identity, pipelines, clock, mask_secrets, transfers, demo };
    let router = headworks_flowg::router(state, &mount)
        .merge(headworks_platform::router(platform))
        .merge(headworks_nifi_registry::router(registry))
        .merge(probes.clone().health_router());
    let router = mounted(router, &mount).fallback(headworks_flowg::unknown_path);
    let router = router.layer(axum::middleware::from_fn(warnings::told));
    let mut listeners = Vec::new();
    for text in &settings.listen {
        let listener = Listener::bind(address(text)?, router.clone()).await?.on_panic(panicked).with_tls(service_tls.clone());
        let address = listener.address();
        if registry_is_open && !address.ip().is_loopback() {
            tracing::warn!(%address, "the registry asks nobody here who they are: use TLS, or set registry.security to `secured`");
        }
        listening.listen.push(address);
        listeners.push(listener);
    }
    drop(router);
    let syslog = syslog::bind(&settings, &mut listening).await?;
    let bounds = Bounds {
        http: &limits,
        sandbox: &sandbox_limits,
        registry: &registry_limits,
        syslog: syslog.as_ref().map(SyslogServer::limits),
    };
    announce(&settings, &listening, &told, &bounds, output);

    let stop = Shutdown::new();
    let end = stop.clone();
    let taking = tokio::spawn(async move {
        if let Some(server) = syslog {
            server.serve(for_syslog, recipients, others, Arc::new(SystemClock), end).await;
        }
    });
    let serving = tokio::spawn(serve(listeners, limits, stop.clone()));
    probes.ready.store(true, Ordering::Relaxed);
    listening.write(&data)?;
    hooks.tell_start(tenants.list().iter().map(|tenant| tenant.number)).await;
    let failed = tokio::select! {
        () = signals.next() => None,
        reason = store.failed() => Some(reason),
    };
    probes.ready.store(false, Ordering::Relaxed);
    stop.cancel();
    let code = match failed {
        None => {
            tracing::info!("stopping");
            ExitCode::SUCCESS
        }
        Some(reason) => {
            tracing::error!(reason, "the store failed: nothing is written any more, the server ends");
            tokio::time::sleep(SHOW_FAILURE).await;
            ExitCode::FAILURE
        }
    };
    tokio::select! {
        _ = async { tokio::join!(serving, taking) } => {}
        () = signals.next() => tracing::warn!("told to stop twice: requests under way are given up"),
    }
    hooks.finish(HOOKS).await;
    if let Some(export) = export {
        export.finish(COMMIT).await;
    }
    plugins.flush().await;
    end_management.cancel();
    managing.abort();
    if let Err(error) = tenants.flush().await {
        tracing::warn!(cause = %error, "what tenants used in the last minute is not written down");
    }
    store.close().await;
    Addresses::forget(&data);
    Ok(code)
}

/// Ends what was started when somebody stops the server before it serves.
async fn broken_off(store: Store, end_management: &Shutdown, managing: &JoinHandle<()>) -> ExitCode {
    tracing::info!("stopped before the start was complete");
    end_management.cancel();
    managing.abort();
    store.close().await;
    ExitCode::SUCCESS
}

async fn open_store(settings: &Settings) -> Result<Store> {
    let options = StoreOptions {
        path: settings.data.join("db"),
        durability: match settings.durability {
            Durability::Fsync => headworks_store::Durability::Fsync,
            Durability::Buffered => headworks_store::Durability::Buffered,
        },
        min_free_bytes: settings.min_free_bytes,
        sweep_interval: Duration::from_secs(settings.sweep_seconds),
        dead_letter_count: settings.dead_letter_count,
        dead_letter_bytes: settings.dead_letter_bytes,
        outbox_bytes: settings.delivery.queue_bytes,
        audit_count: settings.audit_count,
        audit_age: Duration::from_secs(settings.audit_days.saturating_mul(86_400)),
        imposed: settings.demo.then(demo_streams),
        ..StoreOptions::default()
    };
    if settings.durability == Durability::Buffered {
        tracing::warn!("durability is buffered: a success answer does not survive the end of the machine");
    }
    Ok(tokio::task::spawn_blocking(move || Store::open(options)).await.context("opening the store failed")??)
}

/// Everything below the mount path, which leads to the web interface itself.
fn mounted(router: Router, mount: &str) -> Router {
    let home = || get(headworks_flowg::home(mount));
    if mount.is_empty() {
        return router.route("/", home());
    }
    Router::new().nest(mount, router).route(mount, home()).route(&format!("{mount}/"), home())
}

/// What every stream is in a demonstration (FlowG 15).
fn demo_streams() -> StreamConfig {
    StreamConfig { ttl_seconds: 900, size_mib: 10, ..StreamConfig::default() }
}

/// Reads certificate and key where a listener is to speak TLS.
async fn tls(settings: &TlsSettings, section: &str) -> Result<Option<Tls>> {
    let Some((cert, key)) = settings.files(section)? else { return Ok(None) };
    let read = async |path: &Path| tokio::fs::read(path).await.with_context(|| format!("cannot read {}", path.display()));
    let authorities = match settings.clients(section)? {
        Some((path, demanded)) => Some((read(path).await?, demanded)),
        None => None,
    };
    let clients = authorities.as_ref().map(|(pem, demanded)| ClientCertificates { authorities: pem, demanded: *demanded });
    let used = Tls::new(&read(cert).await?, &read(key).await?, clients);
    Ok(Some(used.with_context(|| format!("{} and {}", cert.display(), key.display()))?))
}

struct Started {
    identity: Identity,
    pipelines: Pipelines,
    plugins: headworks_plugins::Plugins,
    rules: Rules,
    hooks: Hooks,
    transfers: Transfers,
    told: Bootstrapped,
}

/// Everything between the open store and the first request.
async fn start(settings: &Settings, store: &Store, data: &Dir, limits: &Limits, login: Option<LoginProvider>) -> Result<Started> {
    let origins = settings.syslog_allowed_origins.clone();
    let furnish: Furnish = Arc::new(move |tenant| headworks_flowg::first_documents(tenant, &origins));
    let options = IdentityOptions {
        bootstrap_user: settings.bootstrap.user.clone(),
        bootstrap_password: settings.bootstrap.password.clone(),
        bootstrap_token: settings.bootstrap.token.clone(),
        secret_key: settings.secret_key.clone(),
        session_lifetime: Duration::from_secs(settings.session_seconds),
        reset: settings.reset.user.clone().zip(settings.reset.password.clone()),
        demo: settings.demo,
        tenants: TenantOptions { plan: settings.plan()?, furnish },
        initial: settings.registry.initial()?,
        login,
        clock: Arc::new(SystemClock),
    };
    let (identity, told) = Identity::start(store.clone(), options).await?;
    let tenants = identity.tenants();
    let own = Plugins::new(settings, limits)?;
    let vrl = own.load("vrl").await?;
    let folder = settings.data.clone();
    let seal = tokio::task::spawn_blocking(move || Seal::of_folder(&folder)).await.context("reading a key failed")??;
    let plugins = headworks_plugins::Plugins::new(PluginsOptions {
        store: store.clone(),
        sandbox: own.sandbox().clone(),
        clock: Arc::new(SystemClock),
        seal,
        tenants: tenants.clone(),
    });
    let rules = Rules::new(store.clone(), Arc::new(plugins.clone()));
    let hooks = Hooks::start(HooksOptions {
        store: store.clone(),
        plugins: plugins.clone(),
        network: own.network(),
        clock: Arc::new(SystemClock),
    });
    let makers = Arc::new(Makers { vrl, own, plugins: plugins.clone(), tenants: tenants.clone() });
    let give_up = Duration::from_secs(settings.delivery.give_up_seconds);
    let options = PipelineOptions { give_up, tenants: Some(tenants.clone()), ..PipelineOptions::default() };
    let pipelines = Pipelines::new(store.clone(), Arc::clone(&makers) as Arc<dyn Language>, makers, options);
    headworks_flowg::bootstrap(store, TenantId::DEFAULT, &settings.syslog_allowed_origins).await?;
    if settings.demo {
        let others = store.stream_names(TenantId::DEFAULT).into_iter().filter(|(_, config)| *config != demo_streams());
        for (name, _) in others {
            store.configure_stream(TenantId::DEFAULT, &name, demo_streams(), "demo").await?;
        }
    }
    if let Some(folder) = &settings.example
        && told.user.is_some()
    {
        example::load(folder, store, &pipelines).await.with_context(|| format!("cannot load {}", folder.display()))?;
    }
    let transfers = transfers(data, store, tenants).await?;
    pipelines.resume()?;
    // What is done from here on is done by users.
    store.guard_with(Arc::new(rules.clone()));
    Ok(Started { identity, pipelines, plugins, rules, hooks, transfers, told })
}

/// Finishes a restore that the end of the last process broke off.
async fn transfers(data: &Dir, store: &Store, tenants: &Tenants) -> Result<Transfers> {
    const FOLDER: &str = "restore";
    data.create_dir_all(FOLDER).context("cannot make the folder for restores")?;
    let transfers = Transfers::new(data.open_dir(FOLDER).context("cannot open the folder for restores")?);
    let (store, tenants) = (store.clone(), tenants.clone());
    let work = move || {
        let second = u64::try_from(SystemClock.now().seconds()).unwrap_or(0);
        headworks_flowg::resume_restores(&transfers, &store, &tenants, second).map(|()| transfers)
    };
    Ok(tokio::task::spawn_blocking(work).await.context("finishing a restore failed")??)
}

/// Everything that is bounded.
struct Bounds<'a> {
    http: &'a HttpLimits,
    sandbox: &'a Limits,
    registry: &'a str,
    syslog: Option<&'a SyslogLimits>,
}

/// Tells the operator what runs where, and what has to be kept now because it is never shown again.
fn announce(settings: &Settings, addresses: &Addresses, told: &Bootstrapped, bounds: &Bounds<'_>, output: Output) {
    let Bounds { http, sandbox, registry, syslog } = bounds;
    let version = env!("CARGO_PKG_VERSION");
    if output == Output::Json {
        let line = serde_json::json!({
            "event": "started", "version": version, "listen": addresses.listen, "management": addresses.management,
            "data": settings.data, "syslog": addresses.syslog,
            "limits": {"http": http.to_string(), "sandbox": sandbox.to_string(), "syslog": syslog.map(ToString::to_string), "registry": registry},
            "user": told.user, "password": told.password,
        });
        println!("{line}");
        return;
    }
    println!("Headworks {version}");
    let scheme = |tls: &TlsSettings| if matches!(tls.files(""), Ok(Some(_))) { "https" } else { "http" };
    let mount = settings.mount().unwrap_or_default();
    for address in &addresses.listen {
        println!("  serving      {}://{address}{mount}", scheme(&settings.http.tls));
    }
    println!("  management   {}://{}", scheme(&settings.management_tls), addresses.management);
    if let Some(syslog) = &addresses.syslog {
        println!("  syslog       {syslog}");
    }
    println!("  data         {}", settings.data.display());
    if let (Some(user), Some(password)) = (&told.user, &told.password) {
        println!("  first user   {user} with the password {password} (shown this once)");
    }
    if settings.demo {
        println!("  demo         user demo with the password demo; streams keep 15 minutes and 10 MiB");
    }
    println!("  http limits  {http}");
    if let Some(syslog) = syslog {
        println!("  syslog       {syslog}");
    }
    println!("  registry     {registry}");
    println!("  sandbox      {}", sandbox.to_string().trim_end().replace('\n', "\n               "));
}

/// Hands a request whose handler panicked to the dialect of its path.
fn panicked(path: &str, id: &RequestId) -> Response<Body> {
    if path.starts_with(headworks_platform::PREFIX) {
        return headworks_platform::panicked(id);
    }
    if path.starts_with(headworks_nifi_registry::PREFIX) {
        return headworks_nifi_registry::panicked(id);
    }
    headworks_flowg::panicked(id)
}
