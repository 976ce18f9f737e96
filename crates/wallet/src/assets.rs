//! The wallet's files: style sheet, scripts and the seal.

use axum::Router;
use std::sync::LazyLock;
use web::{
    Asset, Assets,
    assets::{CSS, JS, SVG},
};

/// Files under `/assets`. Merchants' pages load the bridge's shim by its plain name, from their own origin.
static FILES: [Asset; 7] = [
    Asset { name: "wallet.css", kind: CSS, bytes: include_bytes!("../assets/wallet.css"), for_all: false },
    Asset { name: "wallet.js", kind: JS, bytes: include_bytes!("../assets/wallet.js"), for_all: false },
    Asset { name: "code.js", kind: JS, bytes: include_bytes!("../assets/code.js"), for_all: false },
    Asset { name: "scan.js", kind: JS, bytes: include_bytes!("../assets/scan.js"), for_all: false },
    Asset { name: "bridge.js", kind: JS, bytes: include_bytes!("../assets/bridge.js"), for_all: false },
    Asset { name: "seal.svg", kind: SVG, bytes: include_bytes!("../assets/seal.svg"), for_all: false },
    Asset { name: "jsapi.js", kind: JS, bytes: include_bytes!("../assets/jsapi.js"), for_all: true },
];

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new("/assets", &FILES));

/// The path of a file; of an unknown one a path that answers 404, which a test forbids.
pub(crate) fn path(name: &str) -> &'static str {
    ASSETS.path(name)
}

pub(crate) fn router() -> Router {
    ASSETS.router()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_scripts_name_only_files_that_exist() {
        for (file, text) in crate::tests::sources() {
            for rest in text.split("asset(\"").skip(1) {
                let name = rest.split('"').next().unwrap();
                assert!(FILES.iter().any(|asset| asset.name == name), "{file}: {name}");
            }
        }
    }
}
