//! Decides commands and appends their events.
