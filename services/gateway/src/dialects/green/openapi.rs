//! The OpenAPI document of this dialect.

use utoipa::{Modify, OpenApi, PartialSchema};

use super::{
    error::ErrorBody,
    methods::{
        clear_messages_queue, clear_webhooks_queue, delete_notification, get_authorization_code,
        get_settings, get_state_instance, get_state_instance_history, get_status_instance, get_wa_settings,
        logout, qr, reboot, receive_notification, scan_qr_code, set_settings, show_messages_queue,
        update_api_token,
    },
    partner,
};
use crate::docs::{add_errors, add_in_path, operations};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Berth as GREEN-API",
        description = "GREEN-API. The token stands in the path; methods are written in any case. A method of an instance is answered once a second (`qr` three times, `receiveNotification` and `deleteNotification` a hundred times), more often with 429. Failures of partner methods come with HTTP 200 and `code`."
    ),
    paths(
        get_state_instance::run, get_status_instance::run, get_settings::run, set_settings::run,
        get_wa_settings::run, reboot::run, logout::run, qr::run, scan_qr_code::run, get_authorization_code::run,
        update_api_token::run, get_state_instance_history::run, receive_notification::run,
        delete_notification::by_path, delete_notification::by_body, clear_webhooks_queue::run,
        show_messages_queue::run, clear_messages_queue::run,
        partner::create, partner::list, partner::delete
    ),
    components(schemas(ErrorBody)),
    modifiers(&Everywhere, &ByGet)
)]
struct Document;

/// What every operation has: the parameters in its path, and the errors that do not depend on it.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for operation in operations(item) {
                if path.starts_with("/partner/") {
                    add_in_path(operation, "partnerToken", "The account's token", String::schema());
                } else {
                    let token = "The instance's or the account's token";
                    add_in_path(operation, "apiTokenInstance", token, String::schema());
                    add_in_path(operation, "idInstance", "Ten digits", u64::schema());
                    add_errors(operation, &[("401", "Wrong token"), ("403", "Unknown number")]);
                }
                let away = ("503", "A part of the deployment does not answer; try again");
                let damaged = ("500", "The instance's history is damaged");
                add_errors(operation, &[("429", "Too often"), damaged, away]);
            }
        }
    }
}

/// One SDK clears the queue with another HTTP method than the documentation.
struct ByGet;

impl Modify for ByGet {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let paths = document.paths.paths.iter_mut();
        for (_, item) in paths.filter(|(path, _)| path.contains("/clearWebhooksQueue/")) {
            let mut by_get = item.delete.clone();
            if let Some(operation) = &mut by_get {
                operation.operation_id = Some("clearWebhooksQueueByGet".to_owned());
            }
            item.get = by_get;
        }
    }
}

/// The OpenAPI document of this dialect.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
