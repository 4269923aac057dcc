//! Texts of many instances, laid out so that one walk finds a needle in all of them.
//!
//! A million texts of their own would be a million places in memory to go to, most of them away from the processor's
//! caches. Here texts of neighbours stand behind each other in blocks, in the order of ids, and a block is searched as one
//! run of bytes. Whoever searches takes the blocks as they are and holds up nobody who changes one.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use berth_proto::{AccountId, InstanceId};
use memchr::memmem::{self, Finder};

/// Instances of a block before it is divided.
const BLOCK_MAX: usize = 1_024;
/// What ends a line of a text, and so stands in no needle.
const LINE_END: char = '\n';

/// What one instance is found by: lines of lower case, the first of which is its phone. Each ends with a line end.
pub(crate) type Text = String;

/// Texts by instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextIndex {
    /// Blocks by the first id that may stand in them; the first block is that of the lowest id there is.
    blocks: BTreeMap<InstanceId, Arc<Block>>,
    count: usize,
    bytes: usize,
}

/// Neighbours in the order of ids.
#[derive(Debug, Clone, Default)]
struct Block {
    ids: Vec<InstanceId>,
    owners: Vec<AccountId>,
    /// Where the text of each ends in `text`.
    ends: Vec<usize>,
    text: String,
}

/// What a query looks for.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    /// In lower case; none if there is only a phone.
    text: Option<String>,
    phone: Option<String>,
}

impl Needle {
    /// What is looked for; none if nothing is.
    pub(crate) fn of(text: Option<&str>, phone: Option<&str>) -> Option<Self> {
        let text = text.filter(|text| !text.is_empty()).map(str::to_lowercase);
        (text.is_some() || phone.is_some()).then(|| Self { text, phone: phone.map(str::to_owned) })
    }

    /// The bytes that a text must have somewhere. A phone is a whole line; one that is empty is nobody's.
    fn bytes(&self) -> Option<String> {
        let within_a_line = |wanted: &&String| !wanted.is_empty() && !wanted.contains(LINE_END);
        match (&self.text, &self.phone) {
            (None, None) => None,
            (Some(text), None) => Some(text).filter(within_a_line).cloned(),
            (_, Some(phone)) => Some(phone).filter(within_a_line).map(|phone| format!("{phone}{LINE_END}")),
        }
    }

    /// Whether a text in which the bytes are has all that is looked for.
    fn is_in(&self, text: &str) -> bool {
        let phone = text.split(LINE_END).next().unwrap_or_default();
        self.text.as_ref().is_none_or(|wanted| text.contains(wanted.as_str()))
            && self.phone.as_ref().is_none_or(|wanted| phone == wanted)
    }
}

// === impl TextIndex ===

impl TextIndex {
    /// Instances that are found.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Their ids, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = InstanceId> {
        self.blocks.values().flat_map(|block| block.ids.iter().copied())
    }

    /// Bytes of all texts.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes an instance out, if it is in.
    pub(crate) fn remove(&mut self, id: InstanceId) {
        let Some((first, block)) = self.blocks.range_mut(..=id).next_back() else { return };
        let first = *first;
        let Ok(at) = block.ids.binary_search(&id) else { return };
        let block = Arc::make_mut(block);
        self.bytes -= block.remove(at);
        self.count -= 1;
        if block.ids.is_empty() {
            self.blocks.remove(&first);
        }
    }

    /// Lets an instance be found by this text alone, for its account alone.
    pub(crate) fn insert(&mut self, id: InstanceId, owner: AccountId, text: &Text) {
        self.remove(id);
        self.bytes += text.len();
        self.count += 1;
        let first = match self.blocks.range(..=id).next_back() {
            Some((first, _)) => *first,
            // Before all others: its block is the first one under a lower name.
            None => match self.blocks.pop_first() {
                Some((_, block)) => {
                    self.blocks.insert(id, block);
                    id
                }
                None => id,
            },
        };
        let block = Arc::make_mut(self.blocks.entry(first).or_default());
        block.insert(id, owner, text);
        if block.ids.len() > BLOCK_MAX {
            let (name, upper) = block.divide();
            self.blocks.insert(name, Arc::new(upper));
        }
    }

    /// The next instances after an id that are found by the needle, in the order of ids and at most `limit`; only those of
    /// the account if there is one. As long as a walk over all texts takes.
    pub(crate) fn find(
        &self,
        needle: &Needle,
        owner: Option<AccountId>,
        after: Option<InstanceId>,
        limit: usize,
    ) -> Vec<InstanceId> {
        let mut found = Vec::new();
        let Some(bytes) = needle.bytes() else { return found };
        let finder = memmem::Finder::new(bytes.as_bytes());
        let from = after.and_then(|after| Some(*self.blocks.range(..=after).next_back()?.0));
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        for block in self.blocks.range((from, Bound::Unbounded)).map(|(_, block)| block) {
            if found.len() == limit {
                break;
            }
            block.find(&finder, needle, owner, after, limit, &mut found);
        }
        found
    }
}

// === impl Block ===

impl Block {
    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default()
    }

    fn insert(&mut self, id: InstanceId, owner: AccountId, text: &str) {
        let at = self.ids.partition_point(|known| *known < id);
        let start = self.start(at);
        self.text.insert_str(start, text);
        self.ids.insert(at, id);
        self.owners.insert(at, owner);
        self.ends.insert(at, start);
        for end in self.ends.iter_mut().skip(at) {
            *end += text.len();
        }
    }

    /// Takes the text at a place out, and gives its length.
    fn remove(&mut self, at: usize) -> usize {
        let start = self.start(at);
        self.ids.remove(at);
        self.owners.remove(at);
        let length = self.ends.remove(at) - start;
        self.text.replace_range(start..start + length, "");
        for end in self.ends.iter_mut().skip(at) {
            *end -= length;
        }
        length
    }

    /// Gives its upper half away. Ids grow with time, so what comes next goes to the upper half: the lower one keeps most.
    fn divide(&mut self) -> (InstanceId, Self) {
        let middle = self.ids.len() - self.ids.len() / 8;
        let start = self.start(middle);
        let ids = self.ids.split_off(middle);
        let ends = self.ends.split_off(middle).into_iter().map(|end| end - start).collect();
        let upper =
            Self { owners: self.owners.split_off(middle), ends, text: self.text.split_off(start), ids };
        self.ids.shrink_to_fit();
        self.text.shrink_to_fit();
        (upper.ids.first().copied().unwrap_or(InstanceId::from_bytes([0; 16])), upper)
    }

    fn find(
        &self,
        finder: &Finder<'_>,
        needle: &Needle,
        owner: Option<AccountId>,
        after: Option<InstanceId>,
        limit: usize,
        found: &mut Vec<InstanceId>,
    ) {
        if owner.is_some_and(|owner| !self.owners.contains(&owner)) {
            return;
        }
        let mut from = after.map_or(0, |after| self.start(self.ids.partition_point(|id| *id <= after)));
        while found.len() < limit
            && let Some(rest) = self.text.as_bytes().get(from..)
            && let Some(hit) = finder.find(rest)
        {
            let at = self.ends.partition_point(|end| *end <= from + hit);
            let (Some(id), Some(end)) = (self.ids.get(at), self.ends.get(at)) else { return };
            let is_owned = || owner.is_none_or(|owner| self.owners.get(at) == Some(&owner));
            let text = || self.text.get(self.start(at)..*end).unwrap_or_default();
            if is_owned() && needle.is_in(text()) {
                found.push(*id);
            }
            from = *end;
        }
    }
}

#[cfg(test)]
mod tests;
