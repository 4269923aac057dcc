//! The metrics of this service: names, units and help in one place.

use std::time::Duration;

use berth_domain::instance::NoticeClass;
use berth_proto::delivery::SettlementV1;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{schedule::Answer, transport::SendError};

const ATTEMPTS: &str = "berth_webhook_attempts_total";
const ATTEMPT_SECONDS: &str = "berth_webhook_attempt_seconds";
const CONNECTIONS: &str = "berth_webhook_connections_total";
const SETTLED: &str = "berth_webhook_settled_total";
const LAG_SECONDS: &str = "berth_webhook_lag_seconds";
const OWED: &str = "berth_webhook_owed";
const IN_FLIGHT: &str = "berth_webhook_in_flight";
const OLDEST_SECONDS: &str = "berth_webhook_oldest_seconds";
const BREAKERS_OPEN: &str = "berth_webhook_breakers_open";
const BREAKER_HELD: &str = "berth_webhook_breaker_held";
const BREAKER_CHANGES: &str = "berth_webhook_breaker_changes_total";
const LETTERS: &str = "berth_webhook_letters_total";
const LETTERS_WAIT: &str = "berth_webhook_letters_waiting";
const OWNED: &str = "berth_webhook_partitions";

/// Tells the exporter what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(
        ATTEMPTS,
        Unit::Count,
        "Attempts by class of notice and outcome (2xx to 5xx, or why there was no answer)."
    );
    describe_histogram!(ATTEMPT_SECONDS, Unit::Seconds, "How long attempts took, by class of notice.");
    describe_counter!(
        CONNECTIONS,
        Unit::Count,
        "Connections to endpoints: opened, kept (used once more), lost (closed by the endpoint when it was used once more; the \
         request was sent again)."
    );
    for how in ["opened", "kept", "lost"] {
        counter!(CONNECTIONS, "how" => how).increment(0);
    }
    describe_counter!(
        SETTLED,
        Unit::Count,
        "Settled notices by class and outcome; exhausted are the dead letters."
    );
    describe_histogram!(
        LAG_SECONDS,
        Unit::Seconds,
        "From the moment that a notice was due to the moment that its connection was open and it was sent."
    );
    for class in ["lifecycle", "disconnect", "qr", "final"] {
        for outcome in ["delivered", "exhausted"] {
            counter!(SETTLED, "class" => class, "outcome" => outcome).increment(0);
        }
    }
    describe_gauge!(OWED, Unit::Count, "Notices that wait or are being tried.");
    describe_gauge!(
        IN_FLIGHT,
        Unit::Count,
        "Attempts under way, by whether the notice was tried before (first, later)."
    );
    describe_gauge!(
        OLDEST_SECONDS,
        Unit::Seconds,
        "The age of the oldest notice that is still to be sent, whatever it waits for; 0 without one."
    );
    describe_gauge!(
        BREAKERS_OPEN,
        Unit::Count,
        "Endpoints that are left alone since they failed, and for which something waits here."
    );
    describe_gauge!(
        BREAKER_HELD,
        Unit::Count,
        "Lanes (an instance and an endpoint) whose notices are due and wait since their endpoint is left alone."
    );
    describe_counter!(
        BREAKER_CHANGES,
        Unit::Count,
        "Breakers that this replica saw open, or open for longer, and close (to: open, closed)."
    );
    for to in ["open", "closed"] {
        counter!(BREAKER_CHANGES, "to" => to).increment(0);
    }
    describe_counter!(
        LETTERS,
        Unit::Count,
        "Message events of upstreams by what came of them: delivered, failed (tried again), exhausted, silenced (by a \
         logout), unwanted (by the endpoint), expired, full, unreadable."
    );
    for outcome in ["delivered", "failed", "exhausted", "silenced"] {
        counter!(LETTERS, "outcome" => outcome).increment(0);
    }
    describe_gauge!(LETTERS_WAIT, Unit::Count, "Message events of upstreams that wait to be handed on here.");
    gauge!(LETTERS_WAIT).set(0.0);
    describe_gauge!(OWNED, Unit::Count, "Partitions that this replica dispatches.");
    idle();
    owned(0);
}

/// Nothing is dispatched by this replica.
pub(crate) fn idle() {
    depth(0, (0, 0));
    held((0, 0));
    oldest(Duration::ZERO);
}

/// Something came of a message event of an upstream.
pub(crate) fn letter(outcome: &'static str) {
    counter!(LETTERS, "outcome" => outcome).increment(1);
}

/// So many more wait.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^52 letters are out of reach")]
pub(crate) fn letters_wait(more: usize) {
    gauge!(LETTERS_WAIT).increment(more as f64);
}

/// So many wait no more.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^52 letters are out of reach")]
pub(crate) fn letters_gone(fewer: usize) {
    gauge!(LETTERS_WAIT).decrement(fewer as f64);
}

/// A breaker opened, or closed.
pub(crate) fn breaker(is_open: bool) {
    counter!(BREAKER_CHANGES, "to" => if is_open { "open" } else { "closed" }).increment(1);
}

/// Endpoints that are left alone although something waits for them, and lanes that wait for that.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^52 lanes are out of reach")]
pub(crate) fn held((endpoints, lanes): (usize, usize)) {
    gauge!(BREAKERS_OPEN).set(endpoints as f64);
    gauge!(BREAKER_HELD).set(lanes as f64);
}

/// How long ago that happened of which somebody waits longest to be told.
pub(crate) fn oldest(age: Duration) {
    gauge!(OLDEST_SECONDS).set(age.as_secs_f64());
}

/// So many partitions are dispatched here.
#[expect(clippy::cast_precision_loss, reason = "there are 64")]
pub(crate) fn owned(partitions: usize) {
    gauge!(OWNED).set(partitions as f64);
}

/// An attempt ended.
pub(crate) fn attempt(class: NoticeClass, answer: Result<&Answer, &SendError>, took: Duration) {
    let outcome = match answer {
        Ok(answer) => match answer.status {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        },
        Err(SendError::Refused) => "refused",
        Err(SendError::Invalid) => "invalid",
        Err(SendError::Name) => "name",
        Err(SendError::Connect) => "connect",
        Err(SendError::Busy) => "busy",
        Err(SendError::Proxy) => "proxy",
        Err(SendError::Unpermitted) => "unpermitted",
        Err(SendError::TimedOut) => "timed_out",
        Err(SendError::Broken) => "broken",
    };
    counter!(ATTEMPTS, "class" => class_word(class), "outcome" => outcome).increment(1);
    histogram!(ATTEMPT_SECONDS, "class" => class_word(class)).record(took.as_secs_f64());
}

/// A connection was opened or used once more, or was lost when it was to be.
pub(crate) fn connection(how: &'static str) {
    counter!(CONNECTIONS, "how" => how).increment(1);
}

pub(crate) fn settled(class: NoticeClass, outcome: SettlementV1) {
    let outcome = match outcome {
        SettlementV1::Delivered => "delivered",
        SettlementV1::Exhausted => "exhausted",
        SettlementV1::CancelledByLogout => "cancelled_by_logout",
        SettlementV1::CancelledByDelete => "cancelled_by_delete",
        SettlementV1::CancelledByEndpoint => "cancelled_by_endpoint",
        SettlementV1::Superseded => "superseded",
        SettlementV1::Expired => "expired",
    };
    counter!(SETTLED, "class" => class_word(class), "outcome" => outcome).increment(1);
}

/// A notice was sent this long after it was due.
pub(crate) fn lag(late: Duration) {
    histogram!(LAG_SECONDS).record(late.as_secs_f64());
}

/// What waits and what is under way.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^52 notices are out of reach")]
pub(crate) fn depth(owed: usize, (first, later): (usize, usize)) {
    gauge!(OWED).set(owed as f64);
    gauge!(IN_FLIGHT, "try" => "first").set(first as f64);
    gauge!(IN_FLIGHT, "try" => "later").set(later as f64);
}

const fn class_word(class: NoticeClass) -> &'static str {
    match class {
        NoticeClass::Lifecycle => "lifecycle",
        NoticeClass::Disconnect => "disconnect",
        NoticeClass::Qr => "qr",
        NoticeClass::Deletion => "final",
        NoticeClass::Operational => "operational",
    }
}
