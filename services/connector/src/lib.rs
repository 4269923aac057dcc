//! Owns the device links and reports what happens on them.
