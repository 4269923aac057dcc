//! How fast an endpoint wants to be told (R20): so many notices a second, so many at once.
//!
//! It stands among the options of the endpoint, sealed as they are, and is no option of a format: every endpoint can have it.

use serde_json::{Map, Value};

/// Notices a second that an endpoint can ask for at most.
pub const RATE_MAX: u32 = 1_000;
/// Notices at once that an endpoint can ask for at most: as many as one host is ever sent.
pub const CONCURRENCY_MAX: u32 = 192;

/// The option of an endpoint that wants no more in a second.
const RATE: &str = "rate";
/// The option of an endpoint that wants no more at once.
const CONCURRENCY: &str = "concurrency";

/// What an endpoint asks for; without a bound of its own it is sent what there is, within the shares of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Notices that begin to be sent in a second, from 1 to [`RATE_MAX`].
    pub rate: Option<u32>,
    /// Notices that are being sent at the same time, from 1 to [`CONCURRENCY_MAX`].
    pub concurrency: Option<u32>,
}

impl Pace {
    /// What the options of an endpoint ask for. What is out of bounds there asks for nothing.
    pub fn of(options: &Map<String, Value>) -> Self {
        let read = |name: &str, max: u32| {
            let wanted = options.get(name)?.as_u64()?;
            u32::try_from(wanted).ok().filter(|wanted| (1..=max).contains(wanted))
        };
        Self { rate: read(RATE, RATE_MAX), concurrency: read(CONCURRENCY, CONCURRENCY_MAX) }
    }

    /// The same of options that may not be there.
    pub fn of_options(options: Option<&Value>) -> Self {
        options.and_then(Value::as_object).map(Self::of).unwrap_or_default()
    }

    /// The options of an endpoint that asks for this, and for whatever else it asks for.
    pub fn on(self, options: Option<Value>) -> Option<Value> {
        let mut options = match options {
            Some(Value::Object(options)) => options,
            _ => Map::new(),
        };
        for (name, wanted) in [(RATE, self.rate), (CONCURRENCY, self.concurrency)] {
            match wanted {
                Some(wanted) => options.insert(name.to_owned(), wanted.into()),
                None => options.remove(name),
            };
        }
        (!options.is_empty()).then_some(Value::Object(options))
    }

    /// Whether it asks for anything.
    pub const fn is_bounded(self) -> bool {
        self.rate.is_some() || self.concurrency.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_stands_beside_what_a_format_keeps() {
        let asked = Pace { rate: Some(10), concurrency: Some(2) };
        let options = asked.on(Some(json!({"by_events": true})));
        assert_eq!(options, Some(json!({"by_events": true, "rate": 10, "concurrency": 2})));
        assert_eq!(Pace::of_options(options.as_ref()), asked);
        let rate_only = Pace { rate: Some(3), ..Pace::default() };
        assert_eq!(rate_only.on(options), Some(json!({"by_events": true, "rate": 3})));
        assert_eq!(Pace::default().on(asked.on(None)), None);
        assert!(asked.is_bounded() && !Pace::of_options(None).is_bounded());
    }

    #[test]
    fn what_is_out_of_bounds_asks_for_nothing() {
        for wrong in [json!(0), json!(-1), json!(1_001), json!("7"), json!(1.5), json!(null)] {
            assert_eq!(Pace::of_options(Some(&json!({"rate": wrong}))), Pace::default(), "{wrong}");
        }
        let most = json!({"rate": RATE_MAX, "concurrency": CONCURRENCY_MAX});
        let most_wanted = Pace { rate: Some(RATE_MAX), concurrency: Some(CONCURRENCY_MAX) };
        assert_eq!(Pace::of_options(Some(&most)), most_wanted);
    }
}
