//! Warnings on their way to whoever made the request that they are about.

use headworks_core::Violation;
use std::cell::RefCell;

/// The most warnings that one request is told.
const MOST: usize = 20;

tokio::task_local! {
    static WARNINGS: RefCell<Vec<Violation>>;
}

/// Runs a request and answers with its result what rules warned of meanwhile, as far as it was judged in the same task.
pub async fn collecting<T>(request: impl Future<Output = T>) -> (T, Vec<Violation>) {
    WARNINGS
        .scope(RefCell::default(), async {
            let result = request.await;
            (result, WARNINGS.with(RefCell::take))
        })
        .await
}

/// Tells the request under way, if there is one.
pub(crate) fn tell(warnings: &[Violation]) {
    // Outside of a request nobody listens.
    let _ = WARNINGS.try_with(|told| {
        let mut told = told.borrow_mut();
        let room = MOST.saturating_sub(told.len());
        told.extend(warnings.iter().take(room).cloned());
    });
}
