//! What every set of pages needs of HTTP, written once: the guards that must be the same at every door, and the small
//! change of languages, forms and files. It knows no page, no service and no rule.
//!
//! | Module | Noun |
//! | --- | --- |
//! | `address` | where a request comes from |
//! | `limiter` | how often an address may try to sign in |
//! | `origin` | whether a form was posted from a page of ours |
//! | `cookie` | cookies as they are read and set |
//! | `language` | the language a visitor reads, and how it is changed |
//! | `text` | words in both languages; money as people read it |
//! | `pairs` | the fields of an address or a posted form |
//! | `link` | addresses of our own pages |
//! | `answer` | pages as answers, with their security headers |
//! | `assets`, `file` | files embedded in the binary; a file as the body of an answer |

pub mod address;
pub mod answer;
pub mod assets;
pub mod cookie;
pub mod file;
pub mod language;
pub mod limiter;
pub mod link;
pub mod origin;
pub mod pairs;
pub mod text;

pub use assets::{Asset, Assets};
pub use file::FileBody;
pub use limiter::Limiter;
pub use pairs::Pairs;
pub use text::Texts;
