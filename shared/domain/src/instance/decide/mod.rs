//! Decisions: what each command comes to in each state. One file for each family of commands.

mod clock;
mod create;
mod credentials;
mod end;
mod link;
mod reports;
mod upstream;
mod webhooks;

use berth_proto::{command::Command, frame::RejectionCodeV1, instance::PhaseV1};

use crate::instance::{Context, Decision, State};

pub use end::LOGOUT_CODE;
pub use webhooks::{OLD_SECRET_SECONDS_MAX, OLD_SECRETS_MAX};

/// Decides a command on a state.
///
/// The answer is by state first: a command that finds everything as it wants it gives no event. Whether a
/// command id was seen before is asked earlier, see [`crate::instance::remembered`].
pub fn decide(
    state: Option<&State>,
    command: &Command,
    context: &Context,
) -> Result<Decision, RejectionCodeV1> {
    let now = context.now;
    let Some(state) = state else {
        return match command {
            Command::CreateInstance(create) => create::create(create, now),
            Command::AbandonCreate(abandon) => Ok(create::abandon(abandon)),
            _ => Err(RejectionCodeV1::NotFound),
        };
    };
    let deleted = matches!(state.phase, PhaseV1::Deleted { .. });
    match command {
        // A device may be unlinked after its instance is gone.
        Command::ReportUnlinked(report) => reports::unlinked(state, report),
        Command::AbandonUnlink(abandon) => clock::abandon_unlink(state, abandon, now),
        _ if deleted => Err(RejectionCodeV1::Deleted),
        Command::CreateInstance(_) | Command::AbandonCreate(_) => Err(RejectionCodeV1::Exists),
        Command::Connect(connect) => link::connect(state, connect, now),
        Command::Reconnect(_) => link::reconnect(state, now),
        Command::Restart(_) => link::restart(state, now),
        Command::Disconnect(_) => Ok(link::disconnect(state)),
        Command::Logout(_) => Ok(end::logout(state, now)),
        Command::Delete(delete) => end::delete(state, delete, now),
        Command::ConfigureWebhook(configure) => webhooks::configure(state, configure, now),
        Command::ReplaceWebhook(replace) => webhooks::replace(state, replace, now),
        Command::DisableWebhook(disable) => webhooks::disable(state, disable, now),
        Command::RemoveWebhook(remove) => webhooks::remove(state, remove),
        Command::RotateWebhookSecret(rotate) => webhooks::rotate_secret(state, rotate, now),
        Command::RotateToken(rotate) => Ok(credentials::rotate_token(state, rotate)),
        Command::ChangeSettings(change) => credentials::change_settings(state, change),
        Command::Switch(switch) => credentials::switch(state, switch),
        Command::Rename(to) => Ok(credentials::rename(state, to)),
        Command::Move(to) => credentials::move_to(state, to, now),
        Command::ReportQr(report) => reports::qr(state, report, now),
        Command::ReportPairingCode(report) => reports::pairing_code(state, report, now),
        Command::ReportPairingCodeRefused(report) => reports::pairing_code_refused(state, report),
        Command::ReportAttemptEnded(report) => reports::attempt_ended(state, report),
        Command::ReportLinked(report) => reports::linked(state, report),
        Command::ReportOpen(report) => reports::open(state, report),
        Command::ReportLost(report) => reports::lost(state, report),
        Command::ReportPaused(report) => reports::paused(state, report, now),
        Command::ReportLoggedOut(report) => reports::logged_out(state, report),
        Command::ReportWebhookTaken(report) => upstream::webhook_taken(state, report, now),
        Command::ReportWebhookGivenBack(report) => Ok(upstream::webhook_given_back(state, report)),
        Command::ExpireAttempt(expire) => clock::expire_attempt(state, expire, now),
        Command::EndBan(end) => clock::end_ban(state, end, now),
    }
}
