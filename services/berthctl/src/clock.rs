//! The clock of this machine, for the two things that a server cannot say: how old a notice is that came here, and
//! which name a file gets.

/// Seconds since 1970.
pub(crate) fn now_seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}
