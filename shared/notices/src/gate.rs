//! May this notice be sent now? Pure.
//!
//! The rule of silence itself (R1–R5) is the domain's, [`berth_domain::instance::verdict`]; here it meets the endpoint
//! and the code that a notice is about (R6, R7).
//!
//! It is asked with the instance's last commit as the log has it, again before every attempt, and never with
//! a cached or lagging state.

use berth_domain::{
    instance::NoticeClass,
    instance::{Verdict, verdict},
};
use berth_proto::{
    Timestamp,
    delivery::SettlementV1,
    instance::{InstanceStateV1, PermissionV1, PhaseV1, WebhookV1},
};

use crate::derive::{Code, CodeKind};

/// What the gate looks at besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The kind of the notice.
    pub class: NoticeClass,
    /// The session that it belongs to.
    pub session: u32,
    /// The code that it shows, if it shows one.
    pub code: Option<&'a Code>,
    /// The moment of the question.
    pub now: Timestamp,
}

/// Asks for one notice to one endpoint; `webhook` is the endpoint in that same state, if it still has it.
pub fn gate(state: &InstanceStateV1, webhook: Option<&WebhookV1>, occasion: &Occasion<'_>) -> Verdict {
    let deleted = matches!(state.phase, PhaseV1::Deleted { .. });
    if deleted != (occasion.class == NoticeClass::Deletion) {
        return Verdict::Settle(SettlementV1::CancelledByDelete);
    }
    let Some(webhook) = webhook.filter(|webhook| webhook.enabled) else {
        return Verdict::Settle(SettlementV1::CancelledByEndpoint);
    };
    if deleted {
        return Verdict::Send;
    }
    if let Some(ended) = occasion.code.and_then(|code| code_is_over(state, code, occasion.now)) {
        return Verdict::Settle(ended);
    }
    let notice = berth_domain::instance::Notice {
        class: occasion.class,
        session: occasion.session,
        after_logout_all: webhook.after_logout_all,
    };
    verdict(state, notice)
}

/// A code is over when it has expired, when a newer one is shown and when its attempt has ended.
fn code_is_over(state: &InstanceStateV1, code: &Code, now: Timestamp) -> Option<SettlementV1> {
    if code.expires_at <= now {
        return Some(SettlementV1::Expired);
    }
    let shown = match &state.phase {
        PhaseV1::Pairing(attempt) if attempt.number == code.attempt => match code.kind {
            CodeKind::Qr => attempt.qr.as_ref(),
            CodeKind::Pairing => attempt.pairing_code.as_ref(),
        },
        _ => None,
    };
    match shown {
        Some(shown) if shown.index <= code.index => None,
        _ if state.permission == PermissionV1::Silent => Some(SettlementV1::CancelledByLogout),
        _ => Some(SettlementV1::Superseded),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{at, linked, logged_out, pairing, state, webhook};

    fn ask(class: NoticeClass, session: u32) -> Occasion<'static> {
        Occasion { class, session, code: None, now: at(0) }
    }

    #[test]
    fn the_life_of_a_session() {
        let hook = webhook("native");
        let open = state(linked(), PermissionV1::Open, 1);
        let silent = state(logged_out(), PermissionV1::Silent, 2);
        let qr_only = state(pairing(2, 1), PermissionV1::QrOnly, 2);
        let again = state(linked(), PermissionV1::Open, 2);
        let gate = |state: &InstanceStateV1, class, session| gate(state, Some(&hook), &ask(class, session));
        let cancelled = Verdict::Settle(SettlementV1::CancelledByLogout);
        assert_eq!(gate(&open, NoticeClass::Lifecycle, 1), Verdict::Send);
        // The logout cancels what is older and leaves the disconnection.
        assert_eq!(gate(&silent, NoticeClass::Lifecycle, 1), cancelled);
        assert_eq!(gate(&silent, NoticeClass::Disconnect, 1), Verdict::Send);
        // An attempt opens the way for codes only.
        assert_eq!(gate(&qr_only, NoticeClass::Disconnect, 1), Verdict::Send);
        assert_eq!(gate(&qr_only, NoticeClass::Lifecycle, 2), cancelled);
        // The link supersedes an unsettled disconnection.
        let superseded = Verdict::Settle(SettlementV1::Superseded);
        assert_eq!(gate(&again, NoticeClass::Disconnect, 1), superseded);
        assert_eq!(gate(&again, NoticeClass::Lifecycle, 2), Verdict::Send);
        // Another logout takes the place of the older one.
        assert_eq!(
            gate(&state(logged_out(), PermissionV1::Silent, 3), NoticeClass::Disconnect, 1),
            superseded
        );
    }

    #[test]
    fn codes_end() {
        let hook = webhook("native");
        let code = |attempt, index| Code { kind: CodeKind::Qr, attempt, index, expires_at: at(20) };
        let gate = |state: &InstanceStateV1, code: &Code, now| {
            gate(
                state,
                Some(&hook),
                &Occasion { class: NoticeClass::Qr, session: 1, code: Some(code), now: at(now) },
            )
        };
        let showing = state(pairing(1, 2), PermissionV1::QrOnly, 1);
        assert_eq!(gate(&showing, &code(1, 2), 0), Verdict::Send);
        assert_eq!(gate(&showing, &code(1, 2), 20), Verdict::Settle(SettlementV1::Expired));
        assert_eq!(gate(&showing, &code(1, 1), 0), Verdict::Settle(SettlementV1::Superseded));
        assert_eq!(gate(&showing, &code(2, 2), 0), Verdict::Settle(SettlementV1::Superseded));
        let open = state(linked(), PermissionV1::Open, 1);
        assert_eq!(gate(&open, &code(1, 2), 0), Verdict::Settle(SettlementV1::Superseded));
        let silent = state(logged_out(), PermissionV1::Silent, 2);
        assert_eq!(gate(&silent, &code(1, 2), 0), Verdict::Settle(SettlementV1::CancelledByLogout));
    }

    #[test]
    fn an_endpoint_that_is_gone_or_disabled_is_told_nothing() {
        let open = state(linked(), PermissionV1::Open, 1);
        let gone = Verdict::Settle(SettlementV1::CancelledByEndpoint);
        assert_eq!(gate(&open, None, &ask(NoticeClass::Lifecycle, 1)), gone);
        let disabled = WebhookV1 { enabled: false, ..webhook("native") };
        assert_eq!(gate(&open, Some(&disabled), &ask(NoticeClass::Lifecycle, 1)), gone);
    }

    #[test]
    fn deletion_blocks_everything_but_the_final_notice() {
        let deleted = state(PhaseV1::Deleted { at: at(0) }, PermissionV1::Silent, 2);
        let mut hook = webhook("native");
        for after_logout_all in [false, true] {
            hook.after_logout_all = after_logout_all;
            for class in [NoticeClass::Lifecycle, NoticeClass::Disconnect, NoticeClass::Qr] {
                let answer = gate(&deleted, Some(&hook), &ask(class, 2));
                assert_eq!(answer, Verdict::Settle(SettlementV1::CancelledByDelete));
            }
            assert_eq!(gate(&deleted, Some(&hook), &ask(NoticeClass::Deletion, 2)), Verdict::Send);
        }
    }

    proptest! {
        #[test]
        fn in_silence_nothing_but_the_last_disconnection_is_sent(
            class in prop::sample::select(vec![NoticeClass::Lifecycle, NoticeClass::Disconnect, NoticeClass::Qr, NoticeClass::Deletion]),
            session in 0_u32..4,
            current in 0_u32..4,
            index in 0_u32..3,
            with_code: bool,
            now in -30_i64..30,
        ) {
            let silent = state(logged_out(), PermissionV1::Silent, current);
            let code = Code { kind: CodeKind::Qr, attempt: 1, index, expires_at: at(0) };
            let asked = Occasion { class, session, code: with_code.then_some(&code), now: at(now) };
            if gate(&silent, Some(&webhook("native")), &asked) == Verdict::Send {
                prop_assert!(class == NoticeClass::Disconnect && session + 1 == current);
            }
            let qr_only = state(pairing(1, 1), PermissionV1::QrOnly, current);
            if gate(&qr_only, Some(&webhook("native")), &asked) == Verdict::Send {
                let session_of_class = if class == NoticeClass::Disconnect { session + 1 } else { session };
                prop_assert!(matches!(class, NoticeClass::Disconnect | NoticeClass::Qr) && session_of_class == current);
            }
        }
    }
}
