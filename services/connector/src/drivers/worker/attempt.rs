//! A new device: a worker is chosen and shows its codes.

use std::time::Duration;

use berth_proto::{event::EndReasonV1, worker::Start};
use tokio::time::timeout;
use tracing::warn;

use super::{
    Workers,
    conduct::{Conduct, Ended},
    library,
    material::Material,
    run::Ask,
};
use crate::driver::{Link, Report, Reports};

/// How long an attempt waits for a worker with room.
const PLACE_MAX: Duration = Duration::from_secs(20);

impl Workers {
    /// Links a device, and looks after it.
    pub(super) async fn pair(&self, link: &Link, start: Start, reports: &dyn Reports) {
        let Ok(seat) = timeout(PLACE_MAX, self.pool.seat(library(link))).await else {
            warn!(instance = %link.instance, attempt = link.attempt, library = library(link),
                "no worker with room is connected: the attempt ends");
            let ended = Report::AttemptEnded { reason: EndReasonV1::Unreachable, code: 0 };
            reports.report(ended).await;
            return;
        };
        let material = Material { worker: seat.worker.hello.worker.clone(), linked: false };
        if let Err(error) = material.keep(link).await {
            warn!(instance = %link.instance, attempt = link.attempt, %error,
                "where the keys of a device will be cannot be kept: the attempt ends");
            return;
        }
        let mut conduct = Conduct::new(link, &self.clock, reports, material.clone());
        let ended = match seat.ask(link, Ask::Run(start)).await {
            Some(mut run) => conduct.follow(&mut run).await,
            None => Ended::WorkerGone,
        };
        match ended {
            Ended::Over => {}
            Ended::WorkerGone if conduct.is_linked => self.keep_on(link, conduct, material.worker).await,
            Ended::WorkerGone => {
                // Its codes belonged to its socket.
                let ended = Report::AttemptEnded { reason: EndReasonV1::OwnerLost, code: 0 };
                reports.report(ended).await;
            }
        }
    }
}
