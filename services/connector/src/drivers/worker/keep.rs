//! A linked device: it stays with the worker that has its keys.

use berth_proto::worker::Start;

use super::{
    Workers,
    conduct::{Conduct, Ended},
    material::{Material, Unknown},
    run::Ask,
};
use crate::driver::{Link, Next, Report, Reports};

/// What an operator reads of a link whose worker is not connected.
const WORKER_LOST: &str = "worker_lost";

impl Workers {
    /// Looks after a device until its session ends or nobody wants it any more.
    pub(super) async fn keep(&self, link: &Link, start: Start, reports: &dyn Reports) {
        let material = match Material::of(link).await {
            Ok(material) => material,
            // It is tried again.
            Err(Unknown::Now) => return,
            // Another driver linked it, before the deployment had workers.
            Err(Unknown::Never) => {
                let source_code = "no_worker_has_its_keys".to_owned();
                reports.report(Report::Lost { code: 0, source_code }).await;
                return std::future::pending().await;
            }
        };
        let worker = material.worker.clone();
        let material = Material { linked: true, ..material };
        self.with_worker(link, Conduct::new(link, &self.clock, reports, material), worker, start).await;
    }

    /// The same, of a link whose worker has just gone.
    pub(super) async fn keep_on(&self, link: &Link, conduct: Conduct<'_>, worker: String) {
        self.with_worker(link, conduct, worker, Start::Resume {}).await;
    }

    async fn with_worker(&self, link: &Link, mut conduct: Conduct<'_>, worker: String, mut start: Start) {
        loop {
            conduct.is_away(0, WORKER_LOST);
            let seat = tokio::select! {
                biased;
                seat = self.pool.seat_at(&worker) => seat,
                () = conduct.away_for_long() => match conduct.tell_lost().await {
                    Next::Continue => continue,
                    Next::Stop => return,
                },
            };
            let asked = std::mem::replace(&mut start, Start::Resume {});
            let Some(mut run) = seat.ask(link, Ask::Run(asked)).await else { continue };
            conduct.is_opening();
            if conduct.follow(&mut run).await == Ended::Over {
                return;
            }
        }
    }
}
