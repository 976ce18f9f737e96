//! `feiqian serve`: all doors of one process, and an orderly end.

use crate::{app::App, config::Config, sandbox_api};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
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
            let card = verified.map_err(|refused| wallet::CardRefusal::Declined(refused.to_string()))?;
            Ok(wallet::VerifiedCard {
                bank: card.bank.into(),
                tail: card.tail.into(),
                token: card.token.into(),
                channel: card.channel,
            })
        })
    }
}

/// All routes.
pub(crate) fn router(app: &App) -> Router {
    let service = &app.service;
    let bank = SimulatedBank::new(Arc::clone(&service.vault));
    let mut router = Router::new()
        .route("/", get(|| async { Redirect::temporary("/wallet") }))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(Arc::clone(service)))
        .merge(gateway::router(Arc::clone(service)))
        .merge(wallet::router(Arc::clone(service), Arc::new(Cards(bank))));
    if service.settings.sandbox {
        router = router
            .merge(gateway::sandbox_router(Arc::clone(service)))
            .merge(sandbox_api::router(Arc::clone(service), app.sandbox_clock.clone()));
    }
    router
}

/// Alive: the process answers.
async fn healthz() -> Response {
    Json(serde_json::json!({ "status": "ok" })).into_response()
}

/// Ready: the store can be read and the queue is not full.
async fn readyz(State(service): State<Arc<Service>>) -> Response {
    let stats = service.engine.stats();
    let read = service.queries.counts();
    let ready = read.is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({
        "status": if ready { "ready" } else { "store unavailable" },
        "engine": stats,
        "store": read.ok(),
    });
    (status, Json(body)).into_response()
}

/// Serves until `stop`, then lets open requests and deliveries finish within the drain time.
pub(crate) async fn serve(
    app: App,
    listener: TcpListener,
    config: &Config,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let drain = Duration::from_secs(config.drain_s);
    let bank = Arc::new(SimulatedBank::new(Arc::clone(&app.service.vault)));
    let workers =
        Worker::start(&app.service, bank, worker::Setup::default()).map_err(std::io::Error::other)?;
    tokio::spawn(keep_certificates(Arc::clone(&app.service), stop.clone()));
    let make = router(&app).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // Answers are small and must not wait for more.
        let _ = stream.set_nodelay(true);
    });
    let draining = stop.clone();
    let server = axum::serve(listener, make).with_graceful_shutdown(draining.cancelled_owned());
    let limit = async {
        stop.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = async { server.await } => served?,
        () = limit => tracing::warn!(drain_s = config.drain_s, "open requests did not finish in time"),
    }
    if !workers.stop(drain).await {
        tracing::warn!("work under way did not finish in time; it is done again at the next start");
    }
    app.close();
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
        tracing::info!("stopping: no new requests, open ones finish");
        signalled.cancel();
    });
    stop
}
