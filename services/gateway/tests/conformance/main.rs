//! The six dialects over HTTP, request and complete answer side by side.
//!
//! Each story runs on a whole deployment of its own, in this process. What it tells is compared with a file in
//! `snapshots`; a change of a contract is a change of such a file, to be read before it is accepted
//! (`INSTA_UPDATE=always` writes what was told).

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod account_streams;
mod accounts;
mod audit;
mod away;
mod borders;
mod callers;
mod codechat;
mod codechat_business;
mod codechat_businesses;
mod codechat_clients;
mod codechat_input;
mod codechat_webhooks;
mod connections;
mod cross_origin;
mod documents;
mod evolution;
mod evolution_clients;
mod evolution_go;
mod evolution_go_webhooks;
mod evolution_input;
mod evolution_paths;
mod evolution_webhooks;
mod gate;
mod green;
mod green_clients;
mod green_input;
mod green_webhooks;
mod heard;
mod mega;
mod mega_input;
mod mega_webhooks;
mod moving;
mod native;
mod native_account_webhooks;
mod native_deliveries;
mod quotas;
mod receiver;
mod renaming;
mod ryze;
mod ryze_input;
mod ryze_webhooks;
mod story;
mod streams;
mod world;

/// Compares a story with the file of its name.
fn is_told(name: &str, story: &story::Story<'_>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, story.told()));
}
