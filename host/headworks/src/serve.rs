//! `serve`: opens everything in order, serves, and closes everything in order.

use crate::addresses::Addresses;
use crate::cli::{Output, ServeArguments};
use crate::management::Probes;
use crate::settings::{Durability, Settings, address};
use crate::{example, logging, syslog};
use anyhow::{Context, Result, bail};
use axum::body::Body;
use axum::http::Response;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use headworks_core::TenantId;
use headworks_core::time::SystemClock;
use headworks_flowg::FlowgState;
use headworks_http::{HttpLimits, Listener, RequestId, Shutdown, serve};
use headworks_identity::{Bootstrapped, Identity, IdentityOptions};
use headworks_pipelines::{PipelineOptions, Pipelines};
use headworks_sandbox::{CompilerCommand, Limits, Plugin, Sandbox, SandboxOptions};
use headworks_store::{Store, StoreOptions};
use headworks_syslog::{SyslogLimits, SyslogServer};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long threads of the runtime may take to end after everything was closed.
const LAST: Duration = Duration::from_secs(1);
/// How long a failed store is shown on `/health` before the process ends.
const SHOW_FAILURE: Duration = Duration::from_secs(2);

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
    let sandbox_limits = Limits::default();
    std::fs::create_dir_all(&settings.data).with_context(|| format!("cannot make {}", settings.data.display()))?;
    let data = Dir::open_ambient_dir(&settings.data, ambient_authority())
        .with_context(|| format!("cannot open {}", settings.data.display()))?;
    let store = open_store(&settings).await?;
    // Only now is it certain that no other process uses the folder.
    Addresses::forget(&data);

    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().context("cannot count")?;
    let probes = Probes { store: store.clone(), metrics, ready: Arc::new(AtomicBool::new(false)) };
    let management = Listener::bind(address(&settings.management)?, probes.clone().router()).await?;
    let mut listening = Addresses { listen: Vec::new(), management: management.address(), syslog: None };
    let end_management = Shutdown::new();
    let managing = tokio::spawn(serve(vec![management], limits.clone(), end_management.clone()));

    let started = tokio::select! {
        started = start(&settings, &store, &sandbox_limits) => started?,
        () = signals.next() => {
            tracing::info!("stopped before the start was complete");
            end_management.cancel();
            managing.abort();
            store.close().await;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let Started { identity, pipelines, told } = started;
    let origins = syslog::origins(&settings, &store)?;
    let for_syslog = pipelines.clone();
    let state = FlowgState { store: store.clone(), identity, pipelines, clock: Arc::new(SystemClock) };
    let router = headworks_flowg::router(state).fallback(headworks_flowg::unknown_path);
    let router = router.merge(probes.clone().health_router());
    let mut listeners = Vec::new();
    for text in &settings.listen {
        let listener = Listener::bind(address(text)?, router.clone()).await?.on_panic(panicked);
        listening.listen.push(listener.address());
        listeners.push(listener);
    }
    drop(router);
    let syslog = syslog::bind(&settings, &mut listening).await?;
    announce(&settings, &listening, &told, &limits, &sandbox_limits, syslog.as_ref().map(SyslogServer::limits), output);

    let stop = Shutdown::new();
    let end = stop.clone();
    let taking = tokio::spawn(async move {
        if let Some(server) = syslog {
            server.serve(for_syslog, origins, Arc::new(SystemClock), end).await;
        }
    });
    let serving = tokio::spawn(serve(listeners, limits, stop.clone()));
    probes.ready.store(true, Ordering::Relaxed);
    listening.write(&data)?;
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
    end_management.cancel();
    managing.abort();
    store.close().await;
    Addresses::forget(&data);
    Ok(code)
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
        ..StoreOptions::default()
    };
    if settings.durability == Durability::Buffered {
        tracing::warn!("durability is buffered: a success answer does not survive the end of the machine");
    }
    Ok(tokio::task::spawn_blocking(move || Store::open(options)).await.context("opening the store failed")??)
}

struct Started {
    identity: Identity,
    pipelines: Pipelines,
    told: Bootstrapped,
}

/// Everything between the open store and the first request.
async fn start(settings: &Settings, store: &Store, limits: &Limits) -> Result<Started> {
    let vrl = load_plugin(settings, limits, "vrl").await?;
    let pipelines = Pipelines::new(store.clone(), vrl, PipelineOptions::default());
    let options = IdentityOptions {
        bootstrap_user: settings.bootstrap.user.clone(),
        bootstrap_password: settings.bootstrap.password.clone(),
        bootstrap_token: settings.bootstrap.token.clone(),
        secret_key: settings.secret_key.clone(),
        reset: settings.reset.user.clone().zip(settings.reset.password.clone()),
        clock: Arc::new(SystemClock),
    };
    let (identity, told) = Identity::start(store.clone(), options).await?;
    headworks_flowg::bootstrap(store, TenantId::DEFAULT).await?;
    if let Some(folder) = &settings.example
        && told.user.is_some()
    {
        example::load(folder, store, &pipelines).await.with_context(|| format!("cannot load {}", folder.display()))?;
    }
    Ok(Started { identity, pipelines, told })
}

/// Loads a first-party component by its name.
async fn load_plugin(settings: &Settings, limits: &Limits, name: &str) -> Result<Plugin> {
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let path = component(settings, &program, name)?;
    let component = tokio::fs::read(&path).await.with_context(|| format!("cannot read {}", path.display()))?;
    let sandbox = Sandbox::new(SandboxOptions {
        limits: limits.clone(),
        cache_dir: settings.data.join("cache"),
        compiler: CompilerCommand { program, arguments: vec!["compile-component".to_owned()] },
    })?;
    sandbox.load(&component).await.with_context(|| format!("the component {} cannot be loaded", path.display()))
}

/// Where a component is: in the folder of the settings, else beside the program or one folder above.
fn component(settings: &Settings, program: &Path, name: &str) -> Result<PathBuf> {
    let beside = program.parent().unwrap_or(Path::new("."));
    let folders = match &settings.components {
        Some(folder) => vec![folder.clone()],
        None => vec![beside.join("components"), beside.join("../components")],
    };
    let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.join(format!("{name}.wasm"))).collect();
    match paths.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => {
            let looked: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            bail!(
                "the component {name} is not at {}: build the components, or say where they are with --components",
                looked.join(" or ")
            )
        }
    }
}

/// Tells the operator what runs where, and what has to be kept now because it is never shown again.
fn announce(
    settings: &Settings,
    addresses: &Addresses,
    told: &Bootstrapped,
    http: &HttpLimits,
    sandbox: &Limits,
    syslog: Option<&SyslogLimits>,
    output: Output,
) {
    let version = env!("CARGO_PKG_VERSION");
    if output == Output::Json {
        let line = serde_json::json!({
            "event": "started", "version": version, "listen": addresses.listen, "management": addresses.management,
            "data": settings.data, "syslog": addresses.syslog,
            "limits": {"http": http.to_string(), "sandbox": sandbox.to_string(), "syslog": syslog.map(ToString::to_string)},
            "user": told.user, "password": told.password,
        });
        println!("{line}");
        return;
    }
    println!("Headworks {version}");
    for address in &addresses.listen {
        println!("  serving      http://{address}");
    }
    println!("  management   http://{}", addresses.management);
    if let Some(syslog) = &addresses.syslog {
        println!("  syslog       {syslog}");
    }
    println!("  data         {}", settings.data.display());
    if let (Some(user), Some(password)) = (&told.user, &told.password) {
        println!("  first user   {user} with the password {password} (shown this once)");
    }
    println!("  http limits  {http}");
    if let Some(syslog) = syslog {
        println!("  syslog       {syslog}");
    }
    println!("  sandbox      {}", sandbox.to_string().trim_end().replace('\n', "\n               "));
}

/// Hands a request whose handler panicked to the dialect of its path.
fn panicked(_path: &str, id: &RequestId) -> Response<Body> {
    headworks_flowg::panicked(id)
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
