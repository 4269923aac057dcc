//! The driver of device links as one process has it, watched: one device is run by one process at a time. One that is
//! suspended runs nothing, and finds out when it goes on: a moment later it runs nothing that another one does.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_connector::driver::{DeviceLink, Link, Reports, Start, UnlinkError};
use berth_proto::InstanceId;

use crate::world::{At, Life, World};

/// Who runs which device.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<BTreeMap<InstanceId, Vec<Arc<Life>>>>);

/// See the module.
pub(crate) struct WatchedLinks {
    pub(crate) at: At,
    pub(crate) driver: Arc<dyn DeviceLink>,
}

/// A run, until it is dropped.
struct Run<'a> {
    at: &'a At,
    instance: InstanceId,
}

impl fmt::Debug for WatchedLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WatchedLinks").field(&self.driver).finish()
    }
}

/// What is run of a device by somebody who goes on.
fn going_on(lives: &[Arc<Life>]) -> Vec<String> {
    lives.iter().filter(|life| life.goes_on()).map(|life| life.name.clone()).collect()
}

/// Looks whether a process that was suspended has let go of what others took over.
pub(crate) fn look(world: &World, woken: &Arc<Life>) {
    let running = world.running.0.lock().unwrap_or_else(PoisonError::into_inner);
    let doubly: Vec<_> = running
        .iter()
        .filter(|(_, lives)| lives.iter().any(|life| Arc::ptr_eq(life, woken)))
        .map(|(instance, lives)| (*instance, going_on(lives)))
        .filter(|(_, names)| names.len() > 1)
        .collect();
    drop(running);
    for (instance, names) in doubly {
        world.fault(format!(
            "P11: the device of {instance} is run by {names:?} after {} was suspended",
            woken.name
        ));
    }
}

// === impl Run ===

impl<'a> Run<'a> {
    fn begin(at: &'a At, instance: InstanceId) -> Self {
        at.step(format_args!("runs the device of {instance}"));
        let mut running = at.world.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = running.entry(instance).or_default();
        let others = going_on(lives);
        lives.push(Arc::clone(&at.life));
        drop(running);
        if !others.is_empty() {
            at.world
                .fault(format!("P11: {} runs the device of {instance} while {others:?} does", at.life.name));
        }
        Self { at, instance }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let mut running = self.at.world.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = running.entry(self.instance).or_default();
        if let Some(at) = lives.iter().position(|life| Arc::ptr_eq(life, &self.at.life)) {
            lives.remove(at);
        }
    }
}

#[async_trait]
impl DeviceLink for WatchedLinks {
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>) {
        let _run = Run::begin(&self.at, link.instance);
        self.driver.run(link, start, reports).await;
    }

    async fn unlink(&self, link: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        self.at.step(format_args!("unlinks the device of {} {}", link.instance, link.attempt));
        self.driver.unlink(link, reports).await
    }
}
