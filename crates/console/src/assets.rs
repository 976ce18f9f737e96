//! Style sheet, script and the seal, embedded in the binary and served under names that change with their content, so
//! that browsers keep them for ever.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "console.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../assets/console.css"),
    },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/console.js"),
    },
    Asset { name: "seal.svg", kind: "image/svg+xml", bytes: include_bytes!("../assets/seal.svg") },
];

static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let path = |asset: &Asset| {
        let (stem, extension) = asset.name.split_once('.').unwrap_or((asset.name, ""));
        format!("/console/assets/{stem}.{:016x}.{extension}", fnv1a(asset.bytes))
    };
    ASSETS.iter().map(path).collect()
});

/// The path of an asset; of an unknown one a path that answers 404.
pub(crate) fn path(name: &str) -> &'static str {
    let place = ASSETS.iter().position(|asset| asset.name == name);
    place.map_or("/console/assets/missing", |place| &PATHS[place])
}

pub(crate) fn router() -> Router {
    ASSETS.iter().zip(PATHS.iter()).fold(Router::new(), |router, (asset, path)| {
        router.route(path, get(move || async move { serve(asset) }))
    })
}

fn serve(asset: &'static Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), asset.bytes).into_response()
}

/// FNV-1a, 64 bits: tells versions of our own files apart; no secret and no signature rests on it.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
