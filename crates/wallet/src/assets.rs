//! Style sheet, scripts and the seal, embedded in the binary and served under names that change with their
//! content, so that browsers keep them for ever.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{collections::HashMap, sync::LazyLock};

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 7] = [
    Asset { name: "wallet.css", kind: CSS, bytes: include_bytes!("../assets/wallet.css") },
    Asset { name: "wallet.js", kind: JS, bytes: include_bytes!("../assets/wallet.js") },
    Asset { name: "code.js", kind: JS, bytes: include_bytes!("../assets/code.js") },
    Asset { name: "scan.js", kind: JS, bytes: include_bytes!("../assets/scan.js") },
    Asset { name: "bridge.js", kind: JS, bytes: include_bytes!("../assets/bridge.js") },
    Asset { name: "seal.svg", kind: "image/svg+xml", bytes: include_bytes!("../assets/seal.svg") },
    Asset { name: SHIM, kind: JS, bytes: include_bytes!("../assets/jsapi.js") },
];

/// Merchants' pages load this by its plain name, from their own origin.
const SHIM: &str = "jsapi.js";

struct Served {
    path: String,
    tag: HeaderValue,
    asset: &'static Asset,
}

static SERVED: LazyLock<Vec<Served>> = LazyLock::new(|| {
    let serve = |asset: &'static Asset| {
        let hash = format!("{:016x}", fnv1a(asset.bytes));
        let (stem, extension) = asset.name.split_once('.').unwrap_or((asset.name, ""));
        let file = if asset.name == SHIM { SHIM.to_owned() } else { format!("{stem}.{hash}.{extension}") };
        let tag = HeaderValue::from_str(&format!("\"{hash}\"")).ok();
        Served {
            path: format!("/assets/{file}"),
            tag: tag.unwrap_or(HeaderValue::from_static("\"\"")),
            asset,
        }
    };
    ASSETS.iter().map(serve).collect()
});

static BY_PATH: LazyLock<HashMap<&'static str, &'static Served>> =
    LazyLock::new(|| SERVED.iter().map(|served| (served.path.as_str(), served)).collect());

/// The path of an asset; of an unknown one a path that answers 404, which a test forbids.
pub(crate) fn path(name: &str) -> &'static str {
    SERVED.iter().find(|served| served.asset.name == name).map_or("/assets/missing", |served| &served.path)
}

pub(crate) fn router() -> Router {
    Router::new().route("/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{file}");
    let Some(served) = BY_PATH.get(path.as_str()) else { return StatusCode::NOT_FOUND.into_response() };
    let shim = served.asset.name == SHIM;
    let keep = if shim { "public, max-age=300" } else { "public, max-age=31536000, immutable" };
    let who = if shim { "cross-origin" } else { "same-origin" };
    let common = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        ),
        (header::ETAG, served.tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static(who)),
    ];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| {
        let tags = tags.to_str().unwrap_or_default();
        tags.split(',').any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == served.tag.as_bytes())
    });
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, served.asset.kind)], served.asset.bytes).into_response()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[tokio::test]
    async fn a_file_is_kept_for_ever_under_a_name_of_its_content() {
        for asset in &ASSETS {
            let path = path(asset.name);
            let file = path.strip_prefix("/assets/").unwrap();
            let response = serve(Path(file.to_owned()), HeaderMap::new()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let tag = response.headers()[header::ETAG].clone();
            let keep = response.headers()[header::CACHE_CONTROL].to_str().unwrap();
            assert_eq!(keep.contains("immutable"), asset.name != SHIM);
            let again =
                serve(Path(file.to_owned()), [(header::IF_NONE_MATCH, tag)].into_iter().collect()).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
        assert_eq!(serve(Path("x.css".into()), HeaderMap::new()).await.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn pages_and_scripts_name_only_files_that_exist() {
        for (file, text) in crate::tests::sources() {
            for rest in text.split("asset(\"").skip(1) {
                let name = rest.split('"').next().unwrap();
                assert!(ASSETS.iter().any(|asset| asset.name == name), "{file}: {name}");
            }
        }
    }
}
