//! `GET /v1/checkpoints` and what lies below it: what is signed about the log.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use berth_proto::{
    Hash,
    evidence::{CHECKPOINTS_MAX, PublishedV1},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{App, Failure},
    native::{
        body::QueryOf,
        call::{Caller, PathOf},
        problem::Problem,
        render::{answer, time},
    },
};

/// Checkpoints of a page if the query does not say.
const LIMIT_DEFAULT: u16 = 50;
/// Hashes of a full tile.
const TILE_WIDTH: u16 = 256;

/// What is signed about the log now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckpointsBody {
    /// The id of the deployment.
    deployment: String,
    /// How many shards the log has, each with a tree of its own.
    shards: u8,
    /// The last checkpoint of each shard; a shard without commits has none.
    checkpoints: Vec<CheckpointBody>,
    /// The keys that sign, the first first.
    keys: Vec<KeyBody>,
    /// Why something is not signed at present.
    trouble: Option<String>,
}

/// A checkpoint of a shard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "number": 12, "shard": 0, "origin": "berth/6c2xl3gqz5vw4kkp2s3mt4ehoa/0", "size": 1024,
    "root": "7Cv+/gVNRGQVK0kPHJOnh5q2x5AKk2RWhTsmZ/uUyhk=", "published_at": "2026-11-21T10:08:00.000000Z",
    "note": "berth/6c2xl3gqz5vw4kkp2s3mt4ehoa/0\n1024\n7Cv+/gVNRGQVK0kPHJOnh5q2x5AKk2RWhTsmZ/uUyhk=\n\n— berth/6c2xl3gqz5vw4kkp2s3mt4ehoa/0 WzNNhm4H…\n"
})))]
pub(super) struct CheckpointBody {
    /// Its number; later ones of the shard have higher numbers.
    number: u64,
    /// The shard.
    shard: u8,
    /// Whose tree it is.
    origin: String,
    /// How many commits the tree has.
    size: u64,
    /// The root of the tree, in base64.
    root: String,
    /// When it was published, by the clock of whoever signed it. No part of what is signed.
    published_at: String,
    /// What is signed, with the signature: C2SP `tlog-checkpoint`.
    note: String,
}

impl CheckpointBody {
    pub(super) fn of(published: PublishedV1) -> Self {
        let mut lines = published.note.lines().map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        Self {
            origin: line(),
            size: line().parse().unwrap_or_default(),
            root: line(),
            number: published.number,
            shard: published.shard,
            published_at: time(published.published_at),
            note: published.note,
        }
    }
}

/// A key that signs checkpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyBody {
    /// Its number: 1 for the first.
    number: usize,
    /// The ed25519 public key, in base64.
    public_key: String,
    /// The note that announces it, signed by the key before it and by itself.
    announcement: String,
}

impl KeyBody {
    fn of((place, announcement): (usize, String)) -> Self {
        let public_key = announcement.lines().nth(2).unwrap_or_default().to_owned();
        Self { number: place + 1, public_key, announcement }
    }
}

/// Shows the last checkpoint of each shard of the log, and the keys that sign.
#[utoipa::path(
    get, operation_id = "get_checkpoints", path = "/v1/checkpoints", tag = "evidence",
    responses((status = 200, body = CheckpointsBody))
)]
pub(super) async fn latest(State(app): State<App>, _caller: Caller) -> Result<Response, Problem> {
    let latest = app.evidence.latest().await?;
    let body = CheckpointsBody {
        deployment: latest.deployment,
        shards: latest.shards,
        checkpoints: latest.published.into_iter().map(CheckpointBody::of).collect(),
        keys: latest.keys.into_iter().enumerate().map(KeyBody::of).collect(),
        trouble: latest.trouble,
    };
    Ok(answer(StatusCode::OK, body, false))
}

/// The query of a page of checkpoints.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// The number after which the page starts.
    after: Option<u64>,
    /// Most checkpoints of the page: 1 to 100, 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

/// A page of checkpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckpointPageBody {
    /// Checkpoints, oldest first.
    checkpoints: Vec<CheckpointBody>,
    /// The `after` of the next page; none on the last page.
    next_after: Option<u64>,
}

/// Lists the checkpoints of a shard in the order in which they were published.
#[utoipa::path(
    get, operation_id = "list_checkpoints", path = "/v1/checkpoints/{s}", tag = "evidence",
    params(("s" = String, Path, description = "Shard: a number from 0"), PageQuery),
    responses((status = 200, body = CheckpointPageBody))
)]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
    PathOf(shard): PathOf<String>,
    query: QueryOf<PageQuery>,
) -> Result<Response, Problem> {
    let limit = query.0.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=CHECKPOINTS_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 100 is expected."));
    }
    let (published, more) =
        app.evidence.page(number(&shard)?, query.0.after.unwrap_or_default(), limit).await?;
    let next_after = published.last().filter(|_| more).map(|last| last.number);
    let checkpoints = published.into_iter().map(CheckpointBody::of).collect();
    Ok(answer(StatusCode::OK, CheckpointPageBody { checkpoints, next_after }, false))
}

/// The last checkpoint of a shard as it was signed: C2SP `tlog-tiles` reads it here.
#[utoipa::path(
    get, operation_id = "get_checkpoint_note", path = "/v1/checkpoints/{s}/checkpoint", tag = "evidence",
    params(("s" = String, Path, description = "Shard: a number from 0")),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(super) async fn note(
    State(app): State<App>,
    _caller: Caller,
    PathOf(shard): PathOf<String>,
) -> Result<Response, Problem> {
    let shard = number(&shard)?;
    let latest = app.evidence.latest().await?;
    let last = latest.published.into_iter().find(|published| published.shard == shard);
    Ok(last.ok_or(Failure::NotFound)?.note.into_response())
}

/// Which trees are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsistencyQuery {
    /// The size of the smaller tree: from 1.
    #[param(minimum = 1)]
    from: u64,
    /// The size of the larger tree.
    #[param(minimum = 1)]
    to: u64,
}

/// That a larger tree begins with a smaller one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "from": 3, "to": 4, "path": [
        "bS4kNc4yz8DPfxgsE8fwB1gnpHVvhUIj6VXtrW8YIss=", "vj8hS0xXKQp0tbMJm3LQcTqMlJYVhwkgsuKHvTn9MMo=",
        "N3RLqk1nBbXlJcW3kC0AKeRc6dCIq4oZ2aQbCeu6pI8="
    ]
})))]
pub(super) struct ConsistencyBody {
    /// The size of the smaller tree.
    from: u64,
    /// The size of the larger tree.
    to: u64,
    /// The proof of RFC 6962, section 2.1.2: hashes in base64.
    path: Vec<String>,
}

/// Proves that nothing before a checkpoint was changed or taken away by a later one.
#[utoipa::path(
    get, operation_id = "prove_consistency", path = "/v1/checkpoints/{s}/consistency", tag = "evidence",
    params(("s" = String, Path, description = "Shard: a number from 0"), ConsistencyQuery),
    responses((status = 200, body = ConsistencyBody))
)]
pub(super) async fn consistency(
    State(app): State<App>,
    _caller: Caller,
    PathOf(shard): PathOf<String>,
    query: QueryOf<ConsistencyQuery>,
) -> Result<Response, Problem> {
    let ConsistencyQuery { from, to } = query.0;
    if from == 0 || from > to {
        return Err(Problem::invalid("`from`: 1 or more is expected, and no more than `to`."));
    }
    let path = app.evidence.consistency(number(&shard)?, from, to).await?;
    Ok(answer(StatusCode::OK, ConsistencyBody { from, to, path: in_base64(&path) }, false))
}

/// The hashes of a tile of a shard's tree, 32 bytes each: C2SP `tlog-tiles` reads them here.
#[utoipa::path(
    get, operation_id = "get_tile", path = "/v1/checkpoints/{s}/tile/{t}", tag = "evidence",
    params(
        ("s" = String, Path, description = "Shard: a number from 0"),
        ("t" = String, Path, description = "Level and place, such as `0/x001/067` or `0/000.p/17`")
    ),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"))
)]
pub(super) async fn tile(
    State(app): State<App>,
    _caller: Caller,
    PathOf((shard, tile)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let TilePath { level, index, width } = tile_path(&tile).ok_or(Failure::NotFound)?;
    let hashes = app.evidence.tile(number(&shard)?, level, index, width).await?;
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// The number of a shard.
fn number(text: &str) -> Result<u8, Failure> {
    text.parse().map_err(|_| Failure::NotFound)
}

/// Hashes as checkpoints write them.
pub(super) fn in_base64(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| BASE64_STANDARD.encode(hash.0)).collect()
}

/// Which tile a path names.
#[derive(Debug, PartialEq, Eq)]
struct TilePath {
    level: u8,
    index: u64,
    width: u16,
}

/// `<level>/<place>[.p/<width>]`, the place in groups of three digits of which all but the last have an `x` before.
fn tile_path(path: &str) -> Option<TilePath> {
    let (level, place) = path.split_once('/')?;
    let (place, width) = match place.split_once(".p/") {
        Some((place, width)) => (place, decimal(width).filter(|width| (1..256).contains(width))?),
        None => (place, u64::from(TILE_WIDTH)),
    };
    let mut groups = place.split('/').rev();
    let is_group = |digits: &&str| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let last = groups.next().filter(is_group)?;
    let mut digits = vec![last];
    for group in groups {
        digits.push(group.strip_prefix('x').filter(is_group)?);
    }
    digits.reverse();
    let is_short = digits.len() == 1 || digits.first() != Some(&"000");
    let index = digits.concat().parse().ok().filter(|_| is_short)?;
    let level = decimal(level)?.try_into().ok()?;
    Some(TilePath { level, index, width: width.try_into().ok()? })
}

/// A number that is written in one way only.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_named_in_one_way() {
        let of = |level, index, width| Some(TilePath { level, index, width });
        assert_eq!(tile_path("0/000"), of(0, 0, 256));
        assert_eq!(tile_path("1/x001/067"), of(1, 1_067, 256));
        assert_eq!(tile_path("3/x001/x234/067.p/8"), of(3, 1_234_067, 8));
        for wrong in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "00/000",
            "0/x000/001",
            "0/001/067",
            "0/x001",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "256/000",
            "0/000/",
            "data/000",
            "0/x99/000",
        ] {
            assert_eq!(tile_path(wrong), None, "{wrong}");
        }
    }
}
