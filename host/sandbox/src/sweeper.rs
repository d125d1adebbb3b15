//! Giving up instances that nobody calls any more, so that what is idle costs next to nothing.

use crate::pool::Pool;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The pools of one sandbox.
#[derive(Default)]
pub(crate) struct Sweeper {
    pools: Mutex<Vec<Weak<Pool>>>,
    runs: AtomicBool,
}

impl Sweeper {
    /// From now on the instances of a pool are given up once nobody has called them for so long.
    pub(crate) fn watch(self: &Arc<Self>, pool: &Arc<Pool>, idle: Duration) {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(pool));
        if !self.runs.swap(true, Ordering::Relaxed) {
            tokio::spawn(run(Arc::downgrade(self), idle));
        }
    }

    fn sweep(&self, idle: Duration) {
        let pools: Vec<Arc<Pool>> = {
            let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
            pools.retain(|pool| pool.strong_count() > 0);
            pools.iter().filter_map(Weak::upgrade).collect()
        };
        let Some(since) = Instant::now().checked_sub(idle) else { return };
        pools.iter().for_each(|pool| pool.give_up(since));
    }
}

async fn run(sweeper: Weak<Sweeper>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 2).await;
        let Some(sweeper) = sweeper.upgrade() else { return };
        sweeper.sweep(idle);
    }
}
