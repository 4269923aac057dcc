//! The form of every answer but an error.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Success<T: ToSchema> {
    /// `success`.
    message: &'static str,
    data: T,
}

impl<T: ToSchema> Success<T> {
    pub(super) const fn of(data: T) -> Json<Self> {
        Json(Self { message: "success", data })
    }
}

/// It is done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// `success`.
    message: &'static str,
}

impl Done {
    pub(super) const fn answer() -> Json<Self> {
        Json(Self { message: "success" })
    }
}
