//! A server in this process, for loads over HTTP.

use crate::{
    app::App,
    config::{Config, Mode},
    home::Home,
    sandbox::{self, MERCHANT, SandboxFile},
    serve,
};
use service::Service;
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

type Error = Box<dyn std::error::Error>;

/// A running server with a sandbox's merchant, whose rate is not limited.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) made: SandboxFile,
    pub(crate) service: Arc<Service>,
    stop: CancellationToken,
    ends: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts it in a new data directory.
    pub(crate) async fn start(folder: &Path, config: &Config) -> Result<Self, Error> {
        let home = Home::new(folder);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let config = Config { mode: Mode::Sandbox, listen: address, ..config.clone() };
        let app = App::open(&home, &config, crate::nodes::As::Server).await?;
        let made = sandbox::init(&app, &home, &config).await?;
        let change = domain::merchant::MerchantChange { rate_per_s: Some(1_000_000), ..Default::default() };
        let change = domain::Command::ChangeMerchant(MERCHANT, Box::new(change));
        app.service.engine.run(change, domain::Caller::platform()).await?;
        let (service, stop) = (Arc::clone(&app.service), CancellationToken::new());
        let ends = {
            let stop = stop.clone();
            tokio::spawn(async move { serve::serve(app, listener, &config, stop).await })
        };
        Ok(Self { address, made, service, stop, ends })
    }
    /// Ends it in order.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stop.cancel();
        Ok(self.ends.await??)
    }
}
