//! Of which instances every lane is in memory, when more is owed than is kept there; pure.

use std::collections::BTreeSet;

use berth_proto::InstanceId;

/// See the module. An instance is in memory with all of its lanes, or what comes is not added to it: so a lane is never without
/// its oldest notices. The view is scanned a part at a time.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// The last scan has read the instances up to this one; none if it has read them all.
    read_up_to: Option<InstanceId>,
    /// Read by themselves since.
    beyond: BTreeSet<InstanceId>,
    /// Of which something was left in the view.
    left_out: BTreeSet<InstanceId>,
}

// === impl Extent ===

impl Extent {
    /// The instances up to one are in memory, or all.
    pub(super) const fn up_to(last: Option<InstanceId>) -> Self {
        Self { read_up_to: last, beyond: BTreeSet::new(), left_out: BTreeSet::new() }
    }

    /// Nothing is, before a scan.
    pub(super) const fn of_nothing() -> Self {
        Self::up_to(Some(InstanceId::from_bytes([0; 16])))
    }

    /// A scan has read the instances behind one, up to another one or all that follow. What was left out of those before stays
    /// left out.
    pub(super) fn scanned(&mut self, after: Option<InstanceId>, last: Option<InstanceId>) {
        let is_behind = |instance: &InstanceId| last.is_some_and(|last| *instance > last);
        let is_before = |instance: &InstanceId| after.is_some_and(|after| *instance <= after);
        self.read_up_to = last;
        self.beyond.retain(is_behind);
        self.left_out.retain(|instance| is_behind(instance) || is_before(instance));
    }

    /// Whether all of an instance is in memory.
    pub(super) fn has(&self, instance: InstanceId) -> bool {
        let is_read = self.read_up_to.is_none_or(|last| instance <= last) || self.beyond.contains(&instance);
        is_read && !self.left_out.contains(&instance)
    }

    /// The last instance that a scan has read which has not read them all.
    pub(super) const fn read_up_to(&self) -> Option<InstanceId> {
        self.read_up_to
    }

    /// Instances of which something was left in the view.
    pub(super) fn left_out(&self) -> impl Iterator<Item = InstanceId> {
        self.left_out.iter().copied()
    }

    /// Something of an instance stays in the view.
    pub(super) fn leave_out(&mut self, instance: InstanceId) {
        self.left_out.insert(instance);
    }

    /// All of an instance was read.
    pub(super) fn read(&mut self, instance: InstanceId) {
        self.left_out.remove(&instance);
        if self.read_up_to.is_some_and(|last| instance > last) {
            self.beyond.insert(instance);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    impl Extent {
        /// Whether something is in the view alone.
        fn is_partial(&self) -> bool {
            self.read_up_to().is_some() || self.left_out().next().is_some()
        }
    }

    #[test]
    fn what_is_left_in_the_view_is_known_until_it_is_read() {
        let mut extent = Extent::up_to(Some(instance(5)));
        assert!(extent.has(instance(5)) && !extent.has(instance(6)) && extent.is_partial());
        extent.read(instance(6));
        extent.leave_out(instance(1));
        assert!(extent.has(instance(6)) && !extent.has(instance(1)) && !extent.has(instance(7)));
        extent.read(instance(1));
        assert!(extent.has(instance(1)));
        for left_out in [2, 6, 8] {
            extent.leave_out(instance(left_out));
        }
        extent.scanned(Some(instance(5)), Some(instance(7)));
        assert!(extent.has(instance(6)) && extent.has(instance(7)) && !extent.has(instance(8)));
        assert!(!extent.has(instance(2)), "it lay behind this part of the scan");
        extent.scanned(Some(instance(7)), None);
        assert!(extent.has(instance(8)) && !extent.has(instance(2)) && extent.is_partial());
        extent.read(instance(2));
        assert!(extent.has(instance(2)) && !extent.is_partial());
        assert!(!Extent::of_nothing().has(instance(1)));
        let mut whole = Extent::up_to(None);
        assert!(whole.has(instance(9)) && !whole.is_partial());
        whole.leave_out(instance(9));
        assert!(!whole.has(instance(9)) && whole.is_partial());
    }
}
