//! `feiqian serve`: all doors of one process, and an orderly end.

use crate::{
    app::App,
    config::Config,
    drain::{LastCall, within},
    metrics::{self, Watched},
    ready::{Readiness, readyz},
    sandbox_api,
};
use axum::{
    Json, Router, ServiceExt,
    extract::Request,
    response::{IntoResponse, Redirect, Response},
    routing::get,
    serve::ListenerExt,
};
use service::Service;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::{SimulatedBank, Worker};

/// The simulated bank as the wallet asks it about a card number.
struct Cards(SimulatedBank);

impl wallet::CardLookup for Cards {
    fn verify<'a>(&'a self, _payer: types::PayerId, number: &'a wallet::CardNumber) -> wallet::Looked<'a> {
        let verified = self.0.verify_card(types::Masked::expose(number));
        Box::pin(async move {
            // All that this bank refuses is what can't be a card's number; the page says so in the payer's language.
            let card = verified.map_err(|_| wallet::CardRefusal::Malformed)?;
            Ok(wallet::VerifiedCard {
                bank: card.bank.into(),
                tail: card.tail.into(),
                token: card.token.into(),
                channel: card.channel,
            })
        })
    }
}

impl service::CardNumbers for Cards {
    fn known(&self, number: &types::Secret<String>) -> Option<service::KnownCard> {
        let card = self.0.verify_card(number.expose()).ok()?;
        Some(service::KnownCard { bank: card.bank.into(), tail: card.tail.into(), token: card.token.into() })
    }
}

/// All routes, counted and timed.
pub(crate) fn routes(app: &App, readiness: &Arc<Readiness>) -> Watched {
    let service = &app.service;
    let bank = SimulatedBank::new(Arc::clone(&service.vault));
    let mut router = Router::new()
        .route("/", get(|| async { Redirect::temporary("/wallet") }))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(Arc::clone(readiness)))
        .merge(gateway::router(Arc::clone(service), Arc::new(Cards(bank.clone()))))
        .merge(console::router(Arc::clone(service)))
        .merge(wallet::router(Arc::clone(service), Arc::new(Cards(bank))));
    if service.settings.sandbox {
        router = router
            .merge(gateway::sandbox_router(Arc::clone(service)))
            .merge(sandbox_api::router(Arc::clone(service), app.sandbox_clock.clone()));
    }
    Watched::new(router, Arc::clone(readiness))
}

/// Alive: the process answers.
async fn healthz() -> Response {
    Json(serde_json::json!({ "status": "ok" })).into_response()
}

/// Serves until `stop`, then lets those who are in and those at the door finish (see [`crate::drain`]).
pub(crate) async fn serve(
    app: App,
    listener: TcpListener,
    config: &Config,
    stop: CancellationToken,
) -> std::io::Result<()> {
    serve_at(Pace::default(), app, listener, config, stop).await
}

/// How often what is due is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Days to close, and money to release.
    pub(crate) settlement: Duration,
    /// Files of the bank.
    pub(crate) bank: Duration,
    /// Bills and statements.
    pub(crate) reconciliation: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let settlement = worker::Setup::default().settlement.every;
        Self { settlement, bank: crate::desk::EVERY, reconciliation: crate::reconcile::EVERY }
    }
}

/// As [`serve`], at a pace of its own: the demo waits for days and does not want to wait for seconds.
pub(crate) async fn serve_at(
    pace: Pace,
    app: App,
    listener: TcpListener,
    config: &Config,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let drain = Duration::from_secs(config.drain_s);
    let bank = Arc::new(SimulatedBank::new(Arc::clone(&app.service.vault)));
    let mut setup = worker::Setup::default();
    setup.settlement.every = pace.settlement;
    let workers = Worker::start(&app.service, bank, setup).map_err(std::io::Error::other)?;
    match crate::desk::open(&app.home, config, pace.bank).map_err(std::io::Error::other)? {
        Some(desk) => workers.serve_payouts(&app.service, desk),
        None => tracing::warn!("no bank_folder is set: payouts wait"),
    }
    let desk = crate::reconcile::desk(&app, config, pace.reconciliation).map_err(std::io::Error::other)?;
    workers.serve_reconciliation(&app.service, desk);
    tokio::spawn(keep_certificates(Arc::clone(&app.service), stop.clone()));
    tokio::spawn(prepare_bills(Arc::clone(&app.service), stop.clone()));
    let readiness = Arc::new(Readiness::new(&app.service, &app.home, config));
    let ended = CancellationToken::new();
    if let Some(address) = config.metrics_address() {
        let ended = ended.clone();
        let address = metrics::listen(&app.service, &app.home, config.queue_max, address, ended).await?;
        tracing::info!(listen = %address, "metrics");
    }
    let make =
        ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(routes(&app, &readiness));
    let (closing, shut) = (CancellationToken::new(), CancellationToken::new());
    let listener = LastCall::new(listener, closing.clone(), shut.clone())?.tap_io(|stream| {
        // Answers are small and must not wait for more.
        let _ = stream.set_nodelay(true);
    });
    let notice = Duration::from_secs(config.drain_notice_s);
    let (told, close, engine) = (Arc::clone(&readiness), closing.clone(), app.service.engine.clone());
    tokio::spawn(async move {
        stop.cancelled().await;
        told.stop();
        // Other nodes take the shards while requests still come in here: they are sent on.
        let handed = engine.hand_over(drain);
        let (handed, ()) = tokio::join!(handed, tokio::time::sleep(notice));
        if !handed {
            tracing::warn!("not every shard was handed over in time; the rest is given back at the end");
        }
        close.cancel();
    });
    let server = axum::serve(listener, make).with_graceful_shutdown(shut.cancelled_owned());
    if !within(async { server.await }, &closing, drain).await? {
        tracing::warn!(drain_s = config.drain_s, "open requests did not finish in time");
    }
    if !workers.stop(drain).await {
        tracing::warn!("work under way did not finish in time; it is done again at the next start");
    }
    app.close();
    ended.cancel();
    tracing::info!("stopped");
    Ok(())
}

/// Looks every hour whether the platform's certificate needs a successor.
async fn keep_certificates(service: Arc<Service>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match service.rotate_when_due().await {
            Ok(true) => tracing::info!("a new platform certificate is listed; it signs in seven days"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the platform certificate could not be renewed"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(3600)) => {}
        }
    }
}

/// Has the day before sorted for bills at 09:00 (wire §6): the first merchants to ask at 10:00 do not wait for it.
async fn prepare_bills(service: Arc<Service>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let (bills, now) = (service.bills.clone(), service.now());
        match tokio::task::spawn_blocking(move || bills.prepare(now)).await {
            Ok(Ok(true)) => {
                tracing::info!(day = %now.business_day().previous(), "the day's bills are ready to be made")
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the day could not be sorted for bills; it is tried again")
            }
            Err(error) => tracing::error!(%error, "the day could not be sorted for bills; it is tried again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(300)) => {}
        }
    }
}

/// Cancelled by Ctrl-C or SIGTERM.
pub(crate) fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    tokio::spawn(async move {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminate => {}
        }
        tracing::info!("stopping: /readyz says no, then the door is shut and open requests finish");
        signalled.cancel();
    });
    stop
}
