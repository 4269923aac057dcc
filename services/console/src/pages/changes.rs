//! `GET /console/changes`: says that something of the account has changed, for a list that is open. What it is the page asks
//! for itself: many changes in a row are one word.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use berth_gateway::app::{AccountFollow, EventsFailure, Heard};
use futures::{Stream, StreamExt, future::ready, stream};
use tokio::time::{MissedTickBehavior, interval};

use crate::visit::Visit;

/// How often it is said at most: a thousand changes in a second are one look at the list.
const SAID_EVERY: Duration = Duration::from_secs(1);

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

/// Says so until the session ends: the browser comes back then, and is refused.
pub(crate) async fn stream(visit: Visit) -> Response {
    match visit.app.account_events.follow(visit.principal, None).await {
        Ok(follow) => {
            let words = Sse::new(said(follow)).keep_alive(KeepAlive::default());
            // nginx would keep what is short until there is more.
            ([(BUFFERING, "no")], words).into_response()
        }
        Err(EventsFailure::Call(failure)) => visit.refuse(failure),
        Err(EventsFailure::Cursor) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn said(follow: AccountFollow) -> impl Stream<Item = Result<Event, Infallible>> {
    let heard = stream::unfold(Some(follow), |follow| async move {
        let mut follow = follow?;
        match follow.hear().await {
            Ok(Heard::Events(_)) => Some((Meanwhile::Changed, Some(follow))),
            Ok(Heard::Nothing) => Some((Meanwhile::Nothing, Some(follow))),
            Ok(Heard::Stopping) | Err(_) => Some((Meanwhile::Over, None)),
        }
    });
    let mut every = interval(SAID_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let due = stream::unfold(every, |mut every| async move {
        every.tick().await;
        Some((Meanwhile::Due, every))
    });
    coalesced(stream::select(heard, due)).map(|()| Ok(Event::default().event("changed").data("")))
}

/// A word for all changes since the last one.
fn coalesced(meanwhile: impl Stream<Item = Meanwhile>) -> impl Stream<Item = ()> {
    let until_over = meanwhile.take_while(|it| ready(*it != Meanwhile::Over));
    let words = until_over.scan(false, |changed, it| {
        let say = *changed && it == Meanwhile::Due;
        *changed = (*changed && !say) || it == Meanwhile::Changed;
        ready(Some(say.then_some(())))
    });
    words.filter_map(ready)
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
        assert_eq!(words(&[Changed, Over, Due]), Some(0));
    }
}
