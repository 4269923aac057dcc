//! Derives webhook notices from the log and delivers them.
