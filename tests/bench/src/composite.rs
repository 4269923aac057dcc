//! The composite: what the bare parts of an answer take together if nothing else happens.

use crate::results::{LATENCIES, PER_SECOND, Place, Results, Table};

/// The parts by their names in the report.
pub(crate) const HANDLER: &str = "empty handler";
pub(crate) const ECHO: &str = "core NATS round trip";
pub(crate) const APPEND: &str = "durable append";
pub(crate) const COMPOSITE: &str = "composite";

/// The work of a bare part with so many clients.
pub(crate) fn work(part: &str, clients: usize) -> String {
    format!("{part}, {}", clients_text(clients))
}

pub(crate) fn clients_text(clients: usize) -> String {
    if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") }
}

/// Notes the composite of one round from its parts: latencies added, throughputs as parts of one budget of time.
/// Nothing is noted while a part is missing.
pub(crate) fn note(results: &mut Results, on: &str, parts: &[&str], clients: usize, round: u32) {
    let place = |part: &str| Place::new(Table::Bare, &on, work(part, clients), round);
    let whole = place(COMPOSITE);
    let values = |results: &Results, measure: &str| -> Option<Vec<f64>> {
        parts.iter().map(|part| results.value(&place(part), measure)).collect()
    };
    if let Some(rates) = values(results, PER_SECOND) {
        results.note(&whole, PER_SECOND, shared(&rates));
    }
    for (measure, _) in LATENCIES {
        if let Some(latencies) = values(results, measure) {
            results.note(&whole, measure, latencies.iter().sum());
        }
    }
}

/// The rate at which all parts can be done one after the other.
fn shared(rates: &[f64]) -> f64 {
    1.0 / rates.iter().map(|rate| 1.0 / rate).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_composite_adds_latencies_and_shares_time() {
        let mut results = Results::default();
        for (part, micros, rate) in
            [(HANDLER, 50.0, 40_000.0), (ECHO, 100.0, 40_000.0), (APPEND, 150.0, 20_000.0)]
        {
            let place = Place::new(Table::Bare, &"R1", work(part, 64), 1);
            results.note(&place, PER_SECOND, rate);
            for (measure, _) in LATENCIES {
                results.note(&place, measure, micros);
            }
        }
        note(&mut results, "R1", &[HANDLER, ECHO, APPEND], 64, 1);
        let whole = Place::new(Table::Bare, &"R1", work(COMPOSITE, 64), 1);
        assert!((results.value(&whole, PER_SECOND).unwrap() - 10_000.0).abs() < 1e-6);
        assert!((results.value(&whole, LATENCIES[1].0).unwrap() - 300.0).abs() < 1e-6);
        note(&mut results, "R3", &[HANDLER], 64, 1);
        let missing = Place::new(Table::Bare, &"R3", work(COMPOSITE, 64), 1);
        assert!(results.value(&missing, PER_SECOND).is_none());
    }
}
