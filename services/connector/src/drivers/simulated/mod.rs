//! A device link without a phone: real rotation times, codes that an API call scans, and every fault that the
//! real one has.
//!
//! One task runs a link; it sleeps until the next code or the next play, so thousands fit into one process.
//! What is armed and what a phone did lives in this process only: another owner of the lease resumes the links
//! from their keys and knows nothing of it.

mod codes;
mod faults;
mod link;
mod mailbox;
mod play;
mod timing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_proto::InstanceId;
use berth_runtime::{Clock, Entropy};
use serde_json::Value;
use tokio::sync::oneshot;

use self::{
    faults::Faults,
    mailbox::Mailbox,
    play::{Action, Play},
    timing::Timing,
};
use crate::{
    driver::{DeviceLink, Link, Report, Reports, Start, UnlinkError},
    keys::LinkKeysError,
    simulate::{Controls, Refused},
};

/// Instances for which faults are armed at once.
const ARMED_MAX: usize = 10_000;

/// The simulated driver.
#[derive(Debug)]
pub struct Simulated {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    timing: Timing,
    /// Links that run: written by each link when it begins and ends, read by plays.
    links: Mutex<HashMap<InstanceId, Arc<Mailbox>>>,
    /// Faults that plays have armed; they outlive a link.
    faults: Mutex<HashMap<InstanceId, Faults>>,
}

impl Simulated {
    /// A driver whose QR and pairing times are divided by `time_scale` (at least 1).
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, time_scale: u32) -> Self {
        Self {
            clock,
            entropy,
            timing: Timing::scaled(time_scale),
            links: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    fn faults_of(&self, instance: InstanceId) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).get(&instance).cloned().unwrap_or_default()
    }

    /// Changes what is armed for an instance. False if too much is armed already.
    fn arm(&self, instance: InstanceId, change: impl FnOnce(&mut Faults)) -> bool {
        let mut all = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ARMED_MAX && !all.contains_key(&instance) {
            return false;
        }
        let faults = all.entry(instance).or_default();
        change(faults);
        if *faults == Faults::default() {
            all.remove(&instance);
        }
        true
    }

    fn begin(&self, instance: InstanceId) -> Registered<'_> {
        let plays = Arc::new(Mailbox::new());
        self.links.lock().unwrap_or_else(PoisonError::into_inner).insert(instance, Arc::clone(&plays));
        Registered { driver: self, instance, plays }
    }

    fn mailbox(&self, instance: InstanceId) -> Option<Arc<Mailbox>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).get(&instance).cloned()
    }
}

/// A link that plays can reach, until it is dropped.
#[derive(Debug)]
struct Registered<'a> {
    driver: &'a Simulated,
    instance: InstanceId,
    plays: Arc<Mailbox>,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.plays.close();
        let mut links = self.driver.links.lock().unwrap_or_else(PoisonError::into_inner);
        // A newer link of the instance may have taken the place.
        if links.get(&self.instance).is_some_and(|plays| Arc::ptr_eq(plays, &self.plays)) {
            links.remove(&self.instance);
        }
    }
}

#[async_trait]
impl DeviceLink for Simulated {
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>) {
        let registered = self.begin(link.instance);
        let run = link::Run { driver: self, link: &link, reports: &*reports };
        run.start(start, &registered.plays).await;
    }

    async fn unlink(&self, link: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        let faults = self.faults_of(link.instance);
        if faults.unlink_hangs {
            return std::future::pending().await;
        }
        if faults.unlinks_to_fail > 0 {
            self.arm(link.instance, |faults| {
                faults.unlinks_to_fail = faults.unlinks_to_fail.saturating_sub(1);
            });
            return Err(UnlinkError::Unreachable);
        }
        match link.keys.get().await {
            Ok(Some(_)) => {}
            Ok(None) | Err(LinkKeysError::Damaged) => return Err(UnlinkError::KeysLost),
            Err(LinkKeysError::Store(_)) => return Err(UnlinkError::Unreachable),
        }
        reports.report(Report::Unlinked).await;
        if faults.confirm_unlink_twice {
            reports.report(Report::Unlinked).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Controls for Simulated {
    async fn play(&self, instance: InstanceId, request: &Value) -> Result<(), Refused> {
        let action = Action::read(request)?;
        if let Action::Arm(arm) = action {
            let armed = self.arm(instance, |faults| faults.set(arm));
            return if armed { Ok(()) } else { Err(too_many_armed()) };
        }
        let not_running = || {
            Refused {
            code: "not_connected",
            message: "No link of this instance runs: this needs an attempt that runs or an open connection. A paused instance \
                      is opened with `reconnect`."
                .to_owned(),
        }
        };
        let mailbox = self.mailbox(instance).ok_or_else(not_running)?;
        let (reply, answer) = oneshot::channel();
        if !mailbox.put(Play { action, reply }) {
            return Err(not_running());
        }
        answer.await.map_err(|_| not_running())?
    }
}

fn too_many_armed() -> Refused {
    Refused { code: "too_many_faults", message: format!("Faults are armed for {ARMED_MAX} instances.") }
}
