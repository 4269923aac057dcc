//! How the service stands, for `/readyz`, for metrics and for whoever asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::metrics;

/// How the service stands. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct State(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// The life of the log whose trees are open; 0 before they are.
    life: u64,
    /// Whether this replica signs.
    signs: bool,
    /// Why the trees do not grow.
    growing: Option<String>,
    /// Why something is not signed.
    signing: Option<String>,
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trees of this life are open.
    pub(crate) fn is_in_life(&self, life: u64) {
        self.inner().life = life;
    }

    /// The life whose trees are open; none before they are.
    pub(crate) fn life(&self) -> Option<u64> {
        Some(self.inner().life).filter(|life| *life > 0)
    }

    /// Whether this replica signs from now on.
    pub(crate) fn signs(&self, signs: bool) {
        self.inner().signs = signs;
    }

    /// Why the trees do not grow; none if they do.
    pub(crate) fn growing(&self, trouble: Option<String>) {
        self.inner().growing = trouble;
        self.told();
    }

    /// Why something is not signed; none if all is.
    pub(crate) fn signing(&self, trouble: Option<String>) {
        self.inner().signing = trouble;
        self.told();
    }

    fn told(&self) {
        metrics::trouble(self.trouble().is_some());
    }

    /// What is wrong.
    pub(crate) fn trouble(&self) -> Option<String> {
        let inner = self.inner();
        inner.signing.clone().or_else(|| inner.growing.clone())
    }

    /// In words.
    pub(crate) fn in_words(&self) -> String {
        let inner = self.inner();
        match (&inner.signing, &inner.growing) {
            (Some(trouble), _) => format!("not signing: {trouble}"),
            (None, Some(trouble)) => trouble.clone(),
            (None, None) if inner.life == 0 => "opening the trees".to_owned(),
            (None, None) if inner.signs => "signing checkpoints".to_owned(),
            (None, None) => "keeping the trees; another replica signs".to_owned(),
        }
    }
}
