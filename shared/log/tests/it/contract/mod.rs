//! What every engine of the log must do, as stories.

pub(crate) mod appending;
pub(crate) mod following;
pub(crate) mod history;
pub(crate) mod tail;

/// Every story, for a macro that says what becomes of each.
macro_rules! stories {
    ($each:ident, $open:expr) => {
        crate::contract::$each! { $open;
            appending:
                a_first_commit_needs_an_empty_stream,
                a_commit_after_an_old_tail_is_a_conflict,
                a_commit_after_a_tail_that_never_was_is_a_conflict,
                a_repeated_append_answers_like_the_first,
                a_repeated_append_is_recognised_after_later_commits,
                an_append_that_is_sent_many_times_at_once_is_stored_once,
                the_tail_is_seen_right_after_the_append,
                a_stream_is_read_by_pages,
                a_commit_is_read_where_it_lies,
                streams_do_not_mix,
                a_commit_at_the_bound_is_stored_and_a_larger_one_refused,
                of_many_writers_one_wins_each_version,
                writers_of_many_streams_do_not_disturb_each_other,
                a_grown_stream_verifies,
                a_forged_commit_is_named;
            following:
                a_follower_reads_everything_from_the_start,
                a_follower_goes_on_from_a_position,
                a_follower_sees_new_commits,
                a_follower_sees_the_wanted_kinds_only,
                a_follower_of_an_empty_log_is_caught_up,
                each_shard_is_read_in_its_order_while_others_write,
                the_end_covers_every_append,
                a_position_behind_the_end_of_another_life_is_refused,
                a_position_after_the_end_is_refused;
            tail:
                a_flipped_bit_of_the_last_commit_is_noticed,
                a_state_is_found_through_a_commit_without_one,
                a_state_that_is_not_where_a_commit_says_is_refused,
                reading_back_passes_over_what_is_damaged,
                an_end_that_was_seen_is_told_from_another_one;
        }
    };
}
pub(crate) use stories;

/// A test for each story.
macro_rules! each_a_test {
    ($open:expr; $($module:ident: $($story:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                let fixture = $open().await;
                crate::contract::$module::$story(&fixture.log).await;
            }
        )+)+
    };
}
pub(crate) use each_a_test;

/// One story after the other.
macro_rules! each_in_turn {
    ($open:expr; $($module:ident: $($story:ident),+;)+) => {
        $($({
            let log = $open.await;
            Box::pin(crate::contract::$module::$story(&log)).await;
        })+)+
    };
}
pub(crate) use each_in_turn;

/// Runs every story against an engine, as a test. `$open` gives something whose `log` is an `Arc<dyn EventLog>`
/// with four empty shards.
macro_rules! contract {
    ($open:path) => {
        crate::contract::stories! { each_a_test, $open }
    };
}
pub(crate) use contract;

/// Runs every story against an engine, within one test. Each time it is evaluated, `$open` gives an
/// `Arc<dyn EventLog>` with four empty shards.
macro_rules! in_turn {
    ($open:expr) => {
        crate::contract::stories! { each_in_turn, $open }
    };
}
pub(crate) use in_turn;
