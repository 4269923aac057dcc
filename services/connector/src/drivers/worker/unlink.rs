//! Unlinking a device: the worker that has its keys is asked, and what it says is passed on.

use std::time::Duration;

use berth_proto::worker::{Next, Report as Said};
use tokio::time::timeout;

use super::{
    Workers,
    material::{Material, Unknown},
    run::Ask,
};
use crate::driver::{Link, Report, Reports, UnlinkError};

/// How long one try may take.
pub(super) const TRY_MAX: Duration = Duration::from_secs(45);
/// How much of that is for the worker to be connected.
const CONNECTED_MAX: Duration = Duration::from_secs(10);
/// The code of a session that is over: WhatsApp knows the device no more.
const ENDED: u16 = 401;

/// What a report comes to.
enum Came {
    Unlinked,
    Failed(UnlinkError),
    /// There was never a device.
    Nothing,
    /// It says nothing of that.
    ToNothing,
}

impl Workers {
    /// One try.
    pub(super) async fn unlinked(&self, link: &Link, reports: &dyn Reports) -> Result<(), UnlinkError> {
        let material = Material::of(link).await.map_err(|unknown| match unknown {
            Unknown::Now => UnlinkError::Unreachable,
            Unknown::Never => UnlinkError::KeysLost,
        })?;
        let seat = timeout(CONNECTED_MAX, self.pool.seat_beside(&material.worker)).await;
        let seat = seat.map_err(|_elapsed| UnlinkError::Unreachable)?;
        let mut run = seat.ask(link, Ask::Unlink).await.ok_or(UnlinkError::Unreachable)?;
        loop {
            let said = run.next().await.ok_or(UnlinkError::Unreachable)?;
            match came(&said.report, material.linked) {
                Came::Unlinked => {
                    run.ends_with(said.number);
                    reports.report(Report::Unlinked).await;
                    run.answer(said.number, Next::Wipe).await;
                    return Ok(());
                }
                Came::Nothing => {
                    run.answer(said.number, Next::Wipe).await;
                    return Ok(());
                }
                Came::Failed(error) => {
                    run.answer(said.number, Next::Stop).await;
                    return Err(error);
                }
                Came::ToNothing => run.answer(said.number, Next::Continue).await,
            }
        }
    }
}

fn came(said: &Said, was_linked: bool) -> Came {
    match said {
        Said::Unlinked {} | Said::Removed { .. } | Said::Refused { code: ENDED, .. } => Came::Unlinked,
        Said::UnlinkFailed { .. } | Said::Refused { .. } | Said::Replaced {} => {
            Came::Failed(UnlinkError::Unreachable)
        }
        Said::NoDevice {} if was_linked => Came::Failed(UnlinkError::KeysLost),
        Said::NoDevice {} => Came::Nothing,
        Said::Qr { .. }
        | Said::PairingCode { .. }
        | Said::PairingCodeRefused { .. }
        | Said::AttemptEnded { .. }
        | Said::Linked { .. }
        | Said::Open {}
        | Said::Lost { .. } => Came::ToNothing,
    }
}
