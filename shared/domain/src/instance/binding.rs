//! Where the link of an instance is that has not the deployment's own driver, pinned for life.
//!
//! An instance without a binding has the deployment's own driver. A bound one keeps its device at a gateway that
//! somebody runs, or with workers of one library, where the keys lie, so it cannot go elsewhere. In the carried state the binding is a block of
//! settings of an owner that no vocabulary has: it is a part of what the state was frozen with.

use berth_proto::{
    Sealed, Timestamp,
    event::LinkBoundV1,
    instance::{EndCauseV1, InstanceStateV1, PhaseV1, SettingsBlockV1},
};

use super::deadlines::UNLINK_SECONDS;

/// The kind of a binding to workers: it names their library in the place of an upstream.
pub const WORKER: &str = "worker";
/// The owner of the block that keeps how the webhook at the upstream was configured before it was taken over.
pub const UPSTREAM_WEBHOOK: &str = "upstream/webhook";
/// How the owner of a binding's block begins.
const OWNER_PREFIX: &str = "link/";

/// Where the link of an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The kind of driver, such as `evolution`.
    pub kind: &'a str,
    /// The name of the upstream in the configuration; of the library, for the kind [`WORKER`].
    pub upstream: &'a str,
    /// The instance's name there, sealed like a block of settings.
    pub name: &'a Sealed,
}

impl<'a> Binding<'a> {
    /// The upstream that the instance is on; none if it is with workers.
    pub fn on_upstream(&self) -> Option<&'a str> {
        (self.kind != WORKER).then_some(self.upstream)
    }
}

/// Where the link of an instance is; none if it has the deployment's own driver.
pub fn binding(state: &InstanceStateV1) -> Option<Binding<'_>> {
    binding_in(&state.settings)
}

/// The same of an instance that is to have these settings.
pub fn binding_in(settings: &[SettingsBlockV1]) -> Option<Binding<'_>> {
    settings.iter().find_map(binding_of)
}

/// What the last attempt of an instance on an upstream may have left there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftThere {
    /// The attempt.
    pub attempt: u32,
    /// When it is given up.
    pub until: Timestamp,
}

/// What the last attempt may have left at the upstream if it ended without a device: codes that can still be scanned, or a device
/// that was linked by them in that moment. Whoever ran it ends that, and says nothing of it here.
pub fn left_there(state: &InstanceStateV1) -> Option<LeftThere> {
    let end = state.last_end.as_ref().filter(|end| end.cause == EndCauseV1::Attempt)?;
    // A later attempt ends what is there before it begins.
    let is_over =
        matches!(state.phase, PhaseV1::Created | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. });
    binding(state)?.on_upstream().filter(|_| is_over)?;
    Some(LeftThere { attempt: state.attempt, until: end.at.plus_seconds(UNLINK_SECONDS) })
}

/// The block with which a create asks for a binding.
pub fn binding_block(kind: &str, upstream: &str, name: Sealed) -> SettingsBlockV1 {
    SettingsBlockV1 { owner: format!("{OWNER_PREFIX}{kind}/{upstream}"), body: name }
}

/// Whether a block of settings says where the link is or what was found there, which no client changes.
pub(super) fn is_of_link(owner: &str) -> bool {
    owner.starts_with(OWNER_PREFIX) || owner == UPSTREAM_WEBHOOK
}

/// What a block of a create binds to.
pub(super) fn bound(block: &SettingsBlockV1) -> Option<LinkBoundV1> {
    let Binding { kind, upstream, name } = binding_of(block)?;
    Some(LinkBoundV1 { kind: kind.to_owned(), upstream: upstream.to_owned(), name: name.clone() })
}

fn binding_of(block: &SettingsBlockV1) -> Option<Binding<'_>> {
    let (kind, upstream) = block.owner.strip_prefix(OWNER_PREFIX)?.split_once('/')?;
    Some(Binding { kind, upstream, name: &block.body })
}
