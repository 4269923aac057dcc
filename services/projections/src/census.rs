//! How many instances of the whole deployment are in each state, for the operator: counted again and again in the record
//! view, since no single row could say it.

use std::{sync::Arc, time::Duration};

use berth_domain::instance::STATE_WORDS;
use berth_proto::Timestamp;
use berth_runtime::{Clock, Lifecycle};
use berth_views::{ViewError, ViewReader, ViewState};
use tokio::time::{Instant, sleep};

use crate::{counts::counts, metrics, page::owners};

/// How often is counted.
const COUNT_EACH: Duration = Duration::from_secs(10);
/// How much longer than it counted it rests, so that counting a large deployment takes no more than a hundredth of a core.
const REST_FACTOR: u32 = 100;
/// The pause while the view is not there yet.
const NOT_YET: Duration = Duration::from_secs(1);

/// Counts until the process stops.
pub(crate) fn start(view: Arc<dyn ViewReader>, clock: Arc<dyn Clock>, lifecycle: &Lifecycle) {
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move { stop.run_until_cancelled(count_again(view, clock)).await });
}

async fn count_again(view: Arc<dyn ViewReader>, clock: Arc<dyn Clock>) {
    loop {
        let begun = Instant::now();
        let (counted, now) = (Arc::clone(&view), clock.now());
        let is_live = view.state() == ViewState::Live;
        // A view that halted or is built anew would be counted wrong; a panic of the thread is that of the process.
        let done = is_live
            && berth_runtime::spawn_blocking(move || count(&*counted, now)).await.is_ok_and(|it| it.is_ok());
        let rest = if done { COUNT_EACH.max(begun.elapsed() * REST_FACTOR) } else { NOT_YET };
        sleep(rest).await;
    }
}

/// Counts once. Blocking.
fn count(view: &dyn ViewReader, now: Timestamp) -> Result<(), ViewError> {
    let mut sums = STATE_WORDS.map(|word| (word, 0));
    for account in owners(view)? {
        let of_account = counts(view, account, now)?;
        for (word, sum) in &mut sums {
            *sum += of_account.get(word).copied().unwrap_or_default();
        }
    }
    for (word, sum) in sums {
        metrics::instances(word, sum);
    }
    Ok(())
}
