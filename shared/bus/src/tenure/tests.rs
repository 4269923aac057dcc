use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::task::yield_now;

use super::*;

fn partition() -> Partition {
    Partition::new(7).unwrap()
}

#[tokio::test]
async fn nothing_goes_a_step_further_once_the_lease_has_ended_although_nobody_said_so() {
    let ended = Arc::new(AtomicBool::new(false));
    let clock = Arc::clone(&ended);
    let tenure = Tenure::new(partition(), 3, Holds::new(move || !clock.load(Ordering::SeqCst)));
    let steps = AtomicUsize::new(0);
    let work = async {
        loop {
            // As if the process had been suspended in the middle of this step.
            if steps.fetch_add(1, Ordering::SeqCst) == 2 {
                ended.store(true, Ordering::SeqCst);
            }
            yield_now().await;
        }
    };
    assert_eq!(tenure.run::<()>(work).await, None);
    assert_eq!(steps.load(Ordering::SeqCst), 3);
    assert!(tenure.is_over() && tenure.token().is_cancelled(), "whoever waits for the end is told too");
}

#[tokio::test]
async fn what_waits_ends_when_the_tenure_does() {
    let tenure = Tenure::new(partition(), 3, Holds::new(|| true));
    assert_eq!(tenure.run(async { 5 }).await, Some(5));
    let (ended, ()) = tokio::join!(tenure.run(pending::<()>()), async { tenure.clone().end() });
    assert_eq!(ended, None);
}
