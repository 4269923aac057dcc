//! Whole lives against a model: a much simpler machine that knows the states, the session number and the
//! permission, written from the documents and not from the code.
#![expect(clippy::match_same_arms, reason = "one arm for each move reads like the table that it is")]

use berth_domain::instance::attempt;
use berth_proto::{
    command::{
        AbandonUnlinkV1, Command, EndBanV1, ExpireAttemptV1, ReportLinkedV1, ReportOpenV1, ReportPausedV1,
    },
    frame::RejectionCodeV1,
    instance::{
        PauseReasonV1, PermissionV1,
        UnlinkStatusV1::{self, Abandoned, Confirmed, Pending},
    },
};
use proptest::{prelude::*, strategy::Union, test_runner::Config};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::life::{
    Life, START, connect, connect_phone, delete, delete_idle, disconnect, ended, logout, lost, phone_logout,
    reconnect, restart, unlinked,
};

/// What the model knows of an instance.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    words: &'static str,
    /// Where an attempt returns to.
    prior: &'static str,
    by_phone: bool,
    banned: bool,
    attempt: u32,
    session: u32,
    /// Attempts whose device is or was to be unlinked, oldest first, and how far that is.
    unlinks: Vec<(u32, UnlinkStatusV1)>,
    permission: PermissionV1,
    /// What the last move came to.
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Events,
    Nothing,
    Refused(RejectionCodeV1),
}

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Move {
    ConnectQr,
    ConnectPhone,
    Reconnect,
    Restart,
    Disconnect,
    Logout,
    DeleteIdle,
    Delete,
    CodeShown,
    AttemptEnds,
    DeviceLinks,
    Opens,
    Drops,
    Replaced,
    Banned,
    BanEnds,
    PhoneLogsOut,
    /// The oldest pending unlink is confirmed.
    Unlinked,
    /// Nobody reports until the attempt's deadline has passed.
    AttemptExpires,
    /// Nobody reports for a day.
    DayPasses,
    OwnerChanges,
}

const MOVES: [(u32, Move); 21] = [
    (8, Move::ConnectQr),
    (2, Move::ConnectPhone),
    (3, Move::Reconnect),
    (2, Move::Restart),
    (2, Move::Disconnect),
    (6, Move::Logout),
    (1, Move::DeleteIdle),
    (1, Move::Delete),
    (6, Move::CodeShown),
    (1, Move::AttemptEnds),
    (10, Move::DeviceLinks),
    (6, Move::Opens),
    (3, Move::Drops),
    (2, Move::Replaced),
    (2, Move::Banned),
    (3, Move::BanEnds),
    (2, Move::PhoneLogsOut),
    (2, Move::Unlinked),
    (2, Move::AttemptExpires),
    (1, Move::DayPasses),
    (2, Move::OwnerChanges),
];

impl Model {
    fn attempting(&self) -> bool {
        matches!(self.words, "connecting" | "pairing")
    }

    fn linked(&self) -> bool {
        self.words.starts_with("linked")
    }

    fn go(&mut self, words: &'static str) -> Answer {
        self.words = words;
        self.permission = match words {
            "connecting" | "pairing" => PermissionV1::QrOnly,
            "created" | "logged_out" | "deleted" => PermissionV1::Silent,
            _ => PermissionV1::Open,
        };
        Answer::Events
    }

    fn begin(&mut self, by_phone: bool) -> Answer {
        if !self.attempting() {
            self.prior = self.words;
        }
        self.by_phone = by_phone;
        self.attempt += 1;
        self.go("connecting")
    }

    fn connect(&mut self, by_phone: bool) -> Answer {
        match self.words {
            "paused" if self.banned => Answer::Refused(RejectionCodeV1::Banned),
            "paused" => self.go("linked/opening"),
            "connecting" | "pairing" if self.by_phone == by_phone => Answer::Nothing,
            "created" | "logged_out" | "connecting" | "pairing" => self.begin(by_phone),
            _ => Answer::Nothing,
        }
    }

    fn resume(&mut self, restart: bool) -> Answer {
        match self.words {
            "paused" if self.banned => Answer::Refused(RejectionCodeV1::Banned),
            "linked/open" if !restart => Answer::Nothing,
            "paused" | "linked/open" | "linked/opening" | "linked/lost" => self.go("linked/opening"),
            "connecting" | "pairing" => Answer::Nothing,
            _ => Answer::Refused(RejectionCodeV1::NoSession),
        }
    }

    fn end_session(&mut self, unlink: bool) {
        if unlink {
            if self.unlinks.iter().all(|one| one.1 == Pending) && self.unlinks.len() == 4 {
                self.unlinks[0].1 = Abandoned;
            }
            if self.unlinks.len() == 4 {
                let finished = self.unlinks.iter().position(|one| one.1 != Pending).unwrap();
                self.unlinks.remove(finished);
            }
            self.unlinks.push((self.attempt, Pending));
        }
        self.session += 1;
    }

    fn logout(&mut self) -> Answer {
        if self.attempting() {
            return self.go(self.prior);
        }
        if !self.linked() && self.words != "paused" {
            return Answer::Nothing;
        }
        self.end_session(true);
        self.go("logged_out")
    }

    fn delete(&mut self, idle: bool) -> Answer {
        let session = self.attempting() || self.linked() || self.words == "paused";
        if idle && session {
            return Answer::Refused(RejectionCodeV1::HasSession);
        }
        self.logout();
        self.go("deleted")
    }

    /// A report on the present attempt or link that only fits while `fits`.
    fn report(&mut self, fits: bool, to: &'static str) -> Answer {
        if fits {
            let same = self.words == to && to != "pairing";
            self.go(to);
            return if same { Answer::Nothing } else { Answer::Events };
        }
        let current = self.attempting() || self.linked() || self.words == "paused";
        Answer::Refused(if current { RejectionCodeV1::OutOfPlace } else { RejectionCodeV1::StaleAttempt })
    }

    fn pause(&mut self, banned: bool) -> Answer {
        match self.words {
            "connecting" | "pairing" => self.go(self.prior),
            "paused" if banned && !self.banned => {
                self.banned = true;
                Answer::Events
            }
            "paused" => Answer::Nothing,
            words => {
                self.banned = banned && words.starts_with("linked");
                self.report(words.starts_with("linked"), "paused")
            }
        }
    }
}

#[derive(Debug)]
struct Lives;

impl ReferenceStateMachine for Lives {
    type State = Model;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model {
            words: "created",
            prior: "created",
            by_phone: false,
            banned: false,
            attempt: 0,
            session: 1,
            unlinks: vec![],
            permission: PermissionV1::Silent,
            answer: Answer::Events,
        })
        .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Move> {
        Union::new_weighted(MOVES.map(|(weight, one)| (weight, Just(one))).to_vec()).boxed()
    }

    fn apply(mut model: Model, one: &Move) -> Model {
        // A tombstone takes nothing but the end of its unlinks.
        let unlinks = matches!(one, Move::Unlinked | Move::DayPasses | Move::OwnerChanges);
        if model.words == "deleted" && !unlinks {
            model.answer = Answer::Refused(RejectionCodeV1::Deleted);
            return model;
        }
        model.answer = match one {
            Move::ConnectQr => model.connect(false),
            Move::ConnectPhone => model.connect(true),
            Move::Reconnect => model.resume(false),
            Move::Restart => model.resume(true),
            Move::Disconnect if model.attempting() => model.go(model.prior),
            Move::Disconnect if model.linked() => {
                model.banned = false;
                model.go("paused")
            }
            Move::Disconnect => Answer::Nothing,
            Move::Logout => model.logout(),
            Move::DeleteIdle => model.delete(true),
            Move::Delete => model.delete(false),
            Move::CodeShown => model.report(model.attempting(), "pairing"),
            // The end of an attempt that has ended already is heard again without an error.
            Move::AttemptEnds if matches!(model.words, "created" | "logged_out") => Answer::Nothing,
            Move::AttemptEnds => model.report(model.attempting(), model.prior),
            Move::DeviceLinks if model.linked() || model.words == "paused" => Answer::Nothing,
            Move::DeviceLinks => model.report(model.attempting(), "linked/opening"),
            Move::Opens => model.report(model.linked(), "linked/open"),
            Move::Drops => model.report(model.linked(), "linked/lost"),
            Move::Replaced => model.pause(false),
            Move::Banned => model.pause(true),
            Move::BanEnds if model.words == "paused" && model.banned => model.go("linked/opening"),
            Move::BanEnds => Answer::Nothing,
            // It confirms the unlink if we ended the session first; later ones are heard without an error.
            Move::PhoneLogsOut if model.words == "logged_out" || model.words == "created" => {
                let attempt = model.attempt;
                match model.unlinks.iter_mut().find(|one| one.0 == attempt) {
                    Some((_, Confirmed)) => Answer::Nothing,
                    Some((_, status)) => {
                        *status = Confirmed;
                        Answer::Events
                    }
                    None if model.words == "logged_out" => Answer::Nothing,
                    None => Answer::Refused(RejectionCodeV1::StaleAttempt),
                }
            }
            Move::PhoneLogsOut => {
                let fits = model.linked() || model.words == "paused";
                let answer = model.report(fits, "logged_out");
                if fits {
                    model.end_session(false);
                }
                answer
            }
            Move::Unlinked => match model.unlinks.iter_mut().find(|one| one.1 == Pending) {
                Some((_, status)) => {
                    *status = Confirmed;
                    Answer::Events
                }
                None => Answer::Nothing,
            },
            Move::AttemptExpires if model.attempting() => model.go(model.prior),
            Move::AttemptExpires => Answer::Nothing,
            Move::DayPasses => {
                let mut answer = Answer::Nothing;
                for one in model.unlinks.iter_mut().filter(|one| one.1 == Pending) {
                    one.1 = Abandoned;
                    answer = Answer::Events;
                }
                answer
            }
            Move::OwnerChanges => Answer::Nothing,
        };
        model
    }
}

/// A ban that no move but [`Move::BanEnds`] outlives.
const BAN_SECONDS: i64 = berth_domain::instance::BAN_SECONDS_MAX - 60;

fn answer(sent: Result<berth_domain::instance::Decision, RejectionCodeV1>) -> Answer {
    match sent {
        Ok(decision) if decision.events.is_empty() => Answer::Nothing,
        Ok(_) => Answer::Events,
        Err(rejection) => Answer::Refused(rejection),
    }
}

/// The command of a move that needs the life's present attempt or report number.
fn command(life: &mut Life, one: Move) -> Command {
    let banned_until = Some(START.plus_seconds(BAN_SECONDS));
    match one {
        Move::ConnectQr => connect().into(),
        Move::ConnectPhone => connect_phone("5511").into(),
        Move::Reconnect => reconnect().into(),
        Move::Restart => restart().into(),
        Move::Disconnect => disconnect().into(),
        Move::Logout => logout().into(),
        Move::DeleteIdle => delete_idle().into(),
        Move::Delete => delete().into(),
        Move::CodeShown => {
            let expires_at = life.now.plus_seconds(20);
            crate::life::qr(life.report(), expires_at).into()
        }
        Move::AttemptEnds => ended(life.report(), berth_proto::event::EndReasonV1::CodesExhausted).into(),
        Move::DeviceLinks => ReportLinkedV1 { report: life.report(), device: crate::life::device(1) }.into(),
        Move::Opens => ReportOpenV1 { report: life.report() }.into(),
        Move::Drops => lost(life.report()).into(),
        Move::Replaced => {
            let report = life.report();
            ReportPausedV1 { report, reason: PauseReasonV1::Replaced, code: 440, until: None }.into()
        }
        Move::Banned => {
            let report = life.report();
            ReportPausedV1 { report, reason: PauseReasonV1::Banned, code: 402, until: banned_until }.into()
        }
        Move::BanEnds => EndBanV1 { attempt: life.state().attempt }.into(),
        Move::PhoneLogsOut => phone_logout(life.report()).into(),
        Move::AttemptExpires => ExpireAttemptV1 { attempt: life.state().attempt }.into(),
        Move::Unlinked | Move::DayPasses | Move::OwnerChanges => unreachable!("not one command"),
    }
}

fn pending(life: &Life) -> Vec<u32> {
    let pending = |one: &&berth_proto::instance::UnlinkV1| one.status == Pending;
    life.state().unlinks.iter().filter(pending).map(|one| one.attempt).collect()
}

#[derive(Debug)]
struct Session;

impl StateMachineTest for Session {
    type SystemUnderTest = Life;
    type Reference = Lives;

    fn init_test(_: &Model) -> Life {
        Life::created()
    }

    fn apply(mut life: Life, model: &Model, one: Move) -> Life {
        let came_to = match one {
            Move::OwnerChanges => {
                life.new_owner();
                Answer::Nothing
            }
            Move::Unlinked => match pending(&life).first() {
                Some(oldest) => answer(life.send(unlinked(*oldest))),
                None => Answer::Nothing,
            },
            Move::DayPasses => {
                let now = life.now;
                life.wait_seconds(100_000);
                let unlinks = pending(&life);
                for attempt in &unlinks {
                    life.applied(AbandonUnlinkV1 { attempt: *attempt });
                }
                // Attempts have a move of their own.
                life.now = now;
                if unlinks.is_empty() { Answer::Nothing } else { Answer::Events }
            }
            Move::AttemptExpires => {
                let deadline = attempt(life.state()).map(|attempt| attempt.deadline);
                if let Some(deadline) = deadline {
                    life.now = deadline.plus_seconds(5);
                }
                let command = command(&mut life, one);
                answer(life.send(command))
            }
            Move::BanEnds => {
                let now = life.now;
                life.now = START.plus_seconds(BAN_SECONDS);
                let command = command(&mut life, one);
                let came_to = answer(life.send(command));
                life.now = now;
                came_to
            }
            _ => {
                let command = command(&mut life, one);
                answer(life.send(command))
            }
        };
        // A new owner's first report of the same connection is an event that the model does not know.
        let takes_over = came_to == Answer::Events
            && model.answer == Answer::Nothing
            && matches!(one, Move::Opens | Move::Drops);
        if !takes_over {
            assert_eq!(came_to, model.answer, "{one:?}");
        }
        life
    }

    fn check_invariants(life: &Life, model: &Model) {
        assert_eq!(life.words(), model.words);
        let state = life.state();
        assert_eq!((state.attempt, state.session), (model.attempt, model.session));
        assert_eq!(state.permission, model.permission);
        let unlinks: Vec<_> = state.unlinks.iter().map(|one| (one.attempt, one.status)).collect();
        assert_eq!(unlinks, model.unlinks);
    }
}

prop_state_machine! {
    #![proptest_config(Config::default())]

    #[test]
    fn whole_lives_follow_the_model(sequential 1..80 => Session);
}
