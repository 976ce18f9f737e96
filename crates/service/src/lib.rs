//! What the edges (gateway, wallet, worker) share: the engine, committed reads, the clock, the vault, the
//! platform's keys, the merchant directory, signing threads and outgoing messages.
//!
//! It holds no rule and no HTTP. An edge translates between the outside and [`Service`].

pub mod bills;
pub mod cards;
pub mod directory;
pub mod events;
pub mod message;
pub mod metrics;
pub mod payout;
pub mod sharing;
pub mod signing;
pub mod user_transfer;
pub mod wire;

pub use bills::Bills;
pub use cards::{CardNumbers, KnownCard};
pub use directory::{Directory, MerchantEntry};
pub use events::EventBus;
pub use message::{Message, Messenger, SandboxInbox};
pub use metrics::Metrics;
pub use signing::SigningThreads;

use cluster::Router;
use crypto::{PlatformKeys, Sealed, Vault};
use domain::{Command, keyring::KeyRing, records::Digest};
use engine::{Clock, Queries, Refusal};
use protocol::qr::Prefix;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicUsize},
};
use types::{Time, time};

/// Name of the key ring that holds the platform's signing keys.
pub const PLATFORM_RING: &str = "platform";

/// How long before it lapses a platform certificate gets its successor.
pub const ROTATE_BEFORE: i64 = 90 * time::DAY;
/// How long a new platform certificate is listed before it signs.
pub const ROTATE_GRACE: i64 = 7 * time::DAY;

/// How this installation shows itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Scheme, host and port under which merchants and payers reach it, without a trailing slash; links are
    /// built from it and absolute-URL signatures are checked against it.
    pub public_base: String,
    /// Other bases that merchants may have signed, for the absolute-URL fallback (wire §1.3).
    pub other_bases: Vec<String>,
    /// A sandbox: amber band, test endpoints on loopback, notifications to loopback allowed.
    pub sandbox: bool,
    /// First two digits of payment codes (rules §3).
    pub payment_code_prefix: Prefix,
    /// Orders that a combined order may have, 2 to [`domain::combined::PARTS_MAX`].
    pub combine_most: usize,
}

/// Everything an edge needs. One per process, behind an `Arc`.
pub struct Service {
    /// Submits commands, wherever their engine is.
    pub engine: Router,
    /// Committed reads.
    pub queries: Arc<dyn Queries>,
    /// The clock that commands run on; a sandbox's can be moved.
    pub clock: Arc<dyn Clock>,
    /// The machine's clock: for signatures and certificates, which others check against their own clocks.
    pub wall: Arc<dyn Clock>,
    /// Seals and opens secrets, keyed hashes, tokens.
    pub vault: Arc<Vault>,
    /// Merchants with their keys parsed, cached.
    pub directory: Directory,
    /// Threads that sign, off the async runtime.
    pub signing: SigningThreads,
    /// Signed requests under way now.
    pub under_way: Arc<AtomicUsize>,
    /// What happened, for workers.
    pub events: EventBus,
    /// Merchants' bills.
    pub bills: Bills,
    /// Sends codes to phones.
    pub messenger: Arc<dyn Messenger>,
    /// How this installation shows itself.
    pub settings: Settings,
    /// What is counted and timed.
    pub metrics: Metrics,
    keys: RwLock<Arc<PlatformKeys>>,
    /// What the keys in use were read from; empty until they were read once.
    ring: Mutex<Box<[u8]>>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The parts a [`Service`] is made of.
#[expect(missing_docs, reason = "as in Service")]
pub struct Parts {
    pub engine: Router,
    pub queries: Arc<dyn Queries>,
    pub clock: Arc<dyn Clock>,
    pub wall: Arc<dyn Clock>,
    pub vault: Arc<Vault>,
    pub platform: PlatformKeys,
    pub events: EventBus,
    pub messenger: Arc<dyn Messenger>,
    pub settings: Settings,
    /// Those that the engine's store and observer were given.
    pub metrics: Metrics,
    /// Threads that sign; as many as cores is right.
    pub signing: SigningThreads,
    /// Counts signed requests under way.
    pub under_way: Arc<AtomicUsize>,
    /// Where bills are kept.
    pub bills: PathBuf,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// Why the platform's keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// They can't be opened.
    #[error(transparent)]
    Platform(#[from] crypto::platform::PlatformError),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] engine::Fault),
    /// The command that keeps them was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The stored bytes are no sealed value.
    #[error("the stored platform keys are damaged")]
    Damaged,
}

impl Service {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            bills: Bills::new(
                Arc::clone(&parts.queries),
                Arc::clone(&parts.vault),
                parts.bills,
                bills::Bounds::default(),
            ),
            directory: Directory::new(Arc::clone(&parts.queries), Arc::clone(&parts.vault)),
            signing: parts.signing,
            under_way: parts.under_way,
            keys: RwLock::new(Arc::new(parts.platform)),
            ring: Mutex::default(),
            engine: parts.engine,
            queries: parts.queries,
            clock: parts.clock,
            wall: parts.wall,
            vault: parts.vault,
            events: parts.events,
            messenger: parts.messenger,
            settings: parts.settings,
            metrics: parts.metrics,
        }
    }
    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }
    /// The machine's time, see [`Service::wall`].
    #[must_use]
    pub fn wall_now(&self) -> Time {
        self.wall.now()
    }
    /// The platform's signing keys as they are now; hold them for one request at most.
    #[must_use]
    pub fn keys(&self) -> Arc<PlatformKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
    /// Reads the platform's keys from the store again, after they were rotated.
    ///
    /// # Errors
    /// Any [`KeysError`]; the keys in use stay.
    pub fn reload_keys(&self) -> Result<(), KeysError> {
        let Some(ring) = self.queries.key_ring(PLATFORM_RING)? else { return Ok(()) };
        let mut known = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != ring.sealed {
            let keys = open_keys(&ring, &self.vault)?;
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
            *known = ring.sealed;
        }
        Ok(())
    }
    /// Adds a platform certificate that signs from `active_from` on, keeps it, and uses it.
    ///
    /// # Errors
    /// Any [`KeysError`]; the keys in use stay.
    pub async fn rotate_certificate(&self, active_from: Time) -> Result<(), KeysError> {
        let mut keys = PlatformKeys::clone(&self.keys());
        keys.retire(self.wall_now());
        keys.rotate(self.wall_now(), active_from)?;
        let caller = domain::Caller::platform();
        self.engine.run(keep_keys(&keys, &self.vault)?, caller).await?;
        self.reload_keys()
    }
    /// Adds a platform certificate when the newest is about to lapse. Merchants have [`ROTATE_GRACE`] to fetch it
    /// before it signs (wire §2: SDKs refresh every 12 to 24 hours). True when one was added.
    ///
    /// # Errors
    /// Any [`KeysError`]; the keys in use stay.
    pub async fn rotate_when_due(&self) -> Result<bool, KeysError> {
        let newest =
            self.keys().certificates().iter().map(crypto::platform::PlatformCertificate::not_after).max();
        let due = newest.is_none_or(|end| end.since(self.wall_now()) < ROTATE_BEFORE);
        if due {
            self.rotate_certificate(self.wall_now().plus(ROTATE_GRACE)).await?;
        }
        Ok(due)
    }
    /// Hash of a bearer token as it is kept.
    #[must_use]
    pub fn token_hash(&self, token: &str) -> Digest {
        Digest(*self.vault.hasher().token(token).as_bytes())
    }
}

/// What a payer's phone is bound to in the vault, from its keyed hash.
#[must_use]
pub fn phone_binding(phone: Digest) -> String {
    format!("payer-phone:{}", crypto::vault::KeyedHash::from_bytes(phone.0).to_hex())
}

/// The platform's keys as stored; none in a new store.
///
/// # Errors
/// Any [`KeysError`] but `Refused`.
pub fn load_keys(queries: &dyn Queries, vault: &Vault) -> Result<Option<PlatformKeys>, KeysError> {
    let Some(ring) = queries.key_ring(PLATFORM_RING)? else { return Ok(None) };
    open_keys(&ring, vault).map(Some)
}

fn open_keys(ring: &KeyRing, vault: &Vault) -> Result<PlatformKeys, KeysError> {
    let sealed = Sealed::from_bytes(&ring.sealed).ok_or(KeysError::Damaged)?;
    Ok(PlatformKeys::open(vault, &sealed)?)
}

/// The command that keeps the platform's keys.
///
/// # Errors
/// [`KeysError::Platform`] when sealing fails.
pub fn keep_keys(keys: &PlatformKeys, vault: &Vault) -> Result<Command, KeysError> {
    let sealed = keys.seal(vault)?.as_bytes().into();
    Ok(Command::ReplaceKeyRing { name: PLATFORM_RING.into(), sealed })
}
