//! The time of calls: its end, and what of it a component used.

use crate::Usage;
use crate::surroundings::Permit;
use headworks_core::{Error, ErrorCode};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Counts the processor time of one instance.
///
/// A call runs in the polls of its future, so their time is that of the component and of what the host does for it. It is
/// counted however the call ends, also when its caller gives up.
pub(crate) struct Meter {
    usage: Arc<Usage>,
    permit: Permit,
}

struct Spent<'a> {
    meter: &'a mut Meter,
    time: Duration,
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        self.meter.usage.cpu(self.time);
        self.meter.permit.spend(self.time);
    }
}

impl Meter {
    pub(crate) fn new(usage: Arc<Usage>, permit: Permit) -> Self {
        Self { usage, permit }
    }

    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// The next calls run with this right; the one before is given back.
    pub(crate) fn admit(&mut self, permit: Permit) {
        self.permit = permit;
    }

    /// Runs a call within its time. A guest that waits inside the host is not seen by the engine's clock.
    pub(crate) async fn run<T>(
        &mut self,
        most: Duration,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> wasmtime::Result<T> {
        let mut spent = Spent { meter: self, time: Duration::ZERO };
        let mut call = pin!(call);
        let timed = poll_fn(|context| {
            let started = Instant::now();
            let polled = call.as_mut().poll(context);
            spent.time += started.elapsed();
            polled
        });
        tokio::time::timeout(most, timed).await.unwrap_or_else(|_| {
            let message = format!("the plugin took more than {most:?} for one call; it was stopped");
            Err(wasmtime::Error::new(Error::new(ErrorCode::PluginDeadline, message)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn running_is_counted_and_waiting_is_not() {
        let (usage, told) = (Arc::new(Usage::default()), Arc::new(Mutex::new(Duration::ZERO)));
        let teller = Arc::clone(&told);
        let mut meter = Meter::new(Arc::clone(&usage), Permit::new(move |time| *teller.lock().unwrap() = time));
        let work = async {
            std::thread::sleep(Duration::from_millis(20));
            tokio::time::sleep(Duration::from_millis(300)).await;
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        };
        meter.run(Duration::from_secs(10), work).await.unwrap();
        let spent = usage.snapshot().cpu_nanos;
        assert!((40_000_000..200_000_000).contains(&spent), "{spent}");

        let endless = async {
            std::thread::sleep(Duration::from_millis(20));
            std::future::pending::<wasmtime::Result<()>>().await
        };
        assert!(meter.run(Duration::from_millis(50), endless).await.unwrap_err().to_string().contains("50ms"));
        let both = usage.snapshot().cpu_nanos;
        assert!(both >= spent + 20_000_000, "{both}");
        meter.admit(Permit::default());
        assert_eq!(told.lock().unwrap().as_nanos() as u64, both);
    }
}
