//! How the views of a deployment stand, as every process says of its own, and having one built anew.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, Cluster};
use berth_proto::{
    subject::{VIEWS_ASKED, views_told},
    views::{DamageNumber, Question, Stands, VIEWS},
};
use berth_runtime::{Entropy, Role, entropy::new_command_id};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::{failure::Failure, principal::Principal};

/// How long processes are waited for: one that does not answer in this time is away, or of a release without this.
const TOLD_MAX: Duration = Duration::from_secs(1);
/// Views that are shown.
const SHOWN_MAX: usize = 4_096;

/// Asks for them.
#[derive(Debug)]
pub struct ViewStands {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) cluster: Arc<dyn Cluster>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldViews {
    /// The views of every process that answered, by their names.
    pub views: Vec<Stands>,
    /// Whether a process that is alive did not answer in time.
    pub some_are_silent: bool,
}

// === impl ViewStands ===

impl ViewStands {
    /// How views stand at this moment. Root only.
    pub async fn all(&self, principal: &Principal) -> Result<ToldViews, Failure> {
        self.ask(principal, None, None).await
    }

    /// Has a view built anew by every process that has it, and gives how it stands there. Root only; asked again while that
    /// goes on, it changes nothing but that the new rows may lack the commits that were `accepted`.
    pub async fn rebuild(
        &self,
        principal: &Principal,
        view: &str,
        accepted: Option<DamageNumber>,
    ) -> Result<ToldViews, Failure> {
        let mut told = self.ask(principal, Some(view.to_owned()), accepted).await?;
        told.views.retain(|stands| stands.view == view);
        Ok(told)
    }

    async fn ask(
        &self,
        principal: &Principal,
        rebuild: Option<String>,
        accepted: Option<DamageNumber>,
    ) -> Result<ToldViews, Failure> {
        if *principal != Principal::Root {
            return Err(Failure::Forbidden);
        }
        let unavailable = |error| Failure::unavailable("the views", error);
        let id = new_command_id(&*self.entropy);
        let mut answers = self.bus.subscribe(&views_told(id)).await.map_err(unavailable)?;
        let expected = self.processes().await;
        let question = serde_json::to_vec(&Question { id, rebuild, accepted });
        let question = Bytes::from(question.map_err(|error| Failure::unavailable("the views", error))?);
        self.bus.publish(VIEWS_ASKED, question).await.map_err(unavailable)?;
        let deadline = Instant::now() + TOLD_MAX;
        let (mut views, mut answered): (Vec<Stands>, usize) = (Vec::new(), 0);
        while expected.is_none_or(|expected| answered < expected)
            && let Ok(Some((_, told))) = timeout_at(deadline, answers.next()).await
        {
            answered += 1;
            views.extend(serde_json::from_slice::<Vec<Stands>>(&told).unwrap_or_default());
        }
        views.sort_by(|one, other| (&one.view, &one.member).cmp(&(&other.view, &other.member)));
        views.truncate(SHOWN_MAX);
        Ok(ToldViews { views, some_are_silent: expected.is_none_or(|expected| answered < expected) })
    }

    /// How many processes have views; none if that is not known.
    async fn processes(&self) -> Option<usize> {
        let roster = self.cluster.members().await.ok()?;
        let has_views = |role: Role| {
            let of_role = |one: &Role| VIEWS.iter().any(|(_, role)| *role == one.as_str());
            Role::ALL.iter().any(|one| role.runs(*one) && of_role(one))
        };
        Some(roster.members().filter(|(seat, _)| has_views(seat.role)).count())
    }
}
