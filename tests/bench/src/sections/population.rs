//! One deployment that grows: creates, commands and reads over more and more instances, memory, a restart, and the
//! rebuild of all views. What was not asked for is left out, but the instances have to be created.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Run, filling, history, lists, progress, seconds};
use crate::{
    Outcome,
    bare::handler::Handler,
    closed_loop,
    composite::{HANDLER, clients_text},
    deployment::Deployment,
    http::Ask,
    options::Section,
    picks::Picks,
    results::{Place, Table},
    scrape::Scrape,
    topology::Topology,
    workload::{
        Instance, Population,
        commands::{By, Commands},
        creates::{self, Kind},
        reads::Reads,
    },
};

/// How long a rebuild is waited for, and how often and how many times in a row nothing may be left of it.
const REBUILD_MAX: Duration = Duration::from_mins(20);
const PAUSE: Duration = Duration::from_millis(20);
const QUIET_LOOKS: u32 = 5;
const MIB: f64 = 1024.0 * 1024.0;

/// Names that targets ask for.
pub(crate) const CREATED: &str = "created";
pub(crate) const READY_SECONDS: &str = "restart to ready s";
pub(crate) const MEMORY_MIB: &str = "MiB after a restart";
pub(crate) const MEMORY_CREATED_MIB: &str = "MiB after the creates";
pub(crate) const MEMORY_USED_MIB: &str = "MiB after commands, reads and lists";
pub(crate) const REBUILT_SECONDS: &str = "rebuild s";
pub(crate) const REBUILT_PER_SECOND: &str = "commits rebuilt per second";

/// The work over so many instances.
pub(crate) fn work(instances: usize) -> String {
    format!("{instances} instances")
}

/// Commands over so many instances, all alike.
pub(crate) fn uniform_work(instances: usize) -> String {
    format!("{}, uniform", work(instances))
}

/// The creates of a size.
pub(crate) fn growth_work(from: usize, to: usize) -> String {
    format!("from {from} to {to}")
}

/// Reads over so many instances.
pub(crate) fn reads_work(instances: usize, clients: usize) -> String {
    format!("{}, {}", work(instances), clients_text(clients))
}

/// The first reads of so many instances.
fn first_reads_work(instances: usize, clients: usize) -> String {
    format!("{}, each for the first time, {}", work(instances), clients_text(clients))
}

/// The handler that they are compared with.
pub(crate) fn handler_work(clients: usize) -> String {
    format!("{HANDLER} with such an answer, {}", clients_text(clients))
}

/// One round on one topology; sizes beyond the first are measured in the first round alone.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let mut deployment = run.deployment(topology).await?;
    let mut instances: Vec<Instance> = Vec::new();
    // Commits of processes that have ended.
    let mut ended = 0.0;
    let sizes = run.profile.sizes.clone();
    let sizes = if round == 1 { &sizes[..] } else { sizes.get(..1).unwrap_or_default() };
    for size in sizes {
        progress(&format!("  {size} instances"));
        let makes = run.profile.made && !instances.is_empty();
        let whole = if makes {
            ended = filling::fill(run, &mut deployment, &mut instances, *size, round).await?;
            true
        } else {
            grow(run, &deployment, &mut instances, *size, round).await?
        };
        let population: Population = instances.clone().into();
        let last = *size == sizes.last().copied().unwrap_or_default();
        if last && !makes {
            history::lengthen(run, &deployment, &population, ended).await?;
        }
        if run.options.wants(Section::Spread) {
            spread(run, &deployment, &population, round).await?;
        }
        if run.options.wants(Section::Reads) {
            reads(run, &deployment, &population, round).await?;
        }
        if run.options.wants(Section::Lists) {
            lists::measure(run, &deployment, &population, round).await?;
        }
        if run.options.wants(Section::Memory) {
            let place = Place::new(Table::Memory, &topology, work(instances.len()), round);
            run.results.note(&place, MEMORY_USED_MIB, mib(&deployment)?);
        }
        ended += deployment.commits().await;
        if last && topology == Topology::EMBEDDED {
            let place = Place::new(Table::Disk, &topology, work(instances.len()), round);
            history::note(run, &deployment, ended, &place)?;
        }
        if run.options.wants(Section::Rebuild) || run.options.wants(Section::Memory) {
            restart(run, &mut deployment, instances.len(), round).await?;
        }
        if !whole {
            run.results.left_out.push(format!(
                "{topology}: more than {} instances, which is what was created in {:?}",
                instances.len(),
                run.profile.growth_max
            ));
            break;
        }
    }
    Ok(())
}

/// Creates instances until there are so many; whether that was done in time.
async fn grow(
    run: &mut Run<'_>,
    deployment: &Deployment,
    instances: &mut Vec<Instance>,
    size: usize,
    round: u32,
) -> Outcome<bool> {
    let clients = run.profile.clients;
    let place = Place::new(Table::Creates, &deployment.topology, growth_work(instances.len(), size), round);
    let range = instances.len()..size;
    let kind = Kind::default();
    let creating = creates::create(deployment, clients, range, &kind, run.profile.growth_max);
    let (_, _, created) = run.watched(deployment, &place, creating).await?;
    run.results.note(&place, CREATED, f64::from(u32::try_from(created.len())?));
    instances.extend(created);
    if run.options.wants(Section::Memory) {
        let place = Place::new(Table::Memory, &deployment.topology, work(instances.len()), round);
        run.results.note(&place, MEMORY_CREATED_MIB, mib(deployment)?);
    }
    Ok(instances.len() >= size)
}

/// Commands over all of them.
async fn spread(
    run: &mut Run<'_>,
    deployment: &Deployment,
    population: &Population,
    round: u32,
) -> Outcome<()> {
    let clients = run.profile.clients;
    let instances = population.len();
    let spreads = [
        (uniform_work(instances), Picks::uniform(clients)),
        (format!("{}, Zipf", work(instances)), Picks::zipf(clients, instances)),
    ];
    for (work, picks) in spreads {
        let place = Place::new(Table::Spread, &deployment.topology, work, round);
        let clients = Commands::clients(deployment, population, By::Id, picks);
        run.closed(deployment, &place, clients).await?;
    }
    Ok(())
}

/// Reads of each of them for the first time, reads over all of them, and the empty handler with the same answer.
async fn reads(
    run: &mut Run<'_>,
    deployment: &Deployment,
    population: &Population,
    round: u32,
) -> Outcome<()> {
    let (many, on) = (run.profile.clients, deployment.topology);
    let clients = Reads::each_once(deployment, population, many);
    let (closed, _) = closed_loop::to_the_end(clients, run.profile.growth_max).await?;
    let place = Place::new(Table::Reads, &on, first_reads_work(population.len(), many), round);
    run.results.note_closed(&place, &closed);
    for clients in [1, many] {
        let place = Place::new(Table::Reads, &on, reads_work(population.len(), clients), round);
        run.closed(deployment, &place, Reads::clients(deployment, population, Picks::uniform(clients)))
            .await?;
    }
    let instance = population.first().ok_or("there is no instance")?;
    let mut connection = deployment.connections(1).pop().ok_or("there is no gateway")?;
    let path = format!("/v1/instances/{}", instance.id);
    let answer = connection.ask(Ask::get(&path, &instance.token)).await?;
    let handler = Handler::start(&answer).await?;
    let (closed, _) = closed_loop::measure(handler.clients(many), run.profile.window).await?;
    run.results.note_closed(&Place::new(Table::Reads, &on, handler_work(many), round), &closed);
    Ok(())
}

/// A restart with the views, then one without.
async fn restart(
    run: &mut Run<'_>,
    deployment: &mut Deployment,
    instances: usize,
    round: u32,
) -> Outcome<()> {
    let place = Place::new(Table::Restart, &deployment.topology, work(instances), round);
    deployment.stop().await?;
    deployment.launch().await?;
    run.results.note(&place, READY_SECONDS, seconds(deployment.start));
    lists::found_again(run, deployment, &place).await?;
    deployment.idle().await?;
    if run.options.wants(Section::Memory) {
        let place = Place { table: Table::Memory, ..place.clone() };
        run.results.note(&place, MEMORY_MIB, mib(deployment)?);
    }
    if run.options.wants(Section::Rebuild) {
        deployment.stop().await?;
        rebuild(run, deployment, &place).await?;
    }
    Ok(())
}

/// Throws the views of a stopped deployment away, and notes at a place how fast they are built anew.
pub(super) async fn rebuild(run: &mut Run<'_>, deployment: &mut Deployment, place: &Place) -> Outcome<()> {
    deployment.forget_views()?;
    let started = Instant::now();
    deployment.launch().await?;
    let (commits, took) = rebuilt(deployment, started).await?;
    run.results.note(place, "commits", commits);
    run.results.note(place, REBUILT_SECONDS, seconds(took));
    run.results.note(place, REBUILT_PER_SECOND, commits / seconds(took));
    Ok(())
}

/// Waits until no view has anything left to fold; gives what the busiest one folded, and the time from the start of
/// the processes to the last look at which something was left.
pub(super) async fn rebuilt(deployment: &Deployment, started: Instant) -> Outcome<(f64, Duration)> {
    let deadline = started + REBUILD_MAX;
    let (mut folded, mut took, mut quiet) = (0.0, Duration::ZERO, 0);
    while quiet < QUIET_LOOKS {
        if Instant::now() > deadline {
            return Err("the views were not rebuilt in time".into());
        }
        let scrapes = deployment.scrapes().await;
        let seen = started.elapsed();
        let now: f64 = scrapes.iter().flat_map(Scrape::folded).sum();
        let lag = scrapes.iter().filter_map(|scrape| Some(scrape.lag()?.1)).fold(0.0, f64::max);
        if now > folded || lag > 0.0 || now == 0.0 {
            (folded, took, quiet) = (now, seen, 0);
        } else {
            quiet += 1;
        }
        sleep(PAUSE).await;
    }
    let busiest = deployment.scrapes().await.iter().flat_map(Scrape::folded).fold(0.0, f64::max);
    Ok((busiest, took))
}

#[expect(clippy::cast_precision_loss, reason = "memory stays far below 2^53 bytes")]
pub(super) fn mib(deployment: &Deployment) -> Outcome<f64> {
    Ok(deployment.memory_bytes()? as f64 / MIB)
}
