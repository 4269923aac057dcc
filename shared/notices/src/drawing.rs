//! Pictures are drawn beside the threads that serve requests: one takes milliseconds of nothing but processor.

use berth_runtime::spawn_blocking;
use tokio::sync::Semaphore;

/// Pictures that are drawn at once; the next one waits.
const DRAWINGS_AT_ONCE_MAX: usize = 4;
static DRAWINGS: Semaphore = Semaphore::const_new(DRAWINGS_AT_ONCE_MAX);

/// What a drawing comes to, on a thread where it holds up nobody; none if the process is about to end.
pub async fn drawn<T: Send + 'static>(draw: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = DRAWINGS.acquire().await.ok()?;
    spawn_blocking(draw).await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn whoever_serves_goes_on_while_a_picture_is_drawn() {
        // The only thread that serves is this one: a drawing on it would wait for ever.
        let (go_on, told) = channel();
        let drawing = drawn(move || told.recv().unwrap());
        let serving = async move { go_on.send(7).unwrap() };
        let (picture, ()) = tokio::join!(drawing, serving);
        assert_eq!(picture, Some(7));
    }
}
