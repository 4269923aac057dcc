//! What was created through this gateway a moment ago: its lists wait for that, since whoever creates an instance lists right
//! after it.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_proto::{AccountId, InstanceId};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared, join_all},
};
use lru::LruCache;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// Accounts that created something last.
const ACCOUNTS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// Instances of an account that lists wait for, the last ones: of many at once nobody looks for each.
const INSTANCES_MAX: usize = 16;
/// How long a create counts as just done: views are behind by less.
const MOMENT: Duration = Duration::from_secs(2);

/// How long a list waits.
const LISTED_WAIT: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug)]
pub(super) struct JustCreated(Mutex<LruCache<AccountId, VecDeque<Created>>>);

/// An instance and the version of its stream that was answered, and when.
#[derive(Debug)]
struct Created {
    instance: InstanceId,
    version: u64,
    at: Instant,
    /// The last question whether it is listed, as long as a list waits for it.
    question: Option<WeakShared<BoxFuture<'static, bool>>>,
}

impl JustCreated {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(ACCOUNTS_MAX)))
    }

    /// An account created an instance.
    pub(super) fn note(&self, account: AccountId, instance: InstanceId, version: u64) {
        let mut accounts = self.accounts();
        let created = accounts.get_or_insert_mut(account, VecDeque::new);
        if created.len() == INSTANCES_MAX {
            created.pop_front();
        }
        created.push_back(Created { instance, version, at: Instant::now(), question: None });
    }

    /// Waits until lists show what an account created a moment ago, [`LISTED_WAIT`] at most. `ask` tells whether an instance is listed as it
    /// was at a version, once it is or after so long; however many list at the same time, they wait for one such question an instance.
    pub(super) async fn listed<F>(&self, account: AccountId, ask: impl Fn(InstanceId, u64, Duration) -> F)
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let (ask, until) = (&ask, Instant::now() + LISTED_WAIT);
        let created = self.unlisted(account).into_iter();
        let listed = join_all(created.map(|(instance, version)| {
            // What is asked for when another list's question is over has what is left of this one's time: nobody listens behind it.
            let ask = move || ask(instance, version, until.saturating_duration_since(Instant::now()));
            self.is_listed(account, instance, ask)
        }));
        if timeout(LISTED_WAIT, listed).await.is_err() {
            debug!(%account, "what was created is not listed yet");
        }
    }

    /// Waits until lists show an instance, or its own question is answered otherwise: another list's may have been nearly over. Of several
    /// replicas of the view one is asked, and another may be a moment behind.
    async fn is_listed<F>(&self, account: AccountId, instance: InstanceId, ask: impl Fn() -> F)
    where
        F: Future<Output = bool> + Send + 'static,
    {
        while let Some((question, is_own)) = self.question(account, instance, &ask) {
            if question.await {
                self.forget(account, instance);
            } else if is_own {
                return;
            }
        }
    }

    /// The question that is under way, or a new one, and which of the two; none if it needs no answer any more.
    fn question<F>(
        &self,
        account: AccountId,
        instance: InstanceId,
        ask: impl Fn() -> F,
    ) -> Option<(Shared<BoxFuture<'static, bool>>, bool)>
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let mut accounts = self.accounts();
        let created = accounts.get_mut(&account)?.iter_mut().find(|created| created.instance == instance)?;
        let under_way = created.question.as_ref().and_then(WeakShared::upgrade);
        if let Some(question) = under_way.filter(|question| question.peek().is_none()) {
            return Some((question, false));
        }
        let question = ask().boxed().shared();
        created.question = question.downgrade();
        Some((question, true))
    }

    /// What an account created a moment ago and is not known to be listed yet, and the versions that are to be: whoever lists at the
    /// same time as another one waits as well.
    fn unlisted(&self, account: AccountId) -> Vec<(InstanceId, u64)> {
        let mut accounts = self.accounts();
        let Some(created) = accounts.get_mut(&account) else { return Vec::new() };
        created.retain(|created| created.at.elapsed() < MOMENT);
        created.iter().map(|Created { instance, version, .. }| (*instance, *version)).collect()
    }

    /// Lists show it: nobody waits for it any more.
    fn forget(&self, account: AccountId, instance: InstanceId) {
        if let Some(created) = self.accounts().get_mut(&account) {
            created.retain(|created| created.instance != instance);
        }
    }

    fn accounts(&self) -> MutexGuard<'_, LruCache<AccountId, VecDeque<Created>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        sync::watch,
        time::{advance, sleep_until},
    };

    use super::*;

    const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_ones_of_an_account_are_waited_for_until_they_are_listed_and_not_for_long() {
        let just = JustCreated::new();
        for number in 1..=20 {
            just.note(ACCOUNT, instance(number), 3);
        }
        assert!(just.unlisted(AccountId::from_bytes([2; 16])).is_empty(), "another account's");
        let waited_for = just.unlisted(ACCOUNT);
        assert_eq!(waited_for.len(), INSTANCES_MAX);
        assert_eq!(waited_for.last(), Some(&(instance(20), 3)));
        assert_eq!(just.unlisted(ACCOUNT), waited_for, "two may list at the same time");
        just.forget(ACCOUNT, instance(20));
        assert_eq!(just.unlisted(ACCOUNT).len(), INSTANCES_MAX - 1);
        advance(MOMENT).await;
        assert!(just.unlisted(ACCOUNT).is_empty(), "it is long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn lists_at_the_same_time_share_a_question_for_each_instance() {
        let (just, questions) = (JustCreated::new(), AtomicUsize::new(0));
        for number in 1..=16 {
            just.note(ACCOUNT, instance(number), 1);
        }
        let (view, listed) = watch::channel(false);
        let ask = |_, _, _| {
            questions.fetch_add(1, Ordering::SeqCst);
            let mut listed = listed.clone();
            async move { listed.wait_for(|listed| *listed).await.is_ok() }
        };
        let lists = join_all((0..8).map(|_| just.listed(ACCOUNT, ask)));
        let listing = async {
            tokio::task::yield_now().await;
            view.send(true).unwrap();
        };
        futures::join!(lists, listing);
        assert_eq!(questions.load(Ordering::SeqCst), 16);
        just.listed(ACCOUNT, ask).await;
        assert_eq!(questions.load(Ordering::SeqCst), 16, "all of it is listed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_joins_a_question_which_is_nearly_over_asks_again() {
        let (just, questions) = (JustCreated::new(), AtomicUsize::new(0));
        just.note(ACCOUNT, instance(1), 1);
        let (view, listed) = watch::channel(false);
        let times = Mutex::new(Vec::new());
        let ask = |_, _, time| {
            questions.fetch_add(1, Ordering::SeqCst);
            times.lock().unwrap().push(time);
            let mut listed = listed.clone();
            async move { timeout(time, listed.wait_for(|listed| *listed)).await.is_ok() }
        };
        let listed_at = Instant::now() + LISTED_WAIT + Duration::from_millis(50);
        let early = just.listed(ACCOUNT, ask);
        let late = async {
            advance(Duration::from_millis(240)).await;
            just.listed(ACCOUNT, ask).await;
        };
        let listing = async {
            sleep_until(listed_at).await;
            view.send(true).unwrap();
        };
        futures::join!(early, late, listing);
        assert_eq!(questions.load(Ordering::SeqCst), 2);
        assert_eq!(
            *times.lock().unwrap(),
            [LISTED_WAIT, Duration::from_millis(240)],
            "what each list has left"
        );
        assert!(just.unlisted(ACCOUNT).is_empty(), "it was told when it was listed");
    }

    #[tokio::test]
    async fn a_list_that_goes_away_takes_its_question_along() {
        let just = JustCreated::new();
        just.note(ACCOUNT, instance(1), 1);
        let gone = just.listed(ACCOUNT, |_, _, _| std::future::pending()).now_or_never();
        assert!(gone.is_none());
        just.listed(ACCOUNT, |_, _, _| async { true }).await;
        assert!(just.unlisted(ACCOUNT).is_empty(), "the next list asked itself");
    }
}
