//! One process put together: store, engine, keys, service.

use crate::{
    busy::busy,
    config::{Config, Mode},
    home::{Home, HomeError, Lock},
    nodes::{self, As},
    sms::{NoSms, SmsGateway},
};
use cluster::{Cluster, JoinError, Router};
use crypto::{PlatformKeys, Vault};
use domain::{Caller, Command, records::Digest};
use engine::{Clock, Engine, Fault, Job, ManualClock, Refusal, SystemClock, engine::Setup};
use service::{
    EventBus, KeysError, Messenger, Metrics, Parts, SandboxInbox, Service, Settings, SigningThreads,
    metrics::metered,
};
use std::sync::{Arc, atomic::AtomicUsize};
use types::{PageRequest, Place, time};

/// How far the newest record may lie ahead of the clock before an operator is told.
const CLOCK_TOLERANCE: i64 = 5 * time::SECOND;

/// A running platform without its doors.
pub(crate) struct App {
    pub(crate) service: Arc<Service>,
    /// The clock of a sandbox, which can be moved.
    pub(crate) sandbox_clock: Option<Arc<ManualClock>>,
    /// Where it is.
    pub(crate) home: Home,
    running: Running,
    _lock: Lock,
}

/// What takes the commands.
enum Running {
    /// The engine of the only shard.
    Alone(Engine),
    /// The engines of the shards that this node owns.
    Node(Cluster),
}

/// Why the platform could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("{0}")]
    Store(#[from] Fault),
    #[error("{0}")]
    Join(#[from] JoinError),
    #[error("platform keys: {0}")]
    Keys(#[from] KeysError),
    #[error("SMS gateway: {0}")]
    Sms(String),
    #[error("platform keys: {0}")]
    Platform(#[from] crypto::platform::PlatformError),
}

/// Sandboxes keep texts; production posts them, or refuses when it has nowhere to post them.
fn messenger(config: &Config) -> Result<Arc<dyn Messenger>, StartError> {
    if config.mode == Mode::Sandbox {
        return Ok(Arc::new(SandboxInbox::default()));
    }
    if config.sms_url.is_empty() {
        return Ok(Arc::new(NoSms));
    }
    let mut token = String::new();
    if !config.sms_token_file.is_empty() {
        token = std::fs::read_to_string(&config.sms_token_file)
            .map_err(|error| StartError::Sms(format!("{}: {error}", config.sms_token_file)))?
            .trim()
            .to_owned();
    }
    let gateway = SmsGateway::start(config.sms_url.clone(), types::Secret::new(token));
    Ok(Arc::new(gateway.map_err(|error| StartError::Sms(error.to_string()))?))
}

impl App {
    /// Opens the data directory and starts the engine. A new directory gets a store, a master key and the
    /// platform's signing keys.
    ///
    /// A tool beside running nodes joins them for its time, and its commands are decided by them.
    pub(crate) async fn open(home: &Home, config: &Config, opens: As) -> Result<Self, StartError> {
        let lock = home.lock()?;
        let master = home.load_master_key(config.master_key().as_deref())?;
        let vault = Arc::new(Vault::new(1, &master));
        let shared = nodes::shared(config, opens)?;
        let (queries, opened) = match &shared {
            Some(shared) => (shared.queries(config)?, None),
            None => {
                let opened = crate::database::open(home, config)?;
                (Arc::clone(&opened.queries), Some(opened))
            }
        };
        let sandbox = config.mode == Mode::Sandbox;
        // A sandbox whose clock was moved goes on from where it stood.
        let newest = queries.journal(PageRequest::new(1, None))?.rows.first().map(|line| line.at);
        let ahead = newest.map_or(0, |at| at.since(SystemClock.now()).max(0));
        if ahead > CLOCK_TOLERANCE && !sandbox {
            tracing::error!(
                ahead_s = ahead / time::SECOND,
                "the clock is behind the newest record; set it right"
            );
        }
        let sandbox_clock = sandbox.then(|| Arc::new(ManualClock::ahead(ahead)));
        let clock: Arc<dyn Clock> = match &sandbox_clock {
            Some(clock) => Arc::<ManualClock>::clone(clock),
            None => Arc::new(SystemClock),
        };
        let events = EventBus::default();
        let bus = events.clone();
        let under_way = Arc::new(AtomicUsize::new(0));
        let metrics = Metrics::default();
        let runtime = tokio::runtime::Handle::current();
        let signing = SigningThreads::start(config.signing(), metrics.clone(), Some(&runtime));
        let observer = Arc::new(metrics.clone());
        let setup = Setup {
            queue_max: config.queue_max,
            observer,
            runtime: Some(runtime.clone()),
            ..Setup::default()
        };
        let start = {
            let (metrics, clock, under_way) = (metrics.clone(), Arc::clone(&clock), Arc::clone(&under_way));
            let signing = signing.clone();
            let runtime = runtime.metrics();
            move |store, place| {
                let bus = bus.clone();
                let listener = Box::new(move |heard: &_| bus.tell(heard));
                let setup =
                    Setup { place, busy: Some(busy(&signing, &under_way, &runtime)), ..setup.clone() };
                Engine::start(metered(store, &metrics), Arc::clone(&clock), setup, listener)
            }
        };
        let running = match (&shared, opened) {
            (None, Some(opened)) => Running::Alone(start(opened, Place::ONLY)?),
            (Some(shared), _) => {
                let traffic = Arc::new(metrics.clone());
                Running::Node(shared.join(config, Arc::clone(&queries), start, traffic).await?)
            }
            (None, None) => return Err(Fault::Failed("no store was opened".into()).into()),
        };
        let router = match &running {
            Running::Alone(engine) => engine.handle().into(),
            Running::Node(cluster) => cluster.router(),
        };
        let platform = match service::load_keys(&*queries, &vault)? {
            Some(keys) => keys,
            None => {
                let keys = PlatformKeys::generate(clock.now())?;
                let keep = service::keep_keys(&keys, &vault)?;
                first_keys(&router, keep).await.map_err(KeysError::from)?;
                // Of nodes that start together one has kept its keys, for all.
                service::load_keys(&*queries, &vault)?.unwrap_or(keys)
            }
        };
        let service = Service::new(Parts {
            engine: router,
            queries,
            clock,
            wall: Arc::new(SystemClock),
            vault,
            platform,
            events,
            messenger: messenger(config)?,
            settings: Settings {
                public_base: config.base(),
                other_bases: config.other_bases.clone(),
                sandbox,
                payment_code_prefix: config.prefix(),
                combine_most: usize::from(config.combine_most),
            },
            metrics,
            signing,
            under_way,
            bills: home.bills(),
        });
        let home = home.clone();
        Ok(Self { service: Arc::new(service), sandbox_clock, home, running, _lock: lock })
    }

    /// Answers what is queued and stops.
    pub(crate) fn close(self) {
        match self.running {
            Running::Alone(engine) => engine.stop(),
            Running::Node(cluster) => cluster.leave(),
        }
    }
}

/// Keeps the platform's first keys: under one key for all nodes, so that only the first of them keeps any.
async fn first_keys(router: &Router, keep: Command) -> Result<(), Refusal> {
    let mut key = [0; 32];
    key[..19].copy_from_slice(b"first platform keys");
    let request = Some((Digest(key), Digest(key)));
    router.submit(Job { command: keep, caller: Caller::platform(), request })?.await.map(drop)
}
