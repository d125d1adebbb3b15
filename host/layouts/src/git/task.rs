//! The export of a running server: follows the changes of the store, commits what is missing, pushes.
//!
//! What must stay true: nobody who saves waits for it, and nothing that fails here fails a save; what fails is tried again,
//! the operator is told once and can see it; what waits is the names of buckets, never contents.

use super::export::{Changed, Exporter};
use super::{GitOptions, remote};
use headworks_core::document::ChangeEvent;
use headworks_core::{Error, Result, TenantId};
use headworks_registry::bucket_of;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

/// Commits since the start of the server. Unit: commits.
const COMMITS: &str = "headworks_git_commits_total";
/// 1 while commits or pushes fail and are tried again, by `step`.
const FAILING: &str = "headworks_git_failing";
/// How often it is looked whether there is something to push.
const PUSH: Duration = Duration::from_secs(10);
/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pauses.
const LONGEST: Duration = Duration::from_secs(60);
const LONGEST_OF_PUSHES: Duration = Duration::from_secs(300);

/// A running export. Dropping it does not end it.
#[derive(Debug)]
pub struct Export {
    status: Arc<Status>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// How an export fares.
#[derive(Debug, Default)]
struct Status {
    commits: AtomicU64,
    stopping: AtomicBool,
    /// Why commits and pushes fail.
    reasons: Mutex<[Option<String>; 2]>,
}

#[derive(Clone, Copy)]
enum Failing {
    Commit,
    Push,
}

impl Failing {
    const fn label(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Push => "push",
        }
    }

    const fn consequence(self) -> &'static str {
        match self {
            Self::Commit => "versions are saved but not committed to the Git repository; it is tried again",
            Self::Push => "commits are not pushed to the remote repository; it is tried again",
        }
    }
}

impl Status {
    /// Takes in how something went. The operator is told of the first failure and of another reason.
    fn went(&self, what: Failing, result: &Result<()>) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let [commit, push] = &mut *reasons;
        let reason = match what {
            Failing::Commit => commit,
            Failing::Push => push,
        };
        metrics::gauge!(FAILING, "step" => what.label()).set(if result.is_err() { 1.0 } else { 0.0 });
        match result {
            Ok(()) if reason.take().is_some() => tracing::info!(step = what.label(), "the Git repository is kept up again"),
            Ok(()) => {}
            Err(error) if reason.as_ref() == Some(&error.message) => {}
            Err(error) => {
                tracing::error!(%error, "{}", what.consequence());
                *reason = Some(error.message.clone());
            }
        }
    }
}

impl Export {
    /// Starts it where tasks can be started. The changes are those since before the repository was read.
    pub(super) fn start(
        exporter: Exporter,
        tenant: TenantId,
        changes: broadcast::Receiver<Arc<ChangeEvent>>,
        options: GitOptions,
        branch: String,
    ) -> Self {
        let status = Arc::new(Status::default());
        let (stop, stopped) = watch::channel(false);
        let committing =
            Committing { exporter: Some(exporter), tenant, changes, status: Arc::clone(&status), stopped: stopped.clone() };
        let mut tasks = vec![tokio::spawn(committing.run())];
        metrics::counter!(COMMITS).absolute(0);
        status.went(Failing::Commit, &Ok(()));
        if let Some(remote) = options.remote.clone() {
            status.went(Failing::Push, &Ok(()));
            let pushing = Pushing { options: Arc::new(options), remote, branch, status: Arc::clone(&status), stopped };
            tasks.push(tokio::spawn(pushing.run()));
        }
        Self { status, stop, tasks: Mutex::new(tasks) }
    }

    /// Why the repository or its remote is behind, for the operator; none while all is well.
    pub fn trouble(&self) -> Option<String> {
        let reasons = self.status.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let told = [Failing::Commit, Failing::Push].into_iter().zip(reasons.iter());
        let told: Vec<_> =
            told.filter_map(|(what, reason)| Some(format!("{}: {}", what.consequence(), reason.as_ref()?))).collect();
        if told.is_empty() { None } else { Some(told.join("; ")) }
    }

    /// Ends it after the commit under way, at most so long. What is not committed then is at the next start.
    pub async fn finish(&self, patience: Duration) {
        self.status.stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            for task in tasks {
                // One that panicked has ended too.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("the server stops while the Git repository is being written: the next start goes on with it");
        }
    }
}

/// Whether the pause passed, or the server stops.
async fn pause(stopped: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    tokio::time::timeout(pause, stopped.wait_for(|stopped| *stopped)).await.is_err()
}

struct Committing {
    /// Absent while it works on another thread.
    exporter: Option<Exporter>,
    tenant: TenantId,
    changes: broadcast::Receiver<Arc<ChangeEvent>>,
    status: Arc<Status>,
    stopped: watch::Receiver<bool>,
}

impl Committing {
    async fn run(mut self) {
        let mut changed = Changed { all: true, ..Changed::default() };
        let mut rest = PAUSE;
        while !*self.stopped.borrow() {
            self.take_in(&mut changed);
            if changed.is_empty() {
                let next = tokio::select! {
                    next = self.changes.recv() => next,
                    _ = self.stopped.wait_for(|stopped| *stopped) => return,
                };
                match next {
                    Ok(event) => self.add(&event, &mut changed),
                    Err(RecvError::Lagged(_)) => changed.all = true,
                    Err(RecvError::Closed) => return,
                }
                continue;
            }
            let result = self.catch_up(&mut changed).await;
            self.status.went(Failing::Commit, &result);
            if result.is_ok() {
                rest = PAUSE;
            } else if pause(&mut self.stopped, rest).await {
                rest = (rest * 2).min(LONGEST);
            }
        }
    }

    /// Takes in what was changed until now.
    fn take_in(&mut self, changed: &mut Changed) {
        loop {
            match self.changes.try_recv() {
                Ok(event) => self.add(&event, changed),
                Err(TryRecvError::Lagged(_)) => changed.all = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn add(&self, event: &ChangeEvent, changed: &mut Changed) {
        if event.key.tenant == self.tenant
            && let Some(bucket) = bucket_of(&event.key)
        {
            changed.buckets.insert(bucket.to_owned());
        }
    }

    async fn catch_up(&mut self, changed: &mut Changed) -> Result<()> {
        let Some(mut exporter) = self.exporter.take() else {
            return Err(Error::internal("the export panicked: restart the server"));
        };
        let status = Arc::clone(&self.status);
        let mut given = std::mem::take(changed);
        let work = move || {
            let done = exporter.catch_up(&mut given, &status.stopping, || {
                status.commits.fetch_add(1, Ordering::Relaxed);
                metrics::counter!(COMMITS).increment(1);
            });
            (exporter, given, done)
        };
        let (exporter, left, done) =
            tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(error.to_string()))?;
        self.exporter = Some(exporter);
        *changed = left;
        done
    }
}

struct Pushing {
    options: Arc<GitOptions>,
    remote: String,
    branch: String,
    status: Arc<Status>,
    stopped: watch::Receiver<bool>,
}

impl Pushing {
    async fn run(mut self) {
        let mut rest = PUSH;
        // What another process committed may not be pushed yet.
        let mut pushed = None;
        while pause(&mut self.stopped, rest).await {
            let commits = self.status.commits.load(Ordering::Relaxed);
            if pushed == Some(commits) {
                continue;
            }
            let (options, remote, branch) = (Arc::clone(&self.options), self.remote.clone(), self.branch.clone());
            let work = move || remote::push(&options.folder, &remote, &branch, &options.access);
            let done = tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(error.to_string())).flatten();
            self.status.went(Failing::Push, &done);
            if done.is_ok() {
                (pushed, rest) = (Some(commits), PUSH);
            } else {
                rest = (rest * 2).min(LONGEST_OF_PUSHES);
            }
        }
    }
}
