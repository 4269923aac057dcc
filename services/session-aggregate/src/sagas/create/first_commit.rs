//! What decides whether an instance exists: the first commit of its stream.

use berth_domain::instance::{State, never_was};
use berth_log::Loaded;
use berth_proto::{
    StreamKey,
    command::Command,
    commit::{OutcomeCodeV1, OutcomeV1},
    frame::{CommandRequestV2, RejectionCodeV1},
    instance::WebhookV1,
};

use super::{Create, Tried, draft::Draft};
use crate::{
    cause::Cause,
    instances::{
        reply,
        round::{Answer, InstanceCommand},
    },
    reseal,
    trouble::Trouble,
};

// === impl Create ===

impl Create {
    /// Appends the creation, with these endpoints of the account, to the empty stream, or finds what stands there.
    pub(super) async fn first_commit(
        &self,
        request: &CommandRequestV2,
        draft: &Draft,
        of_account: &[WebhookV1],
    ) -> Result<Tried, Trouble> {
        let asked = self.first_command(request, draft, of_account).await?;
        let one = std::slice::from_ref(&asked);
        let remembered = if draft.is_fresh {
            // It is the first of its instance: tried on an empty stream, which is read only if it is not.
            Some(Loaded::empty(StreamKey::instance(draft.instance)))
        } else {
            self.instances.remembered(draft.instance)
        };
        let name_there = &self.names_there.receipt(draft.instance, &draft.create.settings);
        let decide = move |loaded: Loaded<State>, now| async move {
            let mut round = self.instances.decide(&loaded, one, now).await;
            round.note(name_there.clone());
            Ok(round.into_plan(loaded))
        };
        let (loaded, mut answers) = self.instances.transact_with(draft.instance, remembered, decide).await?;
        let code = match answers.pop() {
            Some(Answer::Rejected { code, .. }) => code,
            // A round of one command answers it.
            None => RejectionCodeV1::Changed,
            answer => return Ok(Tried::Done(self.instances.concluded(loaded, answer))),
        };
        self.not_created(request, draft, &loaded, code).await
    }

    /// The command as the instance of the draft is to be asked it: where it came from, and the copied endpoints of its
    /// account, are sealed for that one.
    async fn first_command(
        &self,
        request: &CommandRequestV2,
        draft: &Draft,
        of_account: &[WebhookV1],
    ) -> Result<InstanceCommand, Trouble> {
        let Draft { instance, create, .. } = draft;
        let copies =
            reseal::webhooks(&self.keys, self.write_version, create.account, of_account, *instance).await?;
        let mut create = create.clone();
        create.webhooks.extend(copies.unwrap_or_default());
        let mut request = request.clone();
        if let (Some(caller), Some(sealed_for)) = (&request.caller, request.target.stream().as_instance())
            && sealed_for != *instance
        {
            request.caller = reseal::caller(&self.keys, sealed_for, *instance, caller).await;
        }
        Ok(InstanceCommand { request, command: Command::from(create) })
    }

    /// What a refusal of the first commit means, by what stands there.
    async fn not_created(
        &self,
        request: &CommandRequestV2,
        draft: &Draft,
        loaded: &Loaded<State>,
        code: RejectionCodeV1,
    ) -> Result<Tried, Trouble> {
        match (code, &loaded.state) {
            // The ring has forgotten the command; the hold has not.
            (RejectionCodeV1::Exists, Some(_)) => {
                let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
                Ok(Tried::Done(reply(loaded, Answer::Accepted { outcome, replayed: true })))
            }
            (RejectionCodeV1::Deleted, Some(state)) if never_was(state) => {
                let Draft { instance, create, .. } = draft;
                self.free(create.account, *instance, &create.entries, &Cause::of(request)).await?;
                Ok(Tried::StartOver)
            }
            (RejectionCodeV1::Deleted, _) => {
                Ok(Tried::Done(reply(loaded, Answer::Rejected { code, state: None })))
            }
            _ => self.give_up(request, draft, code).await,
        }
    }
}
