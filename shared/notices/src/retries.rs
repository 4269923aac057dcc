//! When an endpoint wants to be tried again (R17): after delays of its own instead of the usual ones.
//!
//! It stands among the options of the endpoint, sealed as they are. Endpoints of GREEN-API have the rule of that API and no other.

use std::time::Duration;

use serde_json::{Map, Value};

/// Delays that an endpoint can ask for at most.
pub const RETRIES_MAX: usize = 20;
/// Seconds of the longest one.
pub const RETRY_SECONDS_MAX: u32 = 24 * 3_600;
/// Seconds of all of them together: as long as the usual schedule takes.
pub const RETRIES_SECONDS_MAX: u32 = (75 * 60 + 35) * 60 + 5;

/// The option.
const RETRIES: &str = "retries";

/// The delays before the second, third … attempt; without any a notice is tried once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries(Vec<u32>);

impl Retries {
    /// These delays, in seconds; none if an endpoint cannot ask for them.
    pub fn new(seconds: Vec<u32>) -> Option<Self> {
        let is_within = seconds.len() <= RETRIES_MAX
            && seconds.iter().all(|delay| (1..=RETRY_SECONDS_MAX).contains(delay))
            && seconds.iter().sum::<u32>() <= RETRIES_SECONDS_MAX;
        is_within.then_some(Self(seconds))
    }

    /// What the options of an endpoint ask for. What is out of bounds there asks for nothing.
    pub fn of(options: &Map<String, Value>) -> Option<Self> {
        let seconds = options.get(RETRIES)?.as_array()?.iter();
        let seconds = seconds.map(|delay| u32::try_from(delay.as_u64()?).ok()).collect::<Option<_>>()?;
        Self::new(seconds)
    }

    /// The same of options that may not be there.
    pub fn of_options(options: Option<&Value>) -> Option<Self> {
        options.and_then(Value::as_object).and_then(Self::of)
    }

    /// The options of an endpoint that asks for this, or for the usual delays, and for whatever else it asks for.
    pub fn on(this: Option<Self>, options: Option<Value>) -> Option<Value> {
        let mut options = match options {
            Some(Value::Object(options)) => options,
            _ => Map::new(),
        };
        match this {
            Some(Self(seconds)) => options.insert(RETRIES.to_owned(), seconds.into()),
            None => options.remove(RETRIES),
        };
        (!options.is_empty()).then_some(Value::Object(options))
    }

    /// The delays in seconds.
    pub fn into_seconds(self) -> Vec<u32> {
        self.0
    }

    /// The delays.
    pub fn delays(&self) -> Vec<Duration> {
        self.0.iter().map(|seconds| Duration::from_secs(u64::from(*seconds))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_stands_beside_other_options() {
        let asked = Retries::new(vec![10, 60]).unwrap();
        let options = Retries::on(Some(asked.clone()), Some(json!({"rate": 10})));
        assert_eq!(options, Some(json!({"rate": 10, "retries": [10, 60]})));
        assert_eq!(Retries::of_options(options.as_ref()), Some(asked.clone()));
        assert_eq!(asked.delays(), [Duration::from_secs(10), Duration::from_mins(1)]);
        assert_eq!(Retries::on(None, options), Some(json!({"rate": 10})));
        assert_eq!(Retries::on(None, Retries::on(Some(asked), None)), None);
        assert_eq!(Retries::of_options(Some(&json!({"retries": []}))), Retries::new(Vec::new()));
    }

    #[test]
    fn what_is_out_of_bounds_asks_for_nothing() {
        assert_eq!(Retries::of_options(None), None);
        for wrong in [
            json!([0]),
            json!([86_401]),
            json!([1.5]),
            json!(["9"]),
            json!(9),
            json!([86_400, 86_400, 86_400, 86_400]),
        ] {
            assert_eq!(Retries::of_options(Some(&json!({"retries": wrong}))), None, "{wrong}");
        }
        assert!(Retries::new(vec![1; RETRIES_MAX + 1]).is_none());
        assert!(Retries::new(vec![86_400, 86_400, 86_400, 12_905]).is_some());
        assert!(Retries::new(vec![86_400, 86_400, 86_400, 12_906]).is_none());
    }
}
