//! The HTTP edge: the native API and the five dialects.
