//! A request's body on its way to another server: bounded in size and time, never held, and not completed without leave.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::{Body, BodyDataStream, Bytes};
use futures::{Stream, StreamExt as _, stream::try_unfold};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long the next piece of a body may be on its way.
const PIECE_MAX: Duration = Duration::from_secs(30);
/// How long a whole body may take; with the largest that is allowed, a client has to send 230 KiB in a second.
const WHOLE_MAX: Duration = Duration::from_mins(10);
/// Leave that was given longer ago is asked for again before a body is completed.
const LEAVE_AGE_MAX: Duration = Duration::from_secs(1);

/// Why a body was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Cut<L> {
    /// More came than may.
    #[error("the body is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not come in time")]
    TooSlow,
    /// The client went away, or broke the rules of its body.
    #[error("the body broke off")]
    BrokenOff,
    /// Leave to complete it was refused.
    #[error("the body may not be completed")]
    Refused(L),
}

/// Follows a body from outside.
#[derive(Debug)]
pub(crate) struct Upload<L> {
    cut: Arc<Mutex<Option<Cut<L>>>>,
    /// The whole body was read, or nobody reads it any more.
    sent: CancellationToken,
}

impl<L: Send + 'static> Upload<L> {
    /// Of a request that has no body.
    pub(crate) fn none() -> Self {
        let upload = Self { cut: Arc::default(), sent: CancellationToken::new() };
        upload.sent.cancel();
        upload
    }

    /// A body as a stream of at most so many bytes, and how it fares. The last piece is kept back until the body has
    /// ended and, unless all of it was there at once, `leave` is given anew: whoever gets the stream can act on nothing
    /// but a whole body.
    pub(crate) fn of<F>(
        body: Body,
        bytes_max: u64,
        leave: impl Fn() -> F + Send + 'static,
    ) -> (Self, impl Stream<Item = Result<Bytes, BodyCut>> + Send + 'static)
    where
        F: Future<Output = Result<(), L>> + Send + 'static,
    {
        let upload = Self { cut: Arc::default(), sent: CancellationToken::new() };
        let sending = Sending {
            body: body.into_data_stream(),
            kept: None,
            left: bytes_max,
            pieces: 0,
            begun: Instant::now(),
            ended: false,
            leave,
        };
        let (cut, sent) = (Arc::clone(&upload.cut), upload.sent.clone());
        // Also when nobody reads it any more.
        let guard = sent.clone().drop_guard();
        let stream = try_unfold((sending, guard), move |(mut sending, guard)| {
            let (cut, sent) = (Arc::clone(&cut), sent.clone());
            async move {
                let next = sending.next().await;
                if sending.ended {
                    sent.cancel();
                }
                match next {
                    Ok(piece) => Ok(piece.map(|piece| (piece, (sending, guard)))),
                    Err(why) => {
                        *cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                        Err(BodyCut)
                    }
                }
            }
        });
        (upload, stream)
    }

    /// Why the body was cut off, if it was; told once.
    pub(crate) fn cut(&self) -> Option<Cut<L>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until the body was read to its end, or nobody reads it any more; whether that came in time.
    pub(crate) async fn is_over(&self) -> bool {
        timeout(PIECE_MAX, self.sent.cancelled()).await.is_ok()
    }

    /// Returns when an answer is overdue, whose head may take `answer_max` when the body has been sent.
    pub(crate) async fn overdue(&self, answer_max: Duration) {
        // A receiver that does not take the body does not answer either.
        let _sent_or_not = timeout(WHOLE_MAX, self.sent.cancelled()).await;
        sleep(answer_max).await;
    }
}

/// The receiver of a body is told no more than this.
#[derive(Debug, Clone, Copy, Error)]
#[error("the body was cut off")]
pub(crate) struct BodyCut;

/// A body that is being sent.
struct Sending<A> {
    body: BodyDataStream,
    /// The last piece that came.
    kept: Option<Bytes>,
    /// Bytes that may follow.
    left: u64,
    pieces: u64,
    begun: Instant,
    ended: bool,
    leave: A,
}

impl<A, F, L> Sending<A>
where
    A: Fn() -> F,
    F: Future<Output = Result<(), L>>,
{
    async fn next(&mut self) -> Result<Option<Bytes>, Cut<L>> {
        while !self.ended {
            let piece = timeout(PIECE_MAX, self.body.next());
            let piece = timeout_at(self.begun + WHOLE_MAX, piece).await.map_err(|_| Cut::<L>::TooSlow)?;
            let Some(piece) = piece.map_err(|_| Cut::<L>::TooSlow)? else {
                self.ended = true;
                if self.pieces > 1 || self.begun.elapsed() >= LEAVE_AGE_MAX {
                    (self.leave)().await.map_err(Cut::<L>::Refused)?;
                }
                break;
            };
            let piece = piece.map_err(|_| Cut::<L>::BrokenOff)?;
            if piece.is_empty() {
                continue;
            }
            self.left = self.left.checked_sub(piece.len() as u64).ok_or(Cut::<L>::TooLarge)?;
            self.pieces += 1;
            if let Some(before) = self.kept.replace(piece) {
                return Ok(Some(before));
            }
        }
        Ok(self.kept.take())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{channel::mpsc, pin_mut, stream};

    use super::*;

    type Piece = Result<Bytes, std::io::Error>;

    fn body(pieces: impl Stream<Item = Piece> + Send + 'static) -> Body {
        Body::from_stream(pieces)
    }

    fn piece(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    /// A body of which the first piece came, and its rest.
    fn begun(first: &'static str) -> (mpsc::UnboundedSender<Piece>, Body) {
        let (sender, rest) = mpsc::unbounded();
        sender.unbounded_send(Ok(piece(first))).unwrap();
        (sender, body(rest))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_piece_waits_for_leave_unless_all_was_there_at_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let leave = |asked: &Arc<AtomicUsize>| {
            let asked = Arc::clone(asked);
            move || {
                let nth = asked.fetch_add(1, Ordering::Relaxed);
                async move { if nth == 0 { Ok(()) } else { Err(nth) } }
            }
        };
        let (upload, sent) = Upload::of(Body::from("one"), 3, leave(&asked));
        assert_eq!(sent.map(Result::unwrap).collect::<Vec<_>>().await, ["one"]);
        assert_eq!((asked.load(Ordering::Relaxed), upload.cut()), (0, None));

        let (upload, sent) =
            Upload::of(body(stream::iter([Ok(piece("one")), Ok(piece("two"))])), 6, leave(&asked));
        assert_eq!(sent.map(Result::unwrap).collect::<Vec<_>>().await, ["one", "two"]);
        assert_eq!((asked.load(Ordering::Relaxed), upload.cut()), (1, None));

        let (sender, slow) = begun("one");
        let (upload, sent) = Upload::of(slow, 6, leave(&asked));
        pin_mut!(sent);
        let end = async {
            sleep(LEAVE_AGE_MAX).await;
            drop(sender);
        };
        let (next, ()) = futures::future::join(sent.next(), end).await;
        assert!(next.unwrap().is_err());
        assert_eq!(upload.cut(), Some(Cut::Refused(1)), "nothing of it was sent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_large_too_slow_or_broken_is_cut_off() {
        let leave = || async { Ok::<(), ()>(()) };
        let (upload, sent) = Upload::of(body(stream::iter([Ok(piece("one")), Ok(piece("two"))])), 5, leave);
        assert!(sent.map(|piece| piece.is_ok()).collect::<Vec<_>>().await.ends_with(&[false]));
        assert_eq!(upload.cut(), Some(Cut::TooLarge));

        let (_sender, slow) = begun("one");
        let (upload, sent) = Upload::of(slow, 5, leave);
        let began = Instant::now();
        assert_eq!(sent.map(|piece| piece.is_ok()).collect::<Vec<_>>().await, [false]);
        assert_eq!(upload.cut(), Some(Cut::TooSlow));
        assert!(began.elapsed() >= PIECE_MAX);

        // A piece each 29 seconds.
        let dripping = stream::unfold((), |()| async {
            sleep(Duration::from_secs(29)).await;
            Some((Ok(piece("x")), ()))
        });
        let (upload, sent) = Upload::of(body(dripping), 1_000, leave);
        let began = Instant::now();
        assert!(!sent.map(|piece| piece.is_ok()).collect::<Vec<_>>().await.ends_with(&[true]));
        assert_eq!(upload.cut(), Some(Cut::TooSlow));
        assert!(began.elapsed() >= WHOLE_MAX);

        let broken = [Ok(piece("one")), Err(std::io::Error::other("gone"))];
        let (upload, sent) = Upload::of(body(stream::iter(broken)), 5, leave);
        assert_eq!(sent.map(|piece| piece.is_ok()).collect::<Vec<_>>().await, [false]);
        assert_eq!(upload.cut(), Some(Cut::BrokenOff));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_overdue_some_time_after_the_body() {
        let (began, answer_max) = (Instant::now(), Duration::from_secs(7));
        Upload::<()>::none().overdue(answer_max).await;
        assert!((answer_max..WHOLE_MAX).contains(&began.elapsed()));
        let (upload, never_read) = Upload::of(Body::from("one"), 3, || async { Ok::<(), ()>(()) });
        let began = Instant::now();
        upload.overdue(answer_max).await;
        assert!(began.elapsed() >= WHOLE_MAX + answer_max);
        assert!(!upload.is_over().await);
        drop(never_read);
        assert!(upload.is_over().await, "nobody will read it");
    }
}
