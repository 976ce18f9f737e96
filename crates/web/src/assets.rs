//! Files embedded in the binary, served under names that change with their content, so that browsers keep them for
//! ever.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// Content type of style sheets.
pub const CSS: &str = "text/css; charset=utf-8";
/// Content type of scripts.
pub const JS: &str = "text/javascript; charset=utf-8";
/// Content type of drawings.
pub const SVG: &str = "image/svg+xml";

/// A file.
#[derive(Debug)]
pub struct Asset {
    /// Its name, with an extension.
    pub name: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// Whether other people's pages load it: it keeps its plain name then, and browsers ask again after 5 minutes.
    pub for_all: bool,
}

/// The files of a set of pages.
#[derive(Debug)]
pub struct Assets {
    missing: String,
    served: Vec<Served>,
}

#[derive(Debug)]
struct Served {
    path: String,
    tag: HeaderValue,
    asset: &'static Asset,
}

impl Assets {
    /// Files served in `folder`, such as `/assets`.
    #[must_use]
    pub fn new(folder: &str, assets: &'static [Asset]) -> Self {
        let serve = |asset: &'static Asset| {
            let hash = format!("{:016x}", fnv1a(asset.bytes));
            let (stem, extension) = asset.name.split_once('.').unwrap_or((asset.name, ""));
            let file =
                if asset.for_all { asset.name.to_owned() } else { format!("{stem}.{hash}.{extension}") };
            let tag =
                HeaderValue::from_str(&format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""));
            Served { path: format!("{folder}/{file}"), tag, asset }
        };
        Self { missing: format!("{folder}/missing"), served: assets.iter().map(serve).collect() }
    }
    /// The path of a file; of an unknown one a path that answers 404, which a test of the pages must forbid.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        let found = self.served.iter().find(|served| served.asset.name == name);
        found.map_or(&self.missing, |served| &served.path)
    }
    /// A route for each file.
    pub fn router(&'static self) -> Router {
        self.served.iter().fold(Router::new(), |router, served| {
            router.route(&served.path, get(move |headers: HeaderMap| async move { serve(served, &headers) }))
        })
    }
}

fn serve(served: &'static Served, headers: &HeaderMap) -> Response {
    let for_all = served.asset.for_all;
    let keep = if for_all { "public, max-age=300" } else { "public, max-age=31536000, immutable" };
    let who = if for_all { "cross-origin" } else { "same-origin" };
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

    static FILES: [Asset; 2] = [
        Asset { name: "a.css", kind: CSS, bytes: b"a{}", for_all: false },
        Asset { name: "b.js", kind: JS, bytes: b"b()", for_all: true },
    ];

    #[test]
    fn fnv_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_file_is_kept_for_ever_under_a_name_of_its_content() {
        let assets = Box::leak(Box::new(Assets::new("/files", &FILES)));
        assert_eq!(assets.path("a.css"), format!("/files/a.{:016x}.css", fnv1a(b"a{}")));
        assert_eq!((assets.path("b.js"), assets.path("c.js")), ("/files/b.js", "/files/missing"));
        for served in &assets.served {
            let response = serve(served, &HeaderMap::new());
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[header::CONTENT_TYPE], served.asset.kind);
            let keep = response.headers()[header::CACHE_CONTROL].to_str().unwrap();
            assert_eq!(keep.contains("immutable"), !served.asset.for_all);
            let tag = response.headers()[header::ETAG].clone();
            let again = serve(served, &[(header::IF_NONE_MATCH, tag)].into_iter().collect());
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
    }
}
