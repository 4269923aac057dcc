//! What sound rows left out is started once they are built anew.

use std::sync::Arc;

use berth_log::{LogRead, SharedCommit};
use berth_proto::{CommitV2, Kind};
use berth_runtime::Lifecycle;
use berth_views::{ApplyError, Asked, Rows, View, ViewOptions, ViewState};

use crate::world::World;

/// Rows of the view of wanted links as a release would write them that has a fault: none.
#[derive(Debug)]
struct Forgets;

impl View for Forgets {
    fn name(&self) -> &'static str {
        "wanted-links"
    }

    fn schema(&self) -> u32 {
        6
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance]
    }

    fn apply(&self, _: &SharedCommit, _: &CommitV2, _: &mut dyn Rows) -> Result<(), ApplyError> {
        Ok(())
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self)
    }
}

#[tokio::test]
async fn a_link_that_its_view_had_forgotten_starts_once_that_is_built_anew() {
    let world = World::new().await;
    let id = world.instance().await;
    world.connect(id).await;
    let (life, log): (_, Arc<dyn LogRead>) = (Lifecycle::new(), world.log.clone());
    let options = ViewOptions::new(world.clock.clone());
    let folder = world.folder("connector-0");
    let view = berth_views::open(log, &folder, Arc::new(Forgets), options, &life).await.unwrap();
    world.until("it has read the log", async || view.state() == ViewState::Live).await;
    drop(view);
    assert!(life.shut_down().await);

    let connector = world.connector().await;
    world.until("it owns all", async || connector.handle.status() == "owns the device links").await;
    assert!(!world.events(id).await.contains(&"QrIssued"), "nobody knows that it is wanted");
    assert_eq!(connector.handle.view().rebuild(), Asked::Begun);
    world.until_qr(id, 1).await;
}
