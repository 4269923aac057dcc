//! Pages and searches of the native list over a population, and how soon after a start texts are found again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Run, population, seconds};
use crate::{
    Outcome,
    deployment::{ACCOUNT_TOKEN, Deployment},
    http::Ask,
    picks::Picks,
    results::{Place, Table},
    workload::{
        Population,
        lists::{Lists, Wanted},
    },
};

/// What is asked, and as which row it stands.
const ASKED: [(&str, Wanted); 5] = [
    (PAGES, Wanted::Pages),
    ("page after page, of one state", Wanted::OfOneState),
    (BY_NAME, Wanted::ByName),
    ("a search that many are found by", Wanted::ByPart),
    (NOTHING, Wanted::Nothing),
];
/// How long texts may take to be found again, and how often is asked meanwhile.
const FOUND_MAX: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Names that targets ask for.
pub(crate) const PAGES: &str = "page after page";
pub(crate) const BY_NAME: &str = "a search for a name";
pub(crate) const NOTHING: &str = "a search that finds nothing";
pub(crate) const FOUND_AGAIN: &str = "texts found after s";

/// Such a list over so many instances.
pub(crate) fn work(instances: usize, what: &str) -> String {
    format!("{}, {what}", population::work(instances))
}

/// One client, one kind of question after the other.
pub(super) async fn measure(
    run: &mut Run<'_>,
    deployment: &Deployment,
    population: &Population,
    round: u32,
) -> Outcome<()> {
    for (what, wanted) in ASKED {
        let place = Place::new(Table::Lists, &deployment.topology, work(population.len(), what), round);
        let clients = Lists::clients(deployment, population, wanted, Picks::uniform(1));
        run.closed(deployment, &place, clients).await?;
    }
    Ok(())
}

/// Asks for a text until it is answered; notes the time since the start of the processes.
pub(super) async fn found_again(run: &mut Run<'_>, deployment: &Deployment, place: &Place) -> Outcome<()> {
    let ready = Instant::now();
    let mut connection = deployment.connections(1).pop().ok_or("there is no gateway")?;
    while ready.elapsed() < FOUND_MAX {
        let asked = Ask::get("/v1/instances?limit=1&q=bench", ACCOUNT_TOKEN);
        if connection.ask(asked).await?.status == 200 {
            run.results.note(place, FOUND_AGAIN, seconds(deployment.start + ready.elapsed()));
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err("texts were not found again in time".into())
}
