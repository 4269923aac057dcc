//! Which dispatcher may settle, whatever came before.

use berth_domain::delivery::{Event, Fenced, State, decide, evolve};
use berth_proto::{
    EndpointId, InstanceId, Timestamp,
    delivery::{NoticeKeyV1, NoticesSettledV1, SettledV1, SettlementV1},
};
use proptest::prelude::*;

fn settled(count: u8) -> Vec<Event> {
    let one = |ordinal: u8| SettledV1 {
        notice: NoticeKeyV1 {
            instance: InstanceId::from_bytes([1; 16]),
            version: 1,
            endpoint: EndpointId::from_bytes([2; 16]),
            ordinal: ordinal.into(),
        },
        outcome: SettlementV1::Delivered,
        attempts: 1,
        at: Timestamp(1),
    };
    let notices: Vec<_> = (0..count).map(one).collect();
    if notices.is_empty() { Vec::new() } else { vec![NoticesSettledV1 { notices }.into()] }
}

fn fold(state: Option<State>, events: &[Event]) -> Option<State> {
    events.iter().fold(state, |state, event| Some(evolve(state, event)))
}

proptest! {
    /// Dispatchers with any epochs, and guests, who have none.
    #[test]
    fn only_the_highest_epoch_settles(steps in prop::collection::vec((0_u64..6, 0_u8..4), 0..40)) {
        let (mut state, mut highest, mut count) = (None, 0, 0);
        for (epoch, notices) in steps {
            let events = settled(notices);
            let epoch = (epoch > 0).then_some(epoch);
            match decide(state.as_ref(), epoch, &events) {
                Ok(decided) => {
                    prop_assert!(epoch.is_none_or(|epoch| epoch >= highest));
                    state = fold(state, &decided);
                    highest = epoch.unwrap_or(highest);
                    count += u64::from(notices);
                    prop_assert_eq!(decide(state.as_ref(), epoch, &[]), Ok(Vec::new()), "it is taken over once");
                }
                Err(Fenced { epoch: by }) => {
                    prop_assert_eq!(by, highest);
                    prop_assert!(epoch.is_some_and(|epoch| epoch < highest));
                }
            }
            let found = state.as_ref().map_or((0, 0), |state| (state.epoch, state.settled));
            prop_assert_eq!(found, (highest, count));
        }
    }
}
