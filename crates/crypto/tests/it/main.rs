//! Behaviour tests of the crate's public face. RSA keys are slow to make, so each test binary makes few.

mod answer;
mod keys;
mod platform;
mod request;
mod vault;

use crypto::{PlatformKeys, PrivateKey};
use std::sync::LazyLock;
use types::Time;

/// One key for every test that needs any.
static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    PrivateKey::from_pem(include_str!("../vectors/key.pkcs8.pem")).expect("the vector is a key")
});

/// Another key.
static OTHER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().expect("a new key"));

static PLATFORM: LazyLock<PlatformKeys> =
    LazyLock::new(|| PlatformKeys::generate(now()).expect("new platform keys"));

fn now() -> Time {
    Time::from_unix(1_790_000_000)
}
