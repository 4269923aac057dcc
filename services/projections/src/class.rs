//! Classes of stored states: what the index of states is made of.

use std::borrow::Cow;

use berth_domain::instance::{STATE_DETAILS, STATE_WORDS, detail_word, effective, state_word};
use berth_proto::{
    Timestamp,
    instance::{InstanceStateV1, PauseReasonV1, PhaseV1},
};

/// Where the *stored* state of an instance stands. A deadline in it may have passed, so that a reader sees
/// another state; a class tells which words its instances can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Created,
    Connecting,
    Pairing,
    Linked,
    Paused,
    LoggedOut,
    Deleted,
    /// Paused until a moment, after which it counts as linked.
    PausedUntil,
}

impl Class {
    pub(crate) const ALL: [Self; 8] = [
        Self::Created,
        Self::Connecting,
        Self::Pairing,
        Self::Linked,
        Self::Paused,
        Self::LoggedOut,
        Self::Deleted,
        Self::PausedUntil,
    ];

    /// The class of a stored state.
    pub(crate) fn of(phase: &PhaseV1) -> Self {
        match phase {
            PhaseV1::Created => Self::Created,
            PhaseV1::Connecting(_) => Self::Connecting,
            PhaseV1::Pairing(_) => Self::Pairing,
            PhaseV1::Linked(_) => Self::Linked,
            PhaseV1::Paused(pause) if pause.reason == PauseReasonV1::Banned && pause.until.is_some() => {
                Self::PausedUntil
            }
            PhaseV1::Paused(_) => Self::Paused,
            PhaseV1::LoggedOut { .. } => Self::LoggedOut,
            PhaseV1::Deleted { .. } => Self::Deleted,
        }
    }

    /// How it stands in keys and rows.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Connecting => 1,
            Self::Pairing => 2,
            Self::Linked => 3,
            Self::Paused => 4,
            Self::LoggedOut => 5,
            Self::Deleted => 6,
            Self::PausedUntil => 7,
        }
    }

    /// The class that [`Self::byte`] wrote.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.byte() == byte)
    }

    /// The words that instances of this class can have for a reader.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Created => &["created"],
            Self::Connecting => &["connecting", "created", "logged_out"],
            Self::Pairing => &["pairing", "created", "logged_out"],
            Self::Linked => &["linked"],
            Self::Paused => &["paused"],
            Self::LoggedOut => &["logged_out"],
            Self::Deleted => &["deleted"],
            Self::PausedUntil => &["paused", "linked"],
        }
    }

    /// The word of all its instances at any moment, if they have one.
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self.words() {
            [word] => Some(word),
            _ => None,
        }
    }

    /// Whether all its instances have a wanted word, at any moment.
    pub(crate) fn always(self, wanted: &[&str]) -> bool {
        self.words().iter().all(|word| wanted.contains(word))
    }

    /// The classes in which instances with a wanted word can be.
    pub(crate) fn with(wanted: &[&str]) -> Vec<Self> {
        let can = |class: &Self| class.words().iter().any(|word| wanted.contains(word));
        Self::ALL.into_iter().filter(can).collect()
    }
}

/// A state that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateFilter {
    pub(crate) word: &'static str,
    /// What else it shall say; none is whatever it says.
    pub(crate) detail: Option<&'static str>,
}

/// The states that are asked for; an unknown one is given back.
pub(crate) fn state_filters(states: &[String], with_deleted: bool) -> Result<Vec<StateFilter>, String> {
    if states.is_empty() {
        let words = STATE_WORDS.into_iter().filter(|word| with_deleted || *word != "deleted");
        return Ok(words.map(|word| StateFilter { word, detail: None }).collect());
    }
    states
        .iter()
        .map(|text| state_filter(text).ok_or_else(|| format!("there is no state {text:?}")))
        .collect()
}

fn state_filter(text: &str) -> Option<StateFilter> {
    let Some((word, detail)) = text.split_once('.') else {
        let word = STATE_WORDS.into_iter().find(|word| *word == text)?;
        return Some(StateFilter { word, detail: None });
    };
    let (word, details) = STATE_DETAILS.into_iter().find(|(known, _)| *known == word)?;
    let detail = details.iter().find(|known| **known == detail)?;
    Some(StateFilter { word, detail: Some(detail) })
}

/// The word for a state as a reader sees it at `now`.
pub(crate) fn word_at(state: &InstanceStateV1, now: Timestamp) -> &'static str {
    let shown: Cow<'_, InstanceStateV1> = effective(state, now);
    state_word(&shown.phase)
}

/// Whether a reader sees one of the states that are asked for at `now`.
pub(crate) fn passes(state: &InstanceStateV1, filters: &[StateFilter], now: Timestamp) -> bool {
    let shown: Cow<'_, InstanceStateV1> = effective(state, now);
    let (word, detail) = (state_word(&shown.phase), detail_word(&shown.phase));
    filters.iter().any(|it| it.word == word && (it.detail.is_none() || it.detail == detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_back_and_has_its_own_word() {
        for class in Class::ALL {
            assert_eq!(Class::from_byte(class.byte()), Some(class));
            assert!(class.words().iter().all(|word| STATE_WORDS.contains(word)));
        }
        assert_eq!(Class::from_byte(8), None);
    }

    #[test]
    fn a_word_is_looked_for_wherever_it_can_be() {
        assert_eq!(Class::with(&["linked"]), [Class::Linked, Class::PausedUntil]);
        assert_eq!(Class::with(&["created"]), [Class::Created, Class::Connecting, Class::Pairing]);
        assert_eq!(Class::with(&STATE_WORDS).len(), Class::ALL.len());
        assert!(Class::Connecting.always(&["connecting", "created", "logged_out"]));
        assert!(!Class::Connecting.always(&["connecting"]));
    }

    #[test]
    fn unknown_words_are_named() {
        for unknown in ["open", "linked.", "linked.banned", "created.open", ".open", ""] {
            let refused = state_filters(&[unknown.to_owned()], false);
            assert_eq!(refused, Err(format!("there is no state {unknown:?}")));
        }
        assert_eq!(state_filters(&[], false).unwrap().len(), STATE_WORDS.len() - 1);
        assert_eq!(state_filters(&[], true).unwrap().len(), STATE_WORDS.len());
    }

    #[test]
    fn a_detail_is_asked_for_with_its_word() {
        let filters = state_filters(&["paused.banned".to_owned(), "linked".to_owned()], false).unwrap();
        let expected = [
            StateFilter { word: "paused", detail: Some("banned") },
            StateFilter { word: "linked", detail: None },
        ];
        assert_eq!(filters, expected);
    }
}
