//! A linked device: what becomes of its connection.

use std::time::Duration;

use berth_proto::event::LogoutOriginV1;
use berth_upstreams::{
    UpstreamError,
    evolution::{EndedBy, Row, Socket},
};
use tokio::time::timeout;

use super::{Evolution, Material, kept, source_code};
use crate::driver::{Link, Next, Report, Reports};

/// Looks in a row after which a closed socket counts as closed: it flaps.
const CLOSED_LOOKS: u32 = 2;
/// Looks in a row after which a connection that is being opened counts as lost: it reconnects by itself at once.
const CONNECTING_LOOKS: u32 = 3;
/// Looks in a row that fail, after which nobody knows how the link stands.
const BLIND_LOOKS: u32 = 10;
/// How long what is kept of a device may take to be read, before it is looked at without.
const STORE_WAIT_MAX: Duration = Duration::from_secs(3);
/// Codes with which WhatsApp ends a session, and after which the upstream has wiped its keys.
const ENDS: [u16; 4] = [401, 402, 403, 406];

/// What was said last of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Open,
    Lost,
}

/// How often in a row the same was seen.
#[derive(Debug, Default)]
struct Looks {
    closed: u32,
    connecting: u32,
    blind: u32,
}

impl Looks {
    /// Whether nothing is being counted.
    const fn is_settled(&self) -> bool {
        self.closed == 0 && self.connecting == 0 && self.blind == 0
    }
}

/// What a look comes to.
#[derive(Debug)]
enum Seen {
    Open,
    Lost(u16, &'static str),
    Ended(LogoutOriginV1, u16),
    /// It must be seen again before it counts.
    NotSure,
}

impl Evolution {
    /// Looks after a device until its session ends or nobody wants it any more.
    pub(super) async fn keep(&self, link: &Link, name: &str, reports: &dyn Reports) {
        // Looks do not wait for a store that is away.
        let known = timeout(STORE_WAIT_MAX, kept(link)).await.ok().and_then(Result::ok).flatten();
        let (mut said, mut looks) = (Said::Nothing, Looks::default());
        loop {
            let seen = self.look(name, known.as_ref(), said, &mut looks).await;
            let next = match seen {
                Seen::Open if said != Said::Open => {
                    said = Said::Open;
                    reports.report(Report::Open).await
                }
                Seen::Lost(code, source) if said != Said::Lost => {
                    said = Said::Lost;
                    reports.report(Report::Lost { code, source_code: source.to_owned() }).await
                }
                Seen::Ended(origin, code) => {
                    if reports.report(Report::LoggedOut { origin, code }).await == Next::Continue {
                        // What is left would be found, and deleted, by nobody else.
                        let _kept_until_deleted = link.keys.delete().await;
                    }
                    return;
                }
                Seen::Open | Seen::Lost(..) | Seen::NotSure => Next::Continue,
            };
            if next == Next::Stop {
                return;
            }
            match said {
                Said::Open if looks.is_settled() => self.cadence.rest_unless_hinted(link.instance).await,
                _ if looks.is_settled() => self.cadence.pause_unless_hinted(link.instance).await,
                _ => self.cadence.pause().await,
            }
        }
    }

    async fn look(&self, name: &str, known: Option<&Material>, said: Said, looks: &mut Looks) -> Seen {
        match self.upstream.client.socket(name).await {
            Ok(Socket::Open) => {
                *looks = Looks::default();
                // Looked at when it opens: another device there is another session.
                if said != Said::Open && self.is_another(name, known).await {
                    return Seen::Ended(LogoutOriginV1::Server, 401);
                }
                Seen::Open
            }
            Ok(Socket::Closed) => {
                *looks = Looks { closed: looks.closed + 1, ..Looks::default() };
                if looks.closed < CLOSED_LOOKS { Seen::NotSure } else { self.closed(name).await }
            }
            Ok(Socket::Connecting | Socket::Unsaid) => {
                *looks = Looks { connecting: looks.connecting + 1, ..Looks::default() };
                if looks.connecting < CONNECTING_LOOKS { Seen::NotSure } else { Seen::Lost(0, "connecting") }
            }
            Err(error) => {
                *looks = Looks { blind: looks.blind + 1, ..Looks::default() };
                let code = if error == UpstreamError::NotFound { 404 } else { 0 };
                if looks.blind < BLIND_LOOKS { Seen::NotSure } else { Seen::Lost(code, source_code(error)) }
            }
        }
    }

    /// Why a socket is closed. The code of the last end stays after a reopening, so it counts only where the database says, too,
    /// that there is no session any more: while it reconnects it says `open`.
    async fn closed(&self, name: &str) -> Seen {
        let Ok(Row { socket, closed_by, ended_by, .. }) = self.upstream.client.one(name).await else {
            return Seen::NotSure;
        };
        match closed_by.filter(|_| socket == Socket::Closed) {
            Some(code) if ENDS.contains(&code) => {
                let by_phone = code == 401 && ended_by == EndedBy::Phone;
                Seen::Ended(if by_phone { LogoutOriginV1::Phone } else { LogoutOriginV1::Server }, code)
            }
            Some(code) => Seen::Lost(code, "closed"),
            None => Seen::Lost(0, "closed"),
        }
    }

    async fn is_another(&self, name: &str, known: Option<&Material>) -> bool {
        let Some(known) = known.and_then(|known| known.jid.as_ref()) else { return false };
        let row = self.upstream.client.one(name).await;
        row.is_ok_and(|row| row.owner_jid.is_some_and(|jid| jid != *known))
    }
}
