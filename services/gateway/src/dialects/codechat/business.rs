//! A business as this dialect shows it.

use super::answers::BusinessShown;
use crate::{app::AccountRecord, http::time::iso_millis};

/// The business of an account.
pub(super) fn shown(account: &AccountRecord) -> BusinessShown {
    BusinessShown {
        business_id: account.id,
        name: account.name.clone(),
        business_token: account.token.clone(),
        attributes: None,
        created_at: iso_millis(account.state.created_at),
        updated_at: iso_millis(account.state.updated_at),
        deleted_at: None,
    }
}
