//! Metrics as a scraper reads them. One test, since telemetry is set up once in a process.

use berth_runtime::{Settings, config::Sources, telemetry};

#[test]
fn what_is_recorded_is_rendered_with_the_metrics_of_the_process() {
    let settings = Settings::load(&Sources::none()).unwrap();
    let metrics = telemetry::init(&settings.log).unwrap();
    metrics::counter!("berth_commands_total", "outcome" => "accepted").increment(2);
    metrics::histogram!("berth_command_seconds").record(0.004);
    let text = metrics.render();
    assert!(text.contains("berth_commands_total{outcome=\"accepted\"} 2"), "{text}");
    assert!(text.contains("berth_command_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    if cfg!(target_os = "linux") {
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }
    assert!(telemetry::init(&settings.log).is_err(), "a second set-up is refused");
}
