//! Who listens to a subject: filters as a tree of their tokens, so that a subject is looked up among the filters of all
//! partitions as soon as among one.

use std::collections::HashMap;

/// Entries under filters, with the meaning that NATS gives those.
#[derive(Debug)]
pub(super) struct Routes<T> {
    /// Under the filter that ends here.
    here: Vec<T>,
    /// Under the filter that ends here with `>`: for one token more, or several.
    below: Vec<T>,
    /// Filters that go on with `*`.
    any: Option<Box<Self>>,
    /// Filters that go on with a token.
    next: HashMap<Box<str>, Self>,
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self { here: Vec::new(), below: Vec::new(), any: None, next: HashMap::new() }
    }
}

// === impl Routes ===

impl<T> Routes<T> {
    pub(super) fn insert(&mut self, filter: &str, entry: T) {
        let (path, entries): (_, fn(&mut Self) -> &mut Vec<T>) = match filter {
            ">" => (None, |node| &mut node.below),
            _ => match filter.strip_suffix(".>") {
                Some(path) => (Some(path), |node| &mut node.below),
                None => (Some(filter), |node| &mut node.here),
            },
        };
        let mut node = self;
        for token in path.into_iter().flat_map(|path| path.split('.')) {
            node = match token {
                "*" => node.any.get_or_insert_default(),
                token => node.next.entry(token.into()).or_default(),
            };
        }
        entries(node).push(entry);
    }

    /// The entries under every filter that matches a subject.
    pub(super) fn of(&self, subject: &str) -> Vec<&T> {
        let mut found = Vec::new();
        self.find(Some(subject), &mut found);
        found
    }

    fn find<'a>(&'a self, rest: Option<&str>, found: &mut Vec<&'a T>) {
        let Some(rest) = rest else {
            return found.extend(&self.here);
        };
        found.extend(&self.below);
        let (token, rest) = match rest.split_once('.') {
            Some((token, rest)) => (token, Some(rest)),
            None => (rest, None),
        };
        for node in self.next.get(token).into_iter().chain(self.any.as_deref()) {
            node.find(rest, found);
        }
    }

    /// Drops the entries that are not to be kept.
    pub(super) fn retain(&mut self, keep: &impl Fn(&T) -> bool) {
        self.here.retain(keep);
        self.below.retain(keep);
        if let Some(any) = &mut self.any {
            any.retain(keep);
        }
        for node in self.next.values_mut() {
            node.retain(keep);
        }
        self.any.take_if(|node| node.is_empty());
        self.next.retain(|_, node| !node.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.is_empty() && self.any.is_none() && self.next.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::Routes;
    use crate::subject::matches;

    #[test]
    fn what_is_not_kept_leaves_nothing_behind() {
        let mut routes = Routes::default();
        for (entry, filter) in ["a.*.c", "a.b.>", ">", "a.b"].into_iter().enumerate() {
            routes.insert(filter, entry);
        }
        routes.retain(&|entry| *entry == 3);
        assert_eq!(routes.of("a.b.c"), Vec::<&usize>::new());
        assert_eq!(routes.of("a.b"), [&3]);
        routes.retain(&|_| false);
        assert!(routes.is_empty());
    }

    fn tokens(of: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(select(of), 1..4).prop_map(|tokens| tokens.join("."))
    }

    proptest! {
        #[test]
        fn a_subject_is_found_under_the_filters_that_match_it(
            filters in prop::collection::vec((tokens(&["a", "b", "*"]), any::<bool>()), 0..8),
            subject in tokens(&["a", "b", "c"]),
        ) {
            let mut routes = Routes::default();
            let filters: Vec<String> =
                filters.into_iter().map(|(path, open)| if open { path + ".>" } else { path }).collect();
            for (entry, filter) in filters.iter().enumerate() {
                routes.insert(filter, entry);
            }
            let mut found: Vec<usize> = routes.of(&subject).into_iter().copied().collect();
            found.sort_unstable();
            let expected: Vec<usize> =
                (0..filters.len()).filter(|entry| matches(&filters[*entry], &subject)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
