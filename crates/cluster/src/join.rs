//! Joining the others, and leaving them.

use crate::{
    door,
    member::{Member, Start, Word},
    nodes::{Nodes, Traffic},
    router::Router,
    tls::{Identity, IdentityError},
};
use engine::{
    Fault, Queries,
    nodes::{DEAD_AFTER, Node, Registry, Role, is_name},
};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use types::Shards;

/// How a node joins.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its name ([`is_name`]).
    pub name: String,
    /// Where it listens for other nodes.
    pub listen: SocketAddr,
    /// Where the others reach it, as `host:port`; the address it listens on when empty.
    pub advertise: String,
    /// A tool: it owns shards only while no node does.
    pub guest: bool,
    /// Shards of the database.
    pub shards: Shards,
    /// Version of the program.
    pub version: &'static str,
}

/// Why a node could not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The name won't do.
    #[error(
        "`{0}` can't be a node's name: 1 to 32 of a-z, 0-9, `.` and `-`, beginning with a letter or digit"
    )]
    Name(String),
    /// The name is taken.
    #[error(
        "another process runs as node `{0}` on this database; stop it, or give this one another --node name"
    )]
    Taken(String),
    /// It can't listen.
    #[error("cluster_listen {0}: {1}; choose another address")]
    Listen(SocketAddr, io::Error),
    /// The key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The list of nodes.
    #[error("{0}")]
    Store(#[from] Fault),
    /// The operating system.
    #[error("no thread for this node's membership: {0}")]
    Thread(io::Error),
}

/// This node among the others. Dropping it leaves them in the background; see [`Cluster::leave`].
pub struct Cluster {
    nodes: Arc<Nodes>,
    thread: Option<thread::JoinHandle<()>>,
    address: String,
    _door: DropGuard,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("node", &self.nodes.name).finish_non_exhaustive()
    }
}

/// How long the list is asked for a name that a process had which is dead by now.
const NAME_WITHIN: Duration = Duration::from_micros((DEAD_AFTER + 2_000_000).cast_unsigned());

impl Cluster {
    /// Joins: from then on this node takes shards, and its router takes commands.
    ///
    /// # Errors
    /// Any [`JoinError`].
    ///
    /// # Panics
    /// Outside an async runtime.
    pub async fn join(
        setup: Setup,
        registry: Box<dyn Registry>,
        queries: Arc<dyn Queries>,
        start: Start,
        traffic: Arc<dyn Traffic>,
    ) -> Result<Self, JoinError> {
        if !is_name(&setup.name) {
            return Err(JoinError::Name(setup.name));
        }
        let listen = |error| JoinError::Listen(setup.listen, error);
        let listener = TcpListener::bind(setup.listen).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let identity = Arc::new(Identity::make()?);
        let address = if setup.advertise.is_empty() { bound.to_string() } else { setup.advertise };
        let me = Node {
            name: setup.name,
            instance: format!("{:016x}", fastrand::u64(..)),
            address: address.clone(),
            fingerprint: identity.fingerprint().to_owned(),
            version: setup.version.to_owned(),
            role: if setup.guest { Role::Guest } else { Role::Works },
        };
        let acceptor = identity.acceptor().map_err(IdentityError::from)?;
        let announced = {
            let me = me.clone();
            tokio::task::spawn_blocking(move || announce(registry, &me)).await
        };
        let registry =
            announced.map_err(|error| Fault::Failed(format!("announcing panicked: {error}")))??;
        let (tell, words) = mpsc::channel();
        let nodes = Arc::new(Nodes::new(
            (me.name.clone(), me.instance.clone()),
            setup.shards,
            queries,
            tokio::runtime::Handle::current(),
            traffic,
            tell.clone(),
        ));
        let member = Member::new(Arc::clone(&nodes), registry, (me, identity), start, tell);
        let thread = thread::Builder::new().name("member".into()).spawn(move || member.run(&words));
        let thread = Some(thread.map_err(JoinError::Thread)?);
        let stop = CancellationToken::new();
        tokio::spawn(door::open(Arc::clone(&nodes), listener, acceptor, stop.clone()));
        Ok(Self { nodes, thread, address, _door: stop.drop_guard() })
    }

    /// Where other nodes reach this one.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// For commands.
    #[must_use]
    pub fn router(&self) -> Router {
        Router::nodes(Arc::clone(&self.nodes))
    }

    /// Answers what is queued in the engines that are still here, gives their shards back, and leaves. Blocks.
    pub fn leave(mut self) {
        let (done, over) = oneshot::channel();
        self.nodes.say(Word::End(done));
        drop(over);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the membership's thread panicked");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.nodes.say(Word::End(oneshot::channel().0));
        }
    }
}

/// Enters the list; waits while a process of the same name that has ended is still taken for alive.
fn announce(mut registry: Box<dyn Registry>, me: &Node) -> Result<Box<dyn Registry>, JoinError> {
    let since = Instant::now();
    let mut told = false;
    while registry.beat(me)?.is_none() {
        if since.elapsed() > NAME_WITHIN {
            return Err(JoinError::Taken(me.name.clone()));
        }
        if !told {
            tracing::info!(
                node = me.name,
                "waiting until the process that had this name before is taken for dead"
            );
            told = true;
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(registry)
}
