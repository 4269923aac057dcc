//! Faults that are armed before they happen.

/// What is armed for an instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Faults {
    /// Attempts show no code.
    pub(super) no_code: bool,
    /// Pairing codes are refused with this code.
    pub(super) pairing_refused: Option<u16>,
    /// So many unlinks fail.
    pub(super) unlinks_to_fail: u32,
    /// Unlinks are never answered.
    pub(super) unlink_hangs: bool,
    pub(super) confirm_unlink_twice: bool,
}

/// A fault to arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arm {
    NoCode,
    RefusePairing(u16),
    FailUnlinks(u32),
    HangUnlinks,
    ConfirmUnlinkTwice,
    /// Everything works again.
    Heal,
}

impl Faults {
    pub(super) fn set(&mut self, arm: Arm) {
        match arm {
            Arm::NoCode => self.no_code = true,
            Arm::RefusePairing(code) => self.pairing_refused = Some(code),
            Arm::FailUnlinks(times) => self.unlinks_to_fail = times,
            Arm::HangUnlinks => self.unlink_hangs = true,
            Arm::ConfirmUnlinkTwice => self.confirm_unlink_twice = true,
            Arm::Heal => *self = Self::default(),
        }
    }
}
