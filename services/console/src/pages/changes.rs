//! `GET /console/changes`, `GET /console/i/{i}/changes` and `GET /link/{link}/changes`: say that something of the account, of one
//! instance, or of one attempt has changed, for a page that is open. What it is the page asks for itself: many changes in a row are
//! one word.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderName, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use berth_gateway::{
    App,
    app::{AccountFollow, EventsFailure, Failure, Follow, Heard, Turn, Waited, Watch},
};
use futures::{Stream, StreamExt, future::ready, stream};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    Console,
    pages::link,
    refusal::Refusal,
    share::{Share, Standing},
    visit::{Named, Place, Visit},
};

/// How often it is said of an account at most: a thousand changes in a second are one look at the list.
const ACCOUNT_SAID_EVERY: Duration = Duration::from_secs(1);
/// The same of one instance, of which a page is smaller and whose reader waits for a code.
const INSTANCE_SAID_EVERY: Duration = Duration::from_millis(200);

/// Tells a proxy to pass on what comes as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What happens meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Changed,
    Nothing,
    /// It may be said again.
    Due,
    Over,
}

/// Says so of the account until the session ends: the browser comes back then, and is refused.
pub(crate) async fn of_account(visit: Visit) -> Response {
    match visit.app.account_events.follow(visit.principal, None).await {
        Ok(follow) => said(heard_of_account(follow), ACCOUNT_SAID_EVERY),
        Err(EventsFailure::Call(failure)) => visit.refuse(failure),
        Err(EventsFailure::Cursor) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Says so of one instance, which may be a deleted one, until the session ends.
pub(crate) async fn of_instance(visit: Visit, named: Named) -> Response {
    let followed = async {
        let follow = visit.app.follows.follow(visit.principal, named.0).await?;
        // Asked after it is followed: what happens between the two is heard.
        let record = follow.permission().ask().await?;
        Ok::<_, Failure>((follow, record.version))
    };
    match followed.await {
        Ok((follow, version)) => said(heard_of_instance(follow, version), INSTANCE_SAID_EVERY),
        Err(failure) => visit.refuse(failure),
    }
}

/// Says so of the attempt of a link to the browser that has the link, until the attempt is over. Nothing is to be heard then, which
/// ends the browser's wish to.
pub(crate) async fn of_link(State(console): State<Console>, place: Place, link: Path<String>) -> Response {
    let followed = async {
        let Some(share) = link::claimed(&console, &place, &link) else { return Ok(None) };
        let watch = console.app.follows.watch(share.instance).await?;
        // Asked after it is watched: what happens between the two is heard.
        let Standing::Running(record) = share.standing(&console.app).await? else { return Ok(None) };
        Ok::<_, Failure>(Some(Awaited { app: console.app.clone(), share, watch, version: record.version }))
    };
    match followed.await {
        Ok(Some(awaited)) => said(heard_of_link(awaited), INSTANCE_SAID_EVERY),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => Refusal::of(failure).bare(&place),
    }
}

/// An attempt that somebody waits for who has a link to it and no token.
struct Awaited {
    app: App,
    share: Share,
    watch: Watch,
    version: u64,
}

fn heard_of_link(awaited: Awaited) -> impl Stream<Item = Meanwhile> {
    let heard = stream::unfold(Some(awaited), |awaited| async move {
        let mut awaited = awaited?;
        if let Waited::Stopping = awaited.watch.more(awaited.version).await.ok()? {
            return None;
        }
        // Also while nothing happens to the instance: links are taken back beside its history.
        match awaited.share.standing(&awaited.app).await {
            Ok(Standing::Running(record)) if record.version == awaited.version => {
                Some((Meanwhile::Nothing, Some(awaited)))
            }
            Ok(Standing::Running(record)) => {
                Some((Meanwhile::Changed, Some(Awaited { version: record.version, ..awaited })))
            }
            _ => Some((Meanwhile::Changed, None)),
        }
    });
    heard.chain(stream::once(ready(Meanwhile::Over)))
}

fn heard_of_account(follow: AccountFollow) -> impl Stream<Item = Meanwhile> {
    stream::unfold(Some(follow), |follow| async move {
        let mut follow = follow?;
        match follow.hear().await {
            Ok(Heard::Events(_)) => Some((Meanwhile::Changed, Some(follow))),
            Ok(Heard::Nothing) => Some((Meanwhile::Nothing, Some(follow))),
            Ok(Heard::Stopping) | Err(_) => Some((Meanwhile::Over, None)),
        }
    })
}

fn heard_of_instance(follow: Follow, version: u64) -> impl Stream<Item = Meanwhile> {
    stream::unfold(Some((follow, version)), |following| async move {
        let (mut follow, version) = following?;
        let changed = async {
            match follow.more(version).await? {
                // However many commits there are, the page is asked for once: so the next one waited for is behind them all.
                Turn::More(_) => Ok(Some(follow.permission().ask().await?.version)),
                Turn::Stopping => Ok::<_, Failure>(None),
            }
        };
        match changed.await {
            Ok(Some(version)) => Some((Meanwhile::Changed, Some((follow, version)))),
            Ok(None) | Err(_) => Some((Meanwhile::Over, None)),
        }
    })
}

fn said(heard: impl Stream<Item = Meanwhile> + Send + 'static, at_most_every: Duration) -> Response {
    let mut every = interval(at_most_every);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let due = stream::unfold(every, |mut every| async move {
        every.tick().await;
        Some((Meanwhile::Due, every))
    });
    let words = coalesced(stream::select(heard, due));
    // With data: a browser passes on no event that has none.
    let words = words.map(|()| Ok::<_, Infallible>(Event::default().event("changed").data("now")));
    // nginx would keep what is short until there is more.
    ([(BUFFERING, "no")], Sse::new(words).keep_alive(KeepAlive::default())).into_response()
}

/// A word for all changes since the last one. The last one is said at the end: nobody may come back to ask.
fn coalesced(meanwhile: impl Stream<Item = Meanwhile>) -> impl Stream<Item = ()> {
    stream::unfold(Some((Box::pin(meanwhile), false)), |heard| async move {
        let (mut meanwhile, mut changed) = heard?;
        loop {
            match meanwhile.next().await {
                Some(Meanwhile::Changed) => changed = true,
                Some(Meanwhile::Due) if changed => return Some(((), Some((meanwhile, false)))),
                Some(Meanwhile::Due | Meanwhile::Nothing) => {}
                Some(Meanwhile::Over) | None => return changed.then_some(((), None)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn many_changes_are_one_word_and_nothing_is_none() {
        use Meanwhile::{Changed, Due, Nothing, Over};
        let words = |meanwhile: &[Meanwhile]| {
            let all = coalesced(stream::iter(meanwhile.to_vec())).collect::<Vec<()>>();
            all.now_or_never().map(|words| words.len())
        };
        assert_eq!(words(&[Due, Nothing, Due, Due]), Some(0));
        assert_eq!(words(&[Changed, Changed, Changed, Due, Due, Due]), Some(1));
        assert_eq!(words(&[Changed, Due, Changed, Due, Nothing, Due]), Some(2));
        assert_eq!(words(&[Changed, Over, Due]), Some(1), "what is over has changed");
        assert_eq!(words(&[Changed, Due, Over, Changed, Due]), Some(1), "nothing is said behind the end");
    }
}
