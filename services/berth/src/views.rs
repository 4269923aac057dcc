//! Tells whoever asks how the views of this process stand, and has one built anew.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Seat};
use berth_proto::{
    subject::{VIEWS_ASKED, views_told},
    views::{Question, Rebuild, Stands},
};
use berth_runtime::{Clock, Lifecycle};
use berth_views::{Asked, Lacking, ViewReader, ViewState};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::sleep;
use tracing::{info, warn};

/// Pause before questions are heard again after the bus gave them up.
const HEAR_RETRY: Duration = Duration::from_secs(1);

/// The views of a process.
pub(crate) struct Views {
    pub(crate) seat: Seat,
    pub(crate) all: Vec<Arc<dyn ViewReader>>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Views {
    /// Tells until the process stops. Nothing, where there are none.
    pub(crate) fn tell(self, lifecycle: &Lifecycle) {
        if self.all.is_empty() {
            return;
        }
        let stop = lifecycle.stop().clone();
        lifecycle.spawn(async move { stop.run_until_cancelled(self.tell_on()).await });
    }

    async fn tell_on(&self) {
        loop {
            match self.bus.subscribe(VIEWS_ASKED).await {
                Ok(mut questions) => {
                    while let Some((_, question)) = questions.next().await {
                        self.answer(&question).await;
                    }
                }
                Err(error) => warn!(%error, "nobody can be told how the views stand"),
            }
            sleep(HEAR_RETRY).await;
        }
    }

    async fn answer(&self, question: &[u8]) {
        let Ok(Question { id, rebuild, accepted }) = serde_json::from_slice(question) else { return };
        let lacking = accepted.map_or(Lacking::Refused, Lacking::Accepted);
        let stand: Vec<_> = self
            .all
            .iter()
            .map(|view| {
                let asked = (rebuild.as_deref() == Some(view.name())).then(|| view.rebuild_with(lacking));
                self.stands(view.as_ref(), asked)
            })
            .collect();
        if let Ok(told) = serde_json::to_vec(&stand) {
            // Whoever asked asks again.
            let _told = self.bus.publish(&views_told(id), Bytes::from(told)).await;
        }
    }

    fn stands(&self, view: &dyn ViewReader, asked: Option<Asked>) -> Stands {
        let (state, mut reason) = match view.state() {
            ViewState::Live => ("live", None),
            ViewState::Rebuilding => ("rebuilding", None),
            ViewState::Halted(sentence) => ("halted", Some(sentence)),
        };
        let asked = asked.map(|asked| match asked {
            Asked::Begun => {
                info!(view = view.name(), "somebody with the root key has the view built anew");
                "begun"
            }
            Asked::Running => "running",
            Asked::Refused(sentence) => {
                reason = Some(sentence);
                "refused"
            }
        });
        Stands {
            view: view.name().to_owned(),
            member: self.seat.id.to_string(),
            role: self.seat.role.as_str().to_owned(),
            state: state.to_owned(),
            asked: asked.map(str::to_owned),
            reason,
            rebuild: view.rebuilding().map(|rebuild| self.rebuild(rebuild)),
        }
    }

    fn rebuild(&self, rebuild: berth_views::Rebuild) -> Rebuild {
        let berth_views::Rebuild { begun_at, folded_before, folded, of, ended } = rebuild;
        let ended_at = ended.as_ref().map(|ended| ended.at);
        let damage = ended.as_ref().and_then(|ended| ended.damage);
        let failure = ended.and_then(|ended| ended.failure);
        Rebuild { begun_at, told_at: self.clock.now(), folded_before, folded, of, ended_at, failure, damage }
    }
}
