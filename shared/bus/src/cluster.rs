//! What can be told of a deployment as a whole: who takes part, who owns what, and what lies below.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    lease::Lease,
    member::{Roster, Seat},
    port::LeaseError,
};

/// A partition of a role, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which one.
    pub lease: Lease,
    /// The fencing epoch under which it was taken last.
    pub epoch: u64,
    /// Who took it and did not give it back; whether that one still lives shows among the members.
    pub holder: Option<Seat>,
}

/// The engine that keeps the log and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// `nats` or `embedded`.
    pub kind: &'static str,
    /// The release of the NATS server that this process is connected to.
    pub version: Option<String>,
    /// When what is acknowledged is on the disk, in words.
    pub sync: String,
    /// When each server syncs, where they say so.
    pub servers: Vec<ServerSyncs>,
    /// The streams; none embedded.
    pub streams: Vec<StreamStands>,
}

/// When a server brings to the disk what it acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSyncs {
    /// Its name.
    pub name: String,
    /// None: before it acknowledges anything.
    pub every: Option<Duration>,
}

/// How a stream of NATS stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStands {
    /// Its name.
    pub name: String,
    /// The server that leads it; none on a single server, or while none does.
    pub leader: Option<String>,
    /// How many servers shall keep it.
    pub replicas: usize,
    /// How many of them have all of it, as its leader knows; one on a single server.
    pub current: usize,
    /// Whether it is kept in files; else what is in it lives for minutes anyway.
    pub is_on_disk: bool,
    /// Messages in it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The place of the oldest message that is kept; one more than the last place if there is none.
    pub first: u64,
    /// The place of the last message that there ever was; 0 if there was none.
    pub last: u64,
}

/// Something that can be lost as an engine stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risk {
    /// One server keeps what is to be kept.
    Alone {
        /// The streams that it alone has.
        streams: Vec<String>,
    },
    /// Servers acknowledge what is not on their disks yet.
    Unsynced {
        /// Which.
        servers: Vec<String>,
        /// For how long at most.
        longest: Duration,
    },
    /// Fewer servers have all of a stream than shall.
    Behind {
        /// The stream.
        stream: String,
        /// How many have all of it.
        current: usize,
        /// How many shall.
        replicas: usize,
    },
}

// === impl Risk ===

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone { streams } => write!(
                f,
                "one server keeps {}: with its disk everything in them is lost, acknowledged commands too, with its power \
                 what it had not synced, and while it is away nothing is decided; three servers and BERTH_NATS_REPLICAS=3 \
                 survive the loss of one",
                streams.join(", ")
            ),
            Self::Unsynced { servers, longest } => write!(
                f,
                "{} may have what they acknowledged for {} s in memory alone: with the power of all servers of a stream so \
                 much of it is lost, acknowledged commands too; `sync_interval: always` in nats-server.conf loses none",
                servers.join(", "),
                longest.as_secs()
            ),
            Self::Behind { stream, current, replicas } => write!(
                f,
                "{current} of {replicas} servers have all of {stream}: until the others have caught up, fewer may fail"
            ),
        }
    }
}

// === impl Engine ===

impl Engine {
    /// What can be lost as the engine stands, and by what. None while nothing but all servers at once would have to fail.
    pub fn risks(&self) -> Vec<Risk> {
        let kept = || self.streams.iter().filter(|stream| stream.is_on_disk);
        let alone = kept().filter(|stream| stream.replicas < 2);
        let streams: Vec<String> = alone.map(|stream| stream.name.clone()).collect();
        let alone = (!streams.is_empty()).then_some(Risk::Alone { streams });
        let behind = kept().filter(|stream| stream.current < stream.replicas).map(|stream| Risk::Behind {
            stream: stream.name.clone(),
            current: stream.current,
            replicas: stream.replicas,
        });
        let unsynced: Vec<_> =
            self.servers.iter().filter_map(|server| Some((server.name.clone(), server.every?))).collect();
        let longest = unsynced.iter().map(|(_, every)| *every).max();
        let servers = unsynced.into_iter().map(|(name, _)| name).collect();
        let unsynced = longest.map(|longest| Risk::Unsynced { servers, longest });
        alone.into_iter().chain(unsynced).chain(behind).collect()
    }
}

/// Tells of the deployment.
#[async_trait]
pub trait Cluster: fmt::Debug + Send + Sync + 'static {
    /// Who takes part at this moment, and what each says of itself.
    async fn members(&self) -> Result<Roster, LeaseError>;

    /// Every partition that somebody ever had.
    async fn claims(&self) -> Result<Vec<Claimed>, LeaseError>;

    /// What lies below.
    async fn engine(&self) -> Result<Engine, LeaseError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(replicas: usize, current: usize) -> Engine {
        let stream = |name: &str, is_on_disk| StreamStands {
            name: name.to_owned(),
            leader: None,
            replicas,
            current,
            is_on_disk,
            messages: 0,
            bytes: 0,
            first: 1,
            last: 0,
        };
        let streams = vec![stream("LOG", true), stream("CODES", false)];
        Engine { kind: "nats", version: None, sync: String::new(), servers: Vec::new(), streams }
    }

    #[test]
    fn what_can_be_lost_is_said_of_what_is_to_be_kept() {
        let risks = |engine: Engine| engine.risks().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(risks(engine(3, 3)), Vec::<String>::new());
        let alone = risks(engine(1, 1));
        assert!(alone.len() == 1 && alone[0].starts_with("one server keeps LOG: with its disk"), "{alone:?}");
        let behind = risks(engine(3, 2));
        assert!(behind.len() == 1 && behind[0].starts_with("2 of 3 servers have all of LOG"), "{behind:?}");
        let server = |name: &str, every| ServerSyncs { name: name.to_owned(), every };
        let servers = vec![server("n1", None), server("n2", Some(Duration::from_mins(2)))];
        let unsynced = risks(Engine { servers, ..engine(3, 3) });
        let said = "n2 may have what they acknowledged for 120 s in memory alone";
        assert!(unsynced.len() == 1 && unsynced[0].starts_with(said), "{unsynced:?}");
    }
}
