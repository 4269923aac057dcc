//! The simulated driver alone, on a clock that the tests turn: times, plays and faults.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::local::FileDeviceKeys;
use berth_connector::{
    driver::{DeviceLink, Link, Next, Report, Reports, Start, UnlinkError},
    drivers::simulated::Simulated,
    keys::LinkKeys,
    simulate::Controls,
};
use berth_proto::{
    InstanceId, Timestamp,
    event::{EndReasonV1, LogoutOriginV1},
    instance::PauseReasonV1,
};
use berth_runtime::{Clock, ManualClock, MasterKey, SeededEntropy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinHandle, time::Instant};

const INSTANCE: InstanceId = InstanceId::from_bytes([7; 16]);
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const PHONE: &str = "5511987654321";

/// Writes down what a driver reports, and when.
#[derive(Debug)]
struct Recorder {
    began: Instant,
    said: Mutex<Vec<(Duration, Report)>>,
    news: Notify,
    answer: Mutex<Next>,
    keys: LinkKeys,
}

#[async_trait]
impl Reports for Recorder {
    async fn report(&self, report: Report) -> Next {
        if matches!(report, Report::Linked(_)) {
            assert!(self.keys.get().await.unwrap().is_some(), "keys are stored before a device is reported");
        }
        self.said.lock().unwrap().push((self.began.elapsed(), report));
        self.news.notify_waiters();
        *self.answer.lock().unwrap()
    }
}

struct Stage {
    driver: Arc<Simulated>,
    recorder: Arc<Recorder>,
    link: Link,
    running: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        Self::scaled(1).await
    }

    async fn scaled(by: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(FileDeviceKeys::open(folder.path()).await.unwrap());
        let entropy = Arc::new(SeededEntropy::new(3));
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
        let keys = LinkKeys::new(INSTANCE, 1, store, MasterKey::generate(&*entropy), entropy.clone());
        let recorder = Recorder {
            began: Instant::now(),
            said: Mutex::default(),
            news: Notify::new(),
            answer: Mutex::new(Next::Continue),
            keys: keys.clone(),
        };
        Self {
            driver: Arc::new(Simulated::new(clock, entropy, by)),
            recorder: Arc::new(recorder),
            link: Link { instance: INSTANCE, attempt: 1, epoch: 1, keys, upstream: None },
            running: None,
            folder,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test has no life cycle")]
    fn start(&mut self, start: Start) {
        let (driver, link) = (Arc::clone(&self.driver), self.link.clone());
        let reports = Arc::clone(&self.recorder) as Arc<dyn Reports>;
        self.running = Some(tokio::spawn(async move { driver.run(link, start, reports).await }));
    }

    /// Waits until the link has ended by itself.
    async fn ended(&mut self) {
        self.running.take().unwrap().await.unwrap();
    }

    /// Waits until the driver has said something `count` times.
    async fn said(&self, count: usize) -> Vec<Report> {
        loop {
            let news = self.recorder.news.notified();
            let said: Vec<Report> =
                self.recorder.said.lock().unwrap().iter().map(|(_, report)| report.clone()).collect();
            if said.len() >= count {
                return said;
            }
            news.await;
        }
    }

    async fn last(&self, count: usize) -> Report {
        self.said(count).await.pop().unwrap()
    }

    /// When each thing was said, in seconds, and its name.
    fn diary(&self) -> Vec<(u64, &'static str)> {
        let said = self.recorder.said.lock().unwrap();
        said.iter().map(|(at, report)| (at.as_secs(), report.name())).collect()
    }

    async fn play(&self, request: Value) -> Result<(), &'static str> {
        self.driver.play(INSTANCE, &request).await.map_err(|refused| refused.code)
    }

    /// A device that is linked and open: two reports.
    async fn linked() -> Self {
        let mut stage = Self::set().await;
        stage.link.keys.put(b"keys").await.unwrap();
        stage.start(Start::Resume);
        assert_eq!(stage.last(1).await, Report::Open);
        stage
    }
}

#[tokio::test(start_paused = true)]
async fn six_codes_are_shown_and_then_the_attempt_ends() {
    let mut stage = Stage::set().await;
    stage.start(Start::PairByQr);
    stage.ended().await;
    let expected = [0, 60, 80, 100, 120, 140].map(|at| (at, "qr")).into_iter();
    assert_eq!(stage.diary(), expected.chain([(160, "attempt_ended")]).collect::<Vec<_>>());
    let said = stage.said(7).await;
    let ended = Report::AttemptEnded { reason: EndReasonV1::CodesExhausted, code: 0 };
    assert_eq!(said.last(), Some(&ended));
    let mut texts: Vec<_> = said
        .iter()
        .filter_map(|report| match report {
            Report::Qr { text, valid } => {
                assert!(valid.as_secs() == 60 || valid.as_secs() == 20);
                assert!(text.starts_with("https://wa.me/settings/linked_devices#"));
                Some(text.clone())
            }
            _ => None,
        })
        .collect();
    texts.dedup();
    assert_eq!(texts.len(), 6, "no code is shown twice");
}

#[tokio::test(start_paused = true)]
async fn a_scale_divides_every_time() {
    let mut stage = Stage::scaled(10).await;
    stage.start(Start::PairByQr);
    stage.ended().await;
    let expected = [0, 6, 8, 10, 12, 14].map(|at| (at, "qr")).into_iter();
    assert_eq!(stage.diary(), expected.chain([(16, "attempt_ended")]).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_pairing_code_keeps_the_attempt_for_its_180_seconds() {
    let mut stage = Stage::set().await;
    stage.start(Start::PairByCode { phone: PHONE.to_owned() });
    stage.ended().await;
    let expected = [(0, "qr"), (0, "pairing_code")].into_iter();
    let codes = [60, 80, 100, 120, 140].map(|at| (at, "qr"));
    assert_eq!(stage.diary(), expected.chain(codes).chain([(180, "attempt_ended")]).collect::<Vec<_>>());
    let Report::PairingCode { text, valid } = &stage.said(2).await[1] else { panic!("no pairing code") };
    assert_eq!((text.len(), valid.as_secs()), (8, 180));
}

#[tokio::test(start_paused = true)]
async fn a_scan_needs_a_live_code_and_links_the_device() {
    let mut stage = Stage::set().await;
    assert_eq!(stage.play(json!({"action": "scan"})).await, Err("not_connected"));
    stage.start(Start::PairByQr);
    stage.said(1).await;
    assert_eq!(stage.play(json!({"action": "enter_code"})).await, Err("no_live_code"));
    assert_eq!(stage.play(json!({"action": "drop"})).await, Err("not_linked"));
    assert_eq!(stage.play(json!({"action": "scan", "phone": "no number"})).await, Err("invalid_request"));
    let scan = json!({"action": "scan", "phone": PHONE, "push_name": "Ana", "business_name": "Flores"});
    stage.play(scan).await.unwrap();
    let Report::Linked(device) = &stage.said(2).await[1] else { panic!("not linked") };
    assert_eq!(device.phone, PHONE);
    assert_eq!(device.jid, format!("{PHONE}@s.whatsapp.net"));
    assert_eq!((device.push_name.as_deref(), device.business_name.as_deref()), (Some("Ana"), Some("Flores")));
    assert_eq!(stage.last(3).await, Report::Open);
    assert_eq!(stage.play(json!({"action": "scan"})).await, Err("already_linked"));
}

#[tokio::test(start_paused = true)]
async fn a_typed_code_links_the_phone_that_it_was_asked_for() {
    let mut stage = Stage::set().await;
    stage.start(Start::PairByCode { phone: PHONE.to_owned() });
    stage.said(2).await;
    stage.play(json!({"action": "enter_code"})).await.unwrap();
    let Report::Linked(device) = stage.said(3).await.remove(2) else { panic!("not linked") };
    assert_eq!(device.phone, PHONE);
}

#[tokio::test(start_paused = true)]
async fn a_pair_error_ends_the_attempt() {
    let mut stage = Stage::set().await;
    stage.start(Start::PairByQr);
    stage.said(1).await;
    stage.play(json!({"action": "pair_error"})).await.unwrap();
    stage.ended().await;
    assert_eq!(stage.last(2).await, Report::AttemptEnded { reason: EndReasonV1::PairError, code: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_pairing_code_may_be_refused_while_qr_codes_go_on() {
    let mut stage = Stage::set().await;
    assert_eq!(
        stage.play(json!({"action": "refuse_pairing_code", "code": 418})).await,
        Err("invalid_request")
    );
    stage.play(json!({"action": "refuse_pairing_code", "code": 452})).await.unwrap();
    stage.start(Start::PairByCode { phone: PHONE.to_owned() });
    let said = stage.said(3).await;
    assert!(matches!(said[1], Report::PairingCodeRefused { code: 452, .. }), "{said:?}");
    assert!(matches!(said[2], Report::Qr { .. }), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_never_shows_a_code_says_nothing() {
    let mut stage = Stage::set().await;
    stage.play(json!({"action": "never_show_code"})).await.unwrap();
    stage.start(Start::PairByQr);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(stage.diary().is_empty());
    stage.play(json!({"action": "heal"})).await.unwrap();
    stage.running.take().unwrap().abort();
    stage.start(Start::PairByQr);
    assert!(matches!(stage.last(1).await, Report::Qr { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_back_within_the_grace_was_never_lost() {
    let stage = Stage::linked().await;
    stage.play(json!({"action": "drop"})).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(stage.play(json!({"action": "ban"})).await, Err("not_connected"));
    stage.play(json!({"action": "return"})).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(stage.diary(), [(0, "open")]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_lost_after_the_grace_and_comes_back() {
    let stage = Stage::linked().await;
    stage.play(json!({"action": "drop"})).await.unwrap();
    stage.said(3).await;
    assert_eq!(stage.diary(), [(0, "open"), (5, "lost"), (15, "open")]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_return_stays_lost_until_told() {
    let stage = Stage::linked().await;
    stage.play(json!({"action": "drop", "returns": false})).await.unwrap();
    tokio::time::sleep(Duration::from_hours(9)).await;
    assert_eq!(stage.diary(), [(0, "open"), (5, "lost")]);
    stage.play(json!({"action": "return"})).await.unwrap();
    assert_eq!(stage.last(3).await, Report::Open);
}

#[tokio::test(start_paused = true)]
async fn a_device_removed_while_it_was_away_is_refused_on_its_return() {
    let mut stage = Stage::linked().await;
    stage.play(json!({"action": "drop", "returns": false})).await.unwrap();
    stage.said(2).await;
    stage.play(json!({"action": "logout_from_phone"})).await.unwrap();
    stage.play(json!({"action": "return"})).await.unwrap();
    stage.ended().await;
    assert_eq!(stage.last(3).await, Report::LoggedOut { origin: LogoutOriginV1::Server, code: 401 });
}

#[tokio::test(start_paused = true)]
async fn a_logout_from_outside_deletes_the_keys_and_ends_the_link() {
    for (action, origin, code) in [
        ("logout_from_phone", LogoutOriginV1::Phone, 401),
        ("logout_from_server", LogoutOriginV1::Server, 403),
    ] {
        let mut stage = Stage::linked().await;
        stage.play(json!({"action": action})).await.unwrap();
        stage.ended().await;
        assert_eq!(stage.last(2).await, Report::LoggedOut { origin, code });
        assert_eq!(stage.link.keys.get().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_stops_a_link_pauses_it_and_keeps_its_keys() {
    let until = Some(NOW.plus_seconds(60));
    for (request, reason, code, until) in [
        (json!({"action": "ban", "seconds": 60}), PauseReasonV1::Banned, 101, until),
        (json!({"action": "replace"}), PauseReasonV1::Replaced, 409, None),
        (json!({"action": "outdated"}), PauseReasonV1::Outdated, 405, None),
        (json!({"action": "refuse"}), PauseReasonV1::Refused, 400, None),
    ] {
        let mut stage = Stage::linked().await;
        stage.play(request).await.unwrap();
        stage.ended().await;
        assert_eq!(stage.last(2).await, Report::Paused { reason, code, until });
        assert!(stage.link.keys.get().await.unwrap().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_without_keys_is_no_link() {
    let mut stage = Stage::set().await;
    stage.start(Start::Resume);
    stage.ended().await;
    assert_eq!(stage.last(1).await, Report::LoggedOut { origin: LogoutOriginV1::Server, code: 401 });
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_not_wanted_any_more_ends_at_its_next_report() {
    let mut stage = Stage::set().await;
    *stage.recorder.answer.lock().unwrap() = Next::Stop;
    stage.start(Start::PairByQr);
    stage.ended().await;
    assert_eq!(stage.diary(), [(0, "qr")]);
    assert_eq!(stage.play(json!({"action": "scan"})).await, Err("not_connected"));
}

#[tokio::test(start_paused = true)]
async fn an_unlink_can_fail_hang_or_be_confirmed_twice() {
    let stage = Stage::linked().await;
    let unlink = || stage.driver.unlink(stage.link.clone(), Arc::clone(&stage.recorder) as _);
    stage.play(json!({"action": "fail_unlink", "times": 2})).await.unwrap();
    assert_eq!(unlink().await, Err(UnlinkError::Unreachable));
    assert_eq!(unlink().await, Err(UnlinkError::Unreachable));
    stage.play(json!({"action": "unlink_timeout"})).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_hours(1), unlink()).await.is_err());
    stage.play(json!({"action": "heal"})).await.unwrap();
    stage.play(json!({"action": "confirm_unlink_twice"})).await.unwrap();
    assert_eq!(unlink().await, Ok(()));
    assert_eq!(stage.said(3).await[1..], [Report::Unlinked, Report::Unlinked]);
    stage.link.keys.delete().await.unwrap();
    assert_eq!(unlink().await, Err(UnlinkError::KeysLost));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_checked() {
    let stage = Stage::set().await;
    for request in [
        json!({}),
        json!({"action": "dance"}),
        json!({"action": "ban", "seconds": 0}),
        json!({"action": "ban", "seconds": "long"}),
        json!({"action": "fail_unlink", "times": -1}),
    ] {
        assert_eq!(stage.play(request.clone()).await, Err("invalid_request"), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_code_a_phone_or_keys_is_shown_in_logs_or_files() {
    let mut stage = Stage::set().await;
    stage.start(Start::PairByCode { phone: PHONE.to_owned() });
    stage.said(2).await;
    stage.play(json!({"action": "scan", "phone": PHONE, "push_name": "Ana"})).await.unwrap();
    let said = format!("{:?} {:?}", stage.said(4).await, Start::PairByCode { phone: PHONE.to_owned() });
    assert!(!said.contains(PHONE) && !said.contains("wa.me") && !said.contains("Ana"), "{said}");
    stage.link.keys.put(b"very secret material").await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(stage.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"very secret"));
        files += 1;
    }
    assert!(files >= 1);
}
