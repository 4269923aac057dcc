//! The bare parts of one engine and their composite, in the round of the topology that they stand beside.

use super::Run;
use crate::{
    Outcome,
    bare::{append::AppendFile, echo::Echo, handler::Handler, publish::Publisher},
    closed_loop::{self, Operation},
    composite::{self, APPEND, ECHO, HANDLER, work},
    http::Answer,
    proc_fs::{self, TICK_MICROS},
    results::{Place, Results, Table},
    servers::Servers,
    topology::Engine,
    watch::CLIENT,
};

/// Measures each part with one client and with many; `bytes` is the size of a commit, `answer` what Berth answers.
pub(super) async fn measure(
    run: &mut Run<'_>,
    engine: Engine,
    bytes: usize,
    answer: &Answer,
    round: u32,
) -> Outcome<()> {
    let on = engine.to_string();
    let (many, instances) = (run.profile.clients, run.profile.instances);
    let handler = Handler::start(answer).await?;
    for clients in [1, many] {
        part(run, &on, HANDLER, handler.clients(clients), round).await?;
    }
    drop(handler);
    let parts: &[&str] = if let Some(servers) = Servers::start(engine).await? {
        let client = servers.connect().await?;
        let echo = Echo::start(&client, &servers.url()).await?;
        for clients in [1, many] {
            part(run, &on, ECHO, echo.clients(clients), round).await?;
            let publishers =
                Publisher::clients(&client, engine.replicas(), instances, clients, bytes).await?;
            part(run, &on, APPEND, publishers, round).await?;
        }
        &[HANDLER, ECHO, APPEND]
    } else {
        let file = AppendFile::prepare()?;
        for clients in [1, many] {
            part(run, &on, APPEND, file.clients(clients, bytes), round).await?;
        }
        &[HANDLER, APPEND]
    };
    for clients in [1, many] {
        composite::note(&mut run.results, &on, parts, clients, round);
        let place = Place::new(Table::Bare, &on, work(APPEND, clients), round);
        run.results.note(&place, "bytes", f64::from(u32::try_from(bytes)?));
    }
    Ok(())
}

async fn part<O: Operation>(
    run: &mut Run<'_>,
    on: &str,
    name: &str,
    clients: Vec<O>,
    round: u32,
) -> Outcome<()> {
    let place = Place::new(Table::Bare, &on, work(name, clients.len()), round);
    let before = proc_fs::ticks(std::process::id())?;
    let (closed, _) = closed_loop::measure(clients, run.profile.window).await?;
    run.results.note_closed(&place, &closed);
    note_client(&mut run.results, &place, before, closed.answers)
}

/// What the client itself costs: it is in every figure.
#[expect(clippy::cast_precision_loss, reason = "times and counts stay far below 2^53")]
fn note_client(results: &mut Results, place: &Place, before: u64, answers: u64) -> Outcome<()> {
    let used = proc_fs::ticks(std::process::id())?.saturating_sub(before) * TICK_MICROS;
    let place = Place { table: Table::Cpu, ..place.clone() };
    results.note(&place, CLIENT, used as f64 / answers.max(1) as f64);
    Ok(())
}
