//! The console's files: style sheet, script and the seal.

use axum::Router;
use std::sync::LazyLock;
use web::{
    Asset, Assets,
    assets::{CSS, JS, SVG},
};

static FILES: [Asset; 3] = [
    Asset { name: "console.css", kind: CSS, bytes: include_bytes!("../assets/console.css"), for_all: false },
    Asset { name: "console.js", kind: JS, bytes: include_bytes!("../assets/console.js"), for_all: false },
    Asset { name: "seal.svg", kind: SVG, bytes: include_bytes!("../assets/seal.svg"), for_all: false },
];

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new("/console/assets", &FILES));

/// The path of a file; of an unknown one a path that answers 404.
pub(crate) fn path(name: &str) -> &'static str {
    ASSETS.path(name)
}

pub(crate) fn router() -> Router {
    ASSETS.router()
}
