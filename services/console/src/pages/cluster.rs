//! `/console/cluster`: the processes of the deployment, who owns what, what is behind or due, and what lies below.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use berth_bus::{
    Lease, Roster, Seat,
    cluster::{Claimed, Engine, Risk, StreamStands},
    member::{Present, Status},
};
use berth_gateway::app::Failure;
use berth_runtime::Role;

use crate::{
    Console,
    form::QueryFields,
    growth::Chart,
    moment::Moment,
    pages::live::{self, Part},
    shell::{Shell, rendered},
    texts::Texts,
    visit::Visit,
};

/// Characters of the name of a server that are shown.
const SERVER_CHARS_MAX: usize = 16;
/// A lag that is worth a warning, in seconds.
const LAG_WARNED: f64 = 5.0;
/// So many streams are named within a sentence; the names of more are unfolded.
const STREAMS_NAMED_MAX: usize = 2;
/// The part of a process that signs the log.
const EVIDENCE: &str = "evidence";
/// How that part begins when it does not.
const NOT_SIGNING: &str = "not signing: ";

/// A process.
struct Member {
    id: String,
    role: &'static str,
    address: String,
    version: String,
    since: Moment,
    leaving: bool,
    ready: bool,
    cores: String,
    /// What it says of its parts.
    says: BTreeMap<String, String>,
    /// How far its followers of the log are behind: view, seconds, whether that is much.
    lags: Vec<(String, String, bool)>,
    /// What it has to do whose moment has come.
    due: Vec<(String, String)>,
}

/// Something that can be lost.
struct Warned {
    text: String,
    /// Why, as a process says it: in English.
    why: Option<String>,
    /// Names that are too many for the text: how they are announced, and they.
    names: Option<(String, String)>,
}

/// A role, and who has its partitions.
struct RoleRow {
    role: &'static str,
    members: usize,
    /// Its partitions in their order, as a picture. None of a role that owns nothing.
    partitions: Option<Vec<Cell>>,
    /// The same in words, owner by owner.
    owners: Vec<OwnerRow>,
    /// How many of them somebody alive has, and how many there are.
    owned: usize,
    all: usize,
    /// What is not done while nobody runs it.
    without: Option<String>,
}

/// A partition.
struct Cell {
    number: u8,
    epoch: u64,
    owner: String,
    /// The colour of its owner, 0 to 5; 6 while nobody alive has it.
    colour: usize,
    title: String,
}

/// An owner and its partitions.
struct OwnerRow {
    owner: String,
    /// Whether nobody alive has them.
    is_nobody: bool,
    count: usize,
    partitions: String,
    epochs: String,
}

/// A stream on NATS.
struct StreamRow {
    name: String,
    leader: String,
    replicas: String,
    /// Whether fewer servers have it than shall.
    is_short: bool,
    messages: u64,
    size: String,
}

#[derive(Template)]
#[template(path = "cluster_panel.html")]
struct Panel {
    t: Texts,
    members: Vec<Member>,
    roles: Vec<RoleRow>,
    kind: String,
    version: Option<String>,
    sync: String,
    streams: Vec<StreamRow>,
    /// What can be lost as the engine stands, and what nobody could prove.
    risks: Vec<Warned>,
    /// Commits in the log; none while nobody says.
    commits: Option<u64>,
    /// How they became so many: a heading and a chart each.
    charts: [(String, Chart); 2],
}

#[derive(Template)]
#[template(path = "cluster.html")]
struct Page {
    shell: Shell,
    part: Part<Panel>,
    /// The settings of the gateway that answers.
    configuration: String,
}

/// Shows the deployment to its operator.
pub(crate) async fn page(State(console): State<Console>, visit: Visit) -> Response {
    match panel_of(&console, &visit).await {
        Ok(panel) => {
            let shell = Shell::of(&visit, "cluster");
            let configuration = console.configuration.to_string();
            rendered(StatusCode::OK, &Page { shell, part: Part::new(panel), configuration })
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// The changing part alone.
pub(crate) async fn panel(State(console): State<Console>, visit: Visit, query: QueryFields) -> Response {
    match panel_of(&console, &visit).await {
        Ok(panel) => live::answer(panel, &query.0),
        Err(failure) => visit.refuse(failure),
    }
}

async fn panel_of(console: &Console, visit: &Visit) -> Result<Panel, Failure> {
    if !visit.is_operator() {
        return Err(Failure::Forbidden);
    }
    let t = visit.place.texts;
    let cluster = &visit.app.cluster;
    let (roster, claims, engine) = tokio::try_join!(cluster.members(), cluster.claims(), cluster.engine())
        .map_err(|error| Failure::unavailable("the deployment", error))?;
    let mut members: Vec<Member> =
        roster.members().map(|(seat, present)| Member::of(seat, present, t)).collect();
    // It concerns the whole deployment, and each replica that would sign says the same.
    let unsigned: BTreeSet<String> = members.iter_mut().filter_map(Member::take_unsigned).collect();
    let unsigned = unsigned.into_iter().map(|why| Warned::unsigned(why, t));
    let risks = engine.risks().into_iter().map(|risk| Warned::of(risk, t)).chain(unsigned).collect();
    let Engine { kind, version, sync, streams, .. } = engine;
    let chart = |title: &str, parts: i64, seconds: i64| {
        let chart = console.growth.chart(visit.app.now(), parts, seconds);
        let counts = [("sum", chart.sum.to_string()), ("peak", chart.peak.to_string())];
        (t.f(title, &counts), chart)
    };
    Ok(Panel {
        t,
        members,
        roles: roles(&roster, &claims, t),
        kind: t.known(&format!("engine-{kind}")).unwrap_or_else(|| kind.to_owned()),
        version,
        sync: t.known(&format!("engine-{kind}-sync")).unwrap_or(sync),
        streams: streams.into_iter().map(StreamRow::of).collect(),
        risks,
        // The charts are as old as the last look; the number is of now.
        commits: visit.app.histories.commits().await.ok(),
        charts: [chart("growth-hour", 60, 60), chart("growth-day", 96, 15 * 60)],
    })
}

fn risk_text(risk: Risk, t: Texts) -> String {
    match risk {
        Risk::Alone { streams } if streams.len() > STREAMS_NAMED_MAX => {
            t.with("risk-alone", "streams", t.with("risk-streams", "count", streams.len()))
        }
        Risk::Alone { streams } => t.with("risk-alone", "streams", streams.join(", ")),
        Risk::Unsynced { servers, longest } => {
            let seconds = longest.as_secs().to_string();
            t.f("risk-unsynced", &[("servers", servers.join(", ")), ("seconds", seconds)])
        }
        Risk::Behind { stream, current, replicas } => {
            let counts = [("current", current.to_string()), ("replicas", replicas.to_string())];
            t.f("risk-behind", &[&counts[..], &[("stream", stream)]].concat())
        }
    }
}

fn roles(roster: &Roster, claims: &[Claimed], t: Texts) -> Vec<RoleRow> {
    let work = Role::ALL.into_iter().filter(|role| *role != Role::Serve);
    work.map(|role| {
        let cells = Lease::ROLES.contains(&role).then(|| cells(roster, claims, role, t));
        RoleRow {
            role: role.as_str(),
            members: roster.members().filter(|(seat, _)| seat.role.runs(role)).count(),
            owned: cells.iter().flatten().filter(|cell| cell.colour != NOBODY).count(),
            all: cells.as_ref().map_or(0, Vec::len),
            owners: cells.as_deref().map(owners).unwrap_or_default(),
            partitions: cells,
            without: (!roster.has(role)).then(|| t.f(without(role), &[])),
        }
    })
    .collect()
}

/// Colours of owners; more of them begin anew.
const COLOURS: usize = 6;
/// The colour of what nobody alive has.
const NOBODY: usize = COLOURS;

fn cells(roster: &Roster, claims: &[Claimed], role: Role, t: Texts) -> Vec<Cell> {
    let seats: Vec<&Seat> = roster.members().map(|(seat, _)| seat).collect();
    let mut own: Vec<&Claimed> = claims.iter().filter(|claimed| claimed.lease.role == role).collect();
    own.sort_by_key(|claimed| claimed.lease.partition.number());
    let cell = |claimed: &Claimed| {
        let number = claimed.lease.partition.number();
        let place = claimed.holder.as_ref().and_then(|holder| seats.iter().position(|seat| *seat == holder));
        let owner = claimed.holder.as_ref().map_or_else(|| t.s("cluster-nobody"), |it| it.id.to_string());
        let (number_text, epoch) = (number.to_string(), claimed.epoch.to_string());
        let key = if place.is_some() { "cluster-owned" } else { "cluster-not-owned" };
        let title = t.f(key, &[("partition", number_text), ("owner", owner.clone()), ("epoch", epoch)]);
        Cell { number, epoch: claimed.epoch, owner, colour: place.map_or(NOBODY, |it| it % COLOURS), title }
    };
    own.into_iter().map(cell).collect()
}

/// Partitions by who has them: those that nobody alive has come first.
fn owners(cells: &[Cell]) -> Vec<OwnerRow> {
    let mut by_owner: BTreeMap<(bool, &str), Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        by_owner.entry((cell.colour != NOBODY, &cell.owner)).or_default().push(cell);
    }
    let row = |((is_alive, owner), cells): ((bool, &str), Vec<&Cell>)| OwnerRow {
        owner: owner.to_owned(),
        is_nobody: !is_alive,
        count: cells.len(),
        partitions: ranges(cells.iter().map(|cell| u64::from(cell.number)).collect()),
        epochs: ranges(cells.iter().map(|cell| cell.epoch).collect()),
    };
    by_owner.into_iter().map(row).collect()
}

/// Numbers as people write them: 0–12, 15, 20–22.
fn ranges(numbers: BTreeSet<u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let run = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}–{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

/// What is not done without a role.
const fn without(role: Role) -> &'static str {
    match role {
        Role::Gateway | Role::Serve => "without-gateway",
        Role::SessionAggregate => "without-session-aggregate",
        Role::Projections => "without-projections",
        Role::Webhooks => "without-webhooks",
        Role::Connector => "without-connector",
    }
}

// === impl rows ===

impl Warned {
    fn of(risk: Risk, t: Texts) -> Self {
        let names = match &risk {
            Risk::Alone { streams } if streams.len() > STREAMS_NAMED_MAX => {
                Some((t.with("risk-streams-all", "count", streams.len()), streams.join(", ")))
            }
            Risk::Alone { .. } | Risk::Unsynced { .. } | Risk::Behind { .. } => None,
        };
        Self { text: risk_text(risk, t), why: None, names }
    }

    fn unsigned(why: String, t: Texts) -> Self {
        Self { text: t.s("risk-unsigned"), why: Some(why), names: None }
    }
}

impl RoleRow {
    fn owned_text(&self, t: Texts) -> String {
        t.f("cluster-owned-count", &[("count", self.owned.to_string()), ("all", self.all.to_string())])
    }
}

impl Member {
    /// Why the process does not sign the log although it would; what it says of that is no longer among what it says.
    fn take_unsigned(&mut self) -> Option<String> {
        let why = self.says.get(EVIDENCE)?.strip_prefix(NOT_SIGNING)?.to_owned();
        self.says.remove(EVIDENCE);
        Some(why)
    }

    fn of(seat: &Seat, Present { member, leaving }: &Present, t: Texts) -> Self {
        let Status { cores, ready, says, lag_seconds, due, .. } = member.status.clone();
        Self {
            id: seat.id.to_string(),
            role: seat.role.as_str(),
            address: member.address.clone(),
            version: member.version.clone(),
            since: member.since.into(),
            leaving: *leaving,
            ready,
            cores: format!("{cores:.1}"),
            says,
            lags: lag_seconds
                .into_iter()
                .map(|(view, seconds)| (view, format!("{seconds:.1}"), seconds >= LAG_WARNED))
                .collect(),
            due: due
                .into_iter()
                .map(|(kind, count)| (t.known(&format!("due-{kind}")).unwrap_or(kind), format!("{count:.0}")))
                .collect(),
        }
    }
}

impl StreamRow {
    fn of(stream: StreamStands) -> Self {
        let StreamStands { name, leader, replicas, current, messages, bytes, is_on_disk: _, .. } = stream;
        Self {
            name,
            leader: leader.map_or_else(|| "–".to_owned(), |name| short(&name)),
            replicas: format!("{current} / {replicas}"),
            is_short: current < replicas,
            messages,
            size: size(bytes),
        }
    }
}

/// A server without a name of its own has a long id.
fn short(name: &str) -> String {
    match name.char_indices().nth(SERVER_CHARS_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    let mut scaled = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if scaled < 1_024.0 {
            break;
        }
        (scaled, unit) = (scaled / 1_024.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{scaled:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_written_in_ranges() {
        assert_eq!(ranges(BTreeSet::new()), "");
        assert_eq!(ranges((0..64).collect()), "0–63");
        assert_eq!(ranges([0, 1, 2, 5, 7, 8].into()), "0–2, 5, 7–8");
    }

    #[test]
    fn sizes_are_read_by_people() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_023), "1023 B");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(3 * 1_024 * 1_024 * 1_024), "3.0 GiB");
    }
}
