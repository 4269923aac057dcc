//! Trouble that is said once.

use std::sync::atomic::{AtomicBool, Ordering};

/// Trouble that many tasks meet, again and again, until it is over: a line for each of them would hide what else is said.
#[derive(Debug, Default)]
pub struct Trouble {
    lasts: AtomicBool,
}

// === impl Trouble ===

impl Trouble {
    /// Notes that it was met; true for whoever is the first since it was over, and says it.
    pub fn begins(&self) -> bool {
        !self.lasts.swap(true, Ordering::Relaxed)
    }

    /// Notes that what failed works.
    pub fn ends(&self) {
        self.lasts.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_until_it_is_over() {
        let trouble = Trouble::default();
        assert_eq!([trouble.begins(), trouble.begins()], [true, false]);
        trouble.ends();
        assert_eq!([trouble.begins(), trouble.begins()], [true, false]);
    }
}
