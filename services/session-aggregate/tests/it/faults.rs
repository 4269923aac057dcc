//! A log that fails when it is told to, as a crash, a full disk or a lost answer would.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use async_trait::async_trait;
use berth_log::{AppendError, Appended, EventLog, Expected, NewCommit};
use berth_proto::Kind;
use berth_test_support::{Doubled, LogDouble};
use tokio::sync::oneshot;

/// Wraps a log; appends succeed until they shall not.
#[derive(Debug)]
pub(crate) struct FaultyLog {
    inner: Arc<dyn EventLog>,
    /// Appends that still succeed; negative is without end.
    left: AtomicI64,
    /// The next append is stored and its answer lost.
    lose_answer: AtomicBool,
    /// Appends refused by a full disk.
    full: AtomicBool,
    appended: AtomicI64,
    /// The next append to an instance's stream waits for this.
    pause: Mutex<Option<oneshot::Receiver<()>>>,
    paused: AtomicBool,
}

impl FaultyLog {
    pub(crate) fn over(inner: Arc<dyn EventLog>) -> Arc<Doubled<Self>> {
        Arc::new(Doubled(Self {
            inner,
            left: AtomicI64::new(-1),
            lose_answer: AtomicBool::new(false),
            full: AtomicBool::new(false),
            appended: AtomicI64::new(0),
            pause: Mutex::new(None),
            paused: AtomicBool::new(false),
        }))
    }

    /// After so many appends the log answers no more, until it is mended.
    pub(crate) fn fail_after(&self, appends: i64) {
        self.left.store(appends, Ordering::SeqCst);
    }

    pub(crate) fn has_appends_left(&self) -> bool {
        self.left.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn mend(&self) {
        self.left.store(-1, Ordering::SeqCst);
        self.full.store(false, Ordering::SeqCst);
    }

    pub(crate) fn lose_next_answer(&self) {
        self.lose_answer.store(true, Ordering::SeqCst);
    }

    pub(crate) fn fill_up(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// The next append to an instance's stream waits until something is sent; later ones pass it.
    pub(crate) fn pause_next(&self) -> oneshot::Sender<()> {
        let (go_on, wait) = oneshot::channel();
        *self.pause.lock().unwrap() = Some(wait);
        self.paused.store(false, Ordering::SeqCst);
        go_on
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// Appends that were stored so far.
    pub(crate) fn appended(&self) -> i64 {
        self.appended.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl LogDouble for FaultyLog {
    fn beneath(&self) -> &dyn EventLog {
        &*self.inner
    }

    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(AppendError::Full("no space left on the device".into()));
        }
        let spent = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
            0 => None,
            left if left < 0 => Some(left),
            left => Some(left - 1),
        });
        if spent.is_err() {
            return Err(AppendError::Unavailable("the log is gone".into()));
        }
        let stream = commit.stream;
        let pause = self.pause.lock().unwrap().take_if(|_| stream.kind() == Kind::Instance);
        if let Some(pause) = pause {
            self.paused.store(true, Ordering::SeqCst);
            pause.await.unwrap();
        }
        let appended = self.inner.append(commit, expected).await?;
        self.appended.fetch_add(1, Ordering::SeqCst);
        if self.lose_answer.swap(false, Ordering::SeqCst) {
            return Err(AppendError::Unknown { stream, source: "the answer was lost".into() });
        }
        Ok(appended)
    }
}
