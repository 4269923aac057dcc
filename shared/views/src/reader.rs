//! What readers of a view share with its follower.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_log::Position;
use berth_proto::views::DamageNumber;
use berth_runtime::Clock;
use tokio::sync::{Notify, watch};

use crate::{
    checked::Checked,
    ended::Ended,
    folder::ViewFolder,
    metrics,
    port::{Asked, Change, Lacking, Rebuild, RebuildEnded, Row, ViewError, ViewReader, ViewState},
    store::StoreError,
};

/// How long a reader that waits for a position lets the follower find it before it asks it to look where
/// the end of the log is. A position may lie after commits of kinds that the view does not follow.
const NUDGE_AFTER: Duration = Duration::from_millis(100);

/// Numbers that are accepted of one rebuild: of more the last ones count.
const ACCEPTED_MAX: usize = 8;

/// The shared part of a running view.
pub(crate) struct Core {
    pub(crate) view: &'static str,
    /// Written by the follower, and by a reader that meets damage; none while the view is built anew.
    store: RwLock<Option<Arc<Checked>>>,
    /// Written by the follower: whether the rows stand for a whole log and may be read.
    readable: AtomicBool,
    /// Written by the follower.
    pub(crate) state: watch::Sender<ViewState>,
    /// Written by the follower.
    pub(crate) change: watch::Sender<Change>,
    /// The damage that a reader met; read by the follower.
    damage: Mutex<Option<StoreError>>,
    /// Wakes the follower for the damage.
    pub(crate) damaged: Notify,
    /// Wakes the follower to look where the log ends.
    pub(crate) nudged: Notify,
    /// How rows fare that are built beside: begun by whoever asks for it, told by the follower.
    pub(crate) rebuild: watch::Sender<Option<Rebuild>>,
    /// What these may lack of what the log cannot give any more: said by whoever asks for them. Held while it is written to the
    /// folder, so that both have the same.
    accepted: Mutex<Vec<DamageNumber>>,
    /// Wakes the follower to build them.
    pub(crate) asked: Notify,
    /// Held by work on rows that are built beside which cannot be ended from outside.
    pub(crate) beside: Arc<tokio::sync::Mutex<()>>,
    clock: Arc<dyn Clock>,
    /// Given back after the store is closed: fields are dropped in this order.
    pub(crate) folder: ViewFolder,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewReader").field("view", &self.view).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(view: &'static str, folder: ViewFolder, clock: Arc<dyn Clock>) -> Self {
        Self {
            view,
            store: RwLock::new(None),
            readable: AtomicBool::new(false),
            state: watch::Sender::new(ViewState::Rebuilding),
            change: watch::Sender::new(Change::default()),
            damage: Mutex::new(None),
            damaged: Notify::new(),
            nudged: Notify::new(),
            rebuild: watch::Sender::new(None),
            accepted: Mutex::default(),
            asked: Notify::new(),
            beside: Arc::default(),
            clock,
            folder,
        }
    }

    /// The store; none while the view is built anew.
    pub(crate) fn store(&self) -> Option<Arc<Checked>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another store, or none; gives the former one.
    pub(crate) fn set_store(&self, store: Option<Arc<Checked>>) -> Option<Arc<Checked>> {
        std::mem::replace(&mut *self.store.write().unwrap_or_else(PoisonError::into_inner), store)
    }

    /// Whether rows are being built beside.
    pub(crate) fn is_rebuilding(&self) -> bool {
        self.rebuild.borrow().as_ref().is_some_and(|rebuild| rebuild.ended.is_none())
    }

    /// What the rows that are built beside may lack, each of them, if anything.
    pub(crate) fn accepted(&self) -> MutexGuard<'_, Vec<DamageNumber>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what they may lack, if anything, so that a restart knows it.
    pub(crate) fn note_accepted(&self) -> io::Result<()> {
        let accepted = self.accepted();
        if accepted.is_empty() { Ok(()) } else { self.folder.accept_damage(&accepted) }
    }

    /// Has rows built beside those that are read, unless that goes on already.
    pub(crate) fn begin_rebuild(&self, lacking: Lacking) -> bool {
        let begun = self.rebuild.send_if_modified(|rebuild| {
            let rests = rebuild.as_ref().is_none_or(|rebuild| rebuild.ended.is_some());
            let mut accepted = self.accepted();
            if rests {
                accepted.clear();
                let begun_at = self.clock.now();
                *rebuild = Some(Rebuild { begun_at, folded_before: 0, folded: 0, of: 0, ended: None });
            }
            if let Lacking::Accepted(number) = lacking {
                // Said again it counts as the last.
                accepted.retain(|one| *one != number);
                let surplus = (accepted.len() + 1).saturating_sub(ACCEPTED_MAX);
                accepted.drain(..surplus);
                accepted.push(number);
            }
            rests
        });
        if begun {
            self.asked.notify_one();
        } else if matches!(lacking, Lacking::Accepted(_))
            && let Err(error) = self.note_accepted()
        {
            tracing::warn!(view = self.view, %error, "that damage is accepted could not be written down: a restart forgets it");
        }
        begun
    }

    /// Tells how far they are.
    pub(crate) fn tell_rebuild(&self, tell: impl FnOnce(&mut Rebuild)) {
        self.rebuild.send_if_modified(|rebuild| {
            let Some(rebuild) = rebuild.as_mut().filter(|rebuild| rebuild.ended.is_none()) else {
                return false;
            };
            tell(rebuild);
            rebuild.of = rebuild.of.max(rebuild.folded);
            true
        });
    }

    /// Tells that they are read now, or why they are not.
    pub(crate) fn end_rebuild(&self, failure: Option<&Ended>) {
        let damage = match failure {
            Some(Ended::Lacking { damage, .. }) => Some(*damage),
            _ => None,
        };
        let (at, failure) = (self.clock.now(), failure.map(Ended::reason));
        self.tell_rebuild(|rebuild| rebuild.ended = Some(RebuildEnded { at, failure, damage }));
        metrics::rebuild_left(self.view, 0);
    }

    /// Tells readers how the view stands; rows are readable if they stood for a whole log once.
    pub(crate) fn set_state(&self, state: ViewState, readable: bool) {
        self.readable.store(readable, Ordering::SeqCst);
        metrics::halted(self.view, matches!(state, ViewState::Halted(_)));
        self.state.send_if_modified(|before| {
            let changed = *before != state;
            *before = state;
            changed
        });
    }

    /// The damage that a reader met, once.
    pub(crate) fn take_damage(&self) -> Option<StoreError> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Checked) -> Result<T, StoreError>,
    ) -> Result<T, ViewError> {
        if !self.readable.load(Ordering::SeqCst) {
            return Err(ViewError::Rebuilding);
        }
        let Some(store) = self.store() else {
            return Err(ViewError::Rebuilding);
        };
        read(&store).map_err(|error| {
            // Held until the damage is noted, so that other rows do not take the place of these meanwhile.
            let current = self.store.read().unwrap_or_else(PoisonError::into_inner);
            if !current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &store)) {
                // These rows are gone already, and say nothing of those that are read now.
                return ViewError::Rebuilding;
            }
            // No other reader shall trust these rows; the follower puts them aside.
            self.readable.store(false, Ordering::SeqCst);
            let told = ViewError::Store(error.to_string().into());
            *self.damage.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            self.damaged.notify_one();
            told
        })
    }
}

#[async_trait]
impl ViewReader for Core {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        self.read(|store| store.get(key))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, ViewError> {
        self.read(|store| store.scan(prefix, after, limit))
    }

    fn state(&self) -> ViewState {
        self.state.borrow().clone()
    }

    fn states(&self) -> watch::Receiver<ViewState> {
        self.state.subscribe()
    }

    fn changes(&self) -> watch::Receiver<Change> {
        self.change.subscribe()
    }

    fn name(&self) -> &'static str {
        self.view
    }

    fn rebuild_with(&self, lacking: Lacking) -> Asked {
        match self.state() {
            ViewState::Halted(reason) => Asked::Refused(reason),
            ViewState::Rebuilding => Asked::Refused(
                "it reads the log at this moment, so that its rows are as new as can be".to_owned(),
            ),
            ViewState::Live if self.begin_rebuild(lacking) => Asked::Begun,
            ViewState::Live => Asked::Running,
        }
    }

    fn rebuilding(&self) -> Option<Rebuild> {
        self.rebuild.borrow().clone()
    }

    async fn reached(&self, position: &Position, timeout: Duration) -> Result<(), ViewError> {
        let mut changes = self.changes();
        let wait = async {
            loop {
                let found = changes.wait_for(|change| change.position.covers(position));
                match tokio::time::timeout(NUDGE_AFTER, found).await {
                    Ok(Ok(_)) => return Ok(()),
                    Ok(Err(_closed)) => return Err(ViewError::Behind),
                    Err(_elapsed) => self.nudged.notify_one(),
                }
            }
        };
        tokio::time::timeout(timeout, wait).await.unwrap_or(Err(ViewError::Behind))
    }
}
