//! The links that run: started, stopped and restarted as the wanted rows say.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use berth_proto::InstanceId;
use berth_runtime::Lifecycle;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use crate::{
    metrics,
    one::One,
    tenure::Tenure,
    wanted::{Stage, Wanted, WantedBinding, WantedEnd, WantedLink, WantedUnlink},
};

/// How long the end of a tenure waits for its links before it gives the lease back anyway. They end at their
/// next await, so more is never needed.
const STOP_MAX: Duration = Duration::from_secs(1);

/// How long an unlink that is not asked for any more may take to end by itself.
const UNLINK_ENDS_MAX: Duration = Duration::from_secs(5);

/// Attempts that are over, with where their instances are.
pub(crate) type Ends = Vec<(InstanceId, WantedEnd, Option<WantedBinding>)>;

/// The task of a link.
type Task = JoinHandle<Option<Option<()>>>;

/// The links of one tenure. Dropped, every task ends at its next await.
#[derive(Debug)]
pub(crate) struct Links {
    tenure: Arc<Tenure>,
    lifecycle: Lifecycle,
    tasks: TaskTracker,
    running: HashMap<InstanceId, Running>,
    /// Links that were told to stop, by instance and attempt: what follows on the same device waits for them, since two connections of
    /// one device would replace each other.
    ending: HashMap<(InstanceId, u32), Task>,
    /// Unlinks that are pursued or done.
    unlinking: HashMap<InstanceId, Vec<(u32, Task)>>,
}

/// A link that runs, or ended and waits for what the log says next.
#[derive(Debug)]
struct Running {
    attempt: u32,
    resumed: u64,
    /// Whether it began without an attempt: then one must begin anew.
    watches: bool,
    stop: CancellationToken,
    task: Task,
}

impl Links {
    pub(crate) fn new(tenure: Arc<Tenure>, lifecycle: Lifecycle) -> Self {
        Self {
            tenure,
            lifecycle,
            tasks: TaskTracker::new(),
            running: HashMap::new(),
            ending: HashMap::new(),
            unlinking: HashMap::new(),
        }
    }

    /// Under which tenure they run.
    pub(crate) fn held(&self) -> &berth_bus::Tenure {
        &self.tenure.held
    }

    /// The instances that have a link or an unlink here.
    pub(crate) fn instances(&self) -> HashSet<InstanceId> {
        self.running.keys().chain(self.unlinking.keys()).copied().collect()
    }

    /// Makes the links of an instance what its row wants.
    pub(crate) fn reconcile(&mut self, instance: InstanceId, wanted: Option<&Wanted>) {
        let binding = wanted.and_then(|wanted| wanted.binding.as_ref());
        self.reconcile_link(instance, wanted.and_then(|wanted| wanted.link.as_ref()), binding);
        self.reconcile_unlinks(instance, wanted.map_or(&[], |wanted| wanted.unlinks.as_slice()), binding);
    }

    /// Ends what a former owner of these links may have left of attempts that are over, one look after the other, since a takeover may
    /// find many and links come first. What ends under an owner is seen to by the task that ran it.
    pub(crate) fn see_to_ends(&self, ends: Ends) {
        let (tenure, tasks) = (Arc::clone(&self.tenure), self.tasks.clone());
        let lifecycle = self.lifecycle.clone();
        self.spawn(async move {
            for (instance, end, binding) in ends {
                let one = One::new(&tenure, instance, end.attempt, None, binding.as_ref());
                if one.has_left_something(end.deadline).await {
                    spawn(&tenure, &tasks, &lifecycle, async move { one.end_what_is_left().await });
                }
            }
        });
    }

    /// Stops every link and waits until they have ended, so that the partition can be given back.
    pub(crate) async fn stop(&self) {
        self.tenure.held.end();
        self.tasks.close();
        if timeout(STOP_MAX, self.tasks.wait()).await.is_err() {
            warn!(
                epoch = self.tenure.held.epoch(),
                "device links do not stop in time: they report nothing any more"
            );
        }
    }

    fn reconcile_link(
        &mut self,
        instance: InstanceId,
        wanted: Option<&WantedLink>,
        binding: Option<&WantedBinding>,
    ) {
        let as_wanted = match (self.running.get(&instance), wanted) {
            (Some(running), Some(wanted)) => {
                let goes_on = !running.watches || matches!(wanted.stage, Stage::Watched | Stage::Linked);
                running.attempt == wanted.attempt && running.resumed >= wanted.resumed && goes_on
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if as_wanted {
            return;
        }
        let mut reopen = false;
        if let Some(running) = self.running.remove(&instance) {
            // A run that only watched has no connection to close, unless it found a device.
            reopen = wanted.is_some_and(|wanted| {
                wanted.attempt == running.attempt && (!running.watches || wanted.stage == Stage::Linked)
            });
            running.stop.cancel();
            self.ending.retain(|_, task| !task.is_finished());
            self.ending.insert((instance, running.attempt), running.task);
        }
        if let Some(wanted) = wanted {
            self.start(instance, wanted, binding, reopen);
        }
    }

    fn start(
        &mut self,
        instance: InstanceId,
        wanted: &WantedLink,
        binding: Option<&WantedBinding>,
        reopen: bool,
    ) {
        let stop = self.tenure.held.token().child_token();
        let one = One::new(&self.tenure, instance, wanted.attempt, wanted.cause, binding);
        debug!(instance = %instance, attempt = wanted.attempt, epoch = self.tenure.held.epoch(), "a link starts");
        let before = self.ending.remove(&(instance, wanted.attempt));
        let (stage, stopped) = (wanted.stage.clone(), stop.clone());
        let task = self.spawn(async move {
            ended(before).await;
            let _counted = metrics::running();
            one.run(stage, reopen, &stopped).await;
        });
        let watches = wanted.stage == Stage::Watched;
        let running = Running { attempt: wanted.attempt, resumed: wanted.resumed, watches, stop, task };
        self.running.insert(instance, running);
    }

    /// An unlink that the row does not ask for any more is over: confirmed, given up by the sweeper, or pushed
    /// out by newer ones.
    fn reconcile_unlinks(
        &mut self,
        instance: InstanceId,
        wanted: &[WantedUnlink],
        binding: Option<&WantedBinding>,
    ) {
        let pursued = self.unlinking.remove(&instance).unwrap_or_default();
        let is_asked = |attempt: u32| wanted.iter().any(|wanted| wanted.attempt == attempt);
        let (mut pursued, over): (Vec<_>, Vec<_>) =
            pursued.into_iter().partition(|(attempt, _)| is_asked(*attempt));
        for (_, mut task) in over {
            // The row may tell that it is confirmed before the task knows, which then has keys to delete and counts it.
            self.spawn(async move {
                if timeout(UNLINK_ENDS_MAX, &mut task).await.is_err() {
                    task.abort();
                }
            });
        }
        for wanted in wanted {
            if !pursued.iter().any(|(known, _)| *known == wanted.attempt) {
                pursued.push((wanted.attempt, self.unlink(instance, wanted, binding)));
            }
        }
        if !pursued.is_empty() {
            self.unlinking.insert(instance, pursued);
        }
    }

    fn unlink(
        &mut self,
        instance: InstanceId,
        wanted: &WantedUnlink,
        binding: Option<&WantedBinding>,
    ) -> Task {
        let WantedUnlink { attempt, deadline, cause } = *wanted;
        let before = self.ending.remove(&(instance, attempt));
        let one = One::new(&self.tenure, instance, attempt, cause, binding);
        self.spawn(async move {
            ended(before).await;
            one.unlink(deadline).await;
        })
    }

    /// Spawns a task that ends with the tenure.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task {
        spawn(&self.tenure, &self.tasks, &self.lifecycle, task)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.tenure.held.end();
    }
}

/// Spawns a task that ends with the tenure.
fn spawn(
    tenure: &Tenure,
    tasks: &TaskTracker,
    lifecycle: &Lifecycle,
    task: impl Future<Output = ()> + Send + 'static,
) -> Task {
    let held = tenure.held.clone();
    // Boxed, since the size of a task is that of its largest state, wherever it is moved.
    let task = Box::pin(task);
    lifecycle.spawn(tasks.track_future(async move { held.run(task).await }))
}

/// Waits until a link that was told to stop has ended.
async fn ended(before: Option<Task>) {
    if let Some(before) = before {
        // An aborted or panicked task has ended too.
        let _ended = before.await;
    }
}
