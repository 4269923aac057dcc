//! Which instances a page of the list, or an action on many of them, is about: by state, by what a state says besides, and by
//! text.

use berth_domain::instance::{STATE_DETAILS, STATE_WORDS};
use berth_proto::{InstanceId, query::InstanceQueryV1};

use crate::form::Fields;

/// Characters of a text that is searched for.
const TEXT_CHARS_MAX: usize = 128;

/// What a query or a form asks for; words that are none ask for nothing.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// The native word of a state, or nothing.
    pub(crate) state: &'static str,
    /// What the state says besides, or nothing.
    pub(crate) detail: &'static str,
    /// A part of a name, a person, a phone or a number.
    pub(crate) q: String,
}

impl Filter {
    pub(crate) fn of(fields: &Fields) -> Self {
        let state = STATE_WORDS.into_iter().find(|word| *word == fields.get("state")).unwrap_or_default();
        let detail = details_of(state).iter().copied().find(|word| *word == fields.get("detail"));
        let q = fields.get("q").chars().take(TEXT_CHARS_MAX).collect();
        Self { state, detail: detail.unwrap_or_default(), q }
    }

    /// What the chosen state can say besides.
    pub(crate) fn details(&self) -> &'static [&'static str] {
        details_of(self.state)
    }

    /// Whether the record view counts what is asked for: it does not count texts and details.
    pub(crate) fn is_counted(&self) -> bool {
        self.q.is_empty() && self.detail.is_empty()
    }

    /// As the record view is asked.
    pub(crate) fn asked(&self, after: Option<InstanceId>, limit: u16) -> InstanceQueryV1 {
        let word = match (self.state, self.detail) {
            ("", _) => None,
            (state, "") => Some(state.to_owned()),
            (state, detail) => Some(format!("{state}.{detail}")),
        };
        InstanceQueryV1 {
            states: word.into_iter().collect(),
            text: (!self.q.is_empty()).then(|| self.q.clone()),
            with_deleted: self.state == "deleted",
            after,
            limit,
            ..InstanceQueryV1::default()
        }
    }

    /// As the query of an address, with something more.
    pub(crate) fn encoded(&self, more: &[(&str, &str)]) -> String {
        let own = [("state", self.state), ("detail", self.detail), ("q", &self.q)];
        let said = own.iter().chain(more).filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish()
    }
}

fn details_of(state: &str) -> &'static [&'static str] {
    let known = STATE_DETAILS.iter().find(|(word, _)| !state.is_empty() && *word == state);
    known.map(|(_, details)| *details).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Filter {
        Filter::of(&Fields::read(query.as_bytes()))
    }

    #[test]
    fn what_is_no_word_filters_nothing_and_a_detail_belongs_to_its_state() {
        let asked = |query: &str| filter(query).asked(None, 50).states;
        assert_eq!(asked("state=linked&detail=lost"), ["linked.lost"]);
        assert_eq!(asked("state=linked&detail=banned"), ["linked"]);
        assert_eq!(asked("state=nonsense&detail=lost"), Vec::<String>::new());
        assert!(filter("state=deleted").asked(None, 50).with_deleted);
    }

    #[test]
    fn a_filter_is_the_same_after_it_was_an_address() {
        let one = filter("state=paused&detail=banned&q=a%26b+c");
        let again = filter(&one.encoded(&[("after", "")]));
        assert_eq!((again.state, again.detail, again.q.as_str()), ("paused", "banned", "a&b c"));
        assert!(!one.is_counted() && filter("state=paused").is_counted());
    }
}
