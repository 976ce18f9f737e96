//! An orderly end: nobody who was let in is turned away.
//!
//! 1. `/readyz` says no and answers ask to close their connections, while everything is still served, so that a
//!    balancer and clients with open connections go elsewhere (`drain_notice_s`).
//! 2. Connections that the kernel has already taken are taken in; only when none waits the door is shut. A door
//!    shut earlier would answer them with a reset.
//! 3. Who was let in last gets [`GRACE`] to send a request. The server's own shutdown would drop a connection whose
//!    first bytes it has not read yet.
//! 4. Requests under way are finished (`drain_s`).

use axum::serve::Listener;
use std::{
    future::{Future, pending},
    io,
    net::SocketAddr,
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What a connection that was let in gets to send its request, once the door is shut.
const GRACE: Duration = Duration::from_millis(250);

/// A listener that shuts its door once `closing` is cancelled and nobody waits at it.
pub(crate) struct LastCall {
    door: Option<TcpListener>,
    address: SocketAddr,
    closing: CancellationToken,
    shut: CancellationToken,
}

impl LastCall {
    /// `shut` is cancelled [`GRACE`] after the door was shut.
    ///
    /// # Errors
    /// When the listener has no address.
    pub(crate) fn new(
        door: TcpListener,
        closing: CancellationToken,
        shut: CancellationToken,
    ) -> io::Result<Self> {
        Ok(Self { address: door.local_addr()?, door: Some(door), closing, shut })
    }
}

impl Listener for LastCall {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(door) = &mut self.door {
            tokio::select! {
                biased;
                taken = <TcpListener as Listener>::accept(door) => return taken,
                () = self.closing.cancelled() => self.door = None,
            }
        }
        tokio::time::sleep(GRACE).await;
        self.shut.cancel();
        pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// `serving` until it ends by itself, or `drain` has passed since `closing`. False when it had to be cut short.
pub(crate) async fn within<F: Future<Output = io::Result<()>>>(
    serving: F,
    closing: &CancellationToken,
    drain: Duration,
) -> io::Result<bool> {
    let limit = async {
        closing.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = serving => served.map(|()| true),
        () = limit => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_at_the_door_is_let_in_before_it_is_shut() {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let (closing, shut) = (CancellationToken::new(), CancellationToken::new());
        let mut door = LastCall::new(inner, closing.clone(), shut.clone()).unwrap();
        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(TcpStream::connect(address).await.unwrap());
        }
        closing.cancel();
        for _ in 0..20 {
            door.accept().await;
        }
        assert!(!shut.is_cancelled(), "who was let in has had no time to ask");
        assert!(tokio::time::timeout(GRACE * 4, door.accept()).await.is_err());
        assert!(shut.is_cancelled());
        let late = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::ConnectionRefused);
    }
}
