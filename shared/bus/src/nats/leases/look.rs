//! Seeing who is alive. One list of names tells; what a member says of itself is read once for each life of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    super::{outage::is_away, stream::StreamError},
    Inner, LeaseBucket,
    bucket::{self, Sign},
};
use crate::member::{Member, Present, Roster, Seat};

/// How often is looked who is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Inner {
    /// Looks who is there, again and again.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut known = BTreeMap::new();
        let mut sees = true;
        loop {
            match see(self.bucket(), &mut known).await {
                Ok(roster) => {
                    sees = true;
                    let roster = Arc::new(roster);
                    self.news.send_if_modified(|news| {
                        let is_news = !news.roster.is_like(&roster);
                        // What members say of themselves is no news.
                        news.roster = roster;
                        is_news
                    });
                }
                // Who cannot be seen is not gone.
                Err(error) if !is_away() && std::mem::replace(&mut sees, false) => {
                    tracing::warn!(%error, "who takes part in the deployment cannot be seen now");
                }
                Err(_) => {}
            }
            // Woken up sooner when we have become one of them.
            drop(timeout(LOOK_EVERY, self.look.notified()).await);
        }
    }
}

/// Who is there at this moment. `known` is what was read of the members of the last look.
pub(super) async fn see(
    bucket: &dyn LeaseBucket,
    known: &mut BTreeMap<Seat, Member>,
) -> Result<Roster, StreamError> {
    let names = bucket.subjects(bucket::MEMBERS).await?;
    let (mut living, mut leaving) = (Vec::new(), Vec::new());
    for sign in names.iter().filter_map(|name| bucket::read_sign(name)) {
        match sign {
            Sign::Lives(seat) => living.push(seat),
            Sign::Leaves(seat, start) => leaving.push((seat, start)),
        }
    }
    let mut members = Vec::with_capacity(living.len());
    for seat in living {
        let may_be_another = leaving.iter().any(|(who, _)| *who == seat);
        let member = match known.remove(&seat).filter(|_| !may_be_another) {
            Some(member) => member,
            None => match read_member(bucket, &seat).await? {
                Some(member) => member,
                None => continue,
            },
        };
        let is_leaving = leaving.iter().any(|(who, start)| *who == seat && *start == member.start);
        members.push((seat, Present { member, leaving: is_leaving }));
    }
    *known = members.iter().map(|(seat, present)| (seat.clone(), present.member.clone())).collect();
    Ok(Roster::new(members))
}

/// What a member says of itself; none if there is no such member, whatever stands there.
async fn read_member(bucket: &dyn LeaseBucket, seat: &Seat) -> Result<Option<Member>, StreamError> {
    let last = bucket.last(&bucket::member_subject(seat)).await?;
    Ok(last.and_then(|last| bucket::decode_member(&last.payload)).filter(|member| member.id == seat.id))
}
