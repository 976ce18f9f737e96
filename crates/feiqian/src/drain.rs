//! An orderly end: nobody who was let in is turned away.
//!
//! 1. `/readyz` says no and answers ask to close their connections, while everything is still served, so that a
//!    balancer and clients with open connections go elsewhere (`drain_notice_s`).
//! 2. The kernel is told to answer no new calls ([`answer_no_more`]): they are neither taken nor reset, and hear that
//!    the door is shut when they call again. Who had called before is taken in, for [`LAST_CALL`] and until nobody
//!    waits; then the door is shut. A door shut at once would answer them with a reset.
//! 3. Who was let in last gets [`GRACE`] to send a request. The server's own shutdown would drop a connection whose
//!    first bytes it has not read yet.
//! 4. Requests under way are finished (`drain_s`).

use axum::serve::Listener;
use socket2::{SockFilter, SockRef};
use std::{
    future::{Future, pending},
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long calls that had begun get to be let in, once no new ones are answered: some round trips.
const LAST_CALL: Duration = Duration::from_millis(250);
/// How often it is looked who waits meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// What a connection that was let in gets to send its request, once the door is shut: a busy machine may take long.
const GRACE: Duration = Duration::from_secs(1);

/// A listener that shuts its door once `closing` is cancelled and nobody waits at it.
pub(crate) struct LastCall {
    door: Door,
    address: SocketAddr,
    closing: CancellationToken,
    shut: CancellationToken,
}

enum Door {
    Open(TcpListener),
    /// Asked itself: the runtime would say that nobody waits until the kernel tells it otherwise, which on a busy machine
    /// is too late.
    Closing {
        door: std::net::TcpListener,
        until: Instant,
    },
    Shut,
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
        Ok(Self { address: door.local_addr()?, door: Door::Open(door), closing, shut })
    }
}

impl Listener for LastCall {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Door::Open(door) = &mut self.door {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => self.door = close(std::mem::replace(&mut self.door, Door::Shut)),
                taken = <TcpListener as Listener>::accept(door) => return taken,
            }
        }
        while let Door::Closing { door, until } = &self.door {
            match door.accept().and_then(|(stream, address)| Ok((unblocked(stream)?, address))) {
                Ok(taken) => return taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() >= *until => break,
                Err(_) if Instant::now() >= *until + LAST_CALL => break,
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
        self.door = Door::Shut;
        tokio::time::sleep(GRACE).await;
        self.shut.cancel();
        pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Begins to close an open door.
fn close(door: Door) -> Door {
    let Door::Open(door) = door else { return door };
    if let Err(error) = answer_no_more(&door) {
        tracing::debug!(%error, "new calls can't be left unanswered; who calls as the door is shut may hear a reset");
    }
    match door.into_std() {
        Ok(door) => Door::Closing { door, until: Instant::now() + LAST_CALL },
        Err(error) => {
            tracing::warn!(%error, "who waits at the door can't be let in any more");
            Door::Shut
        }
    }
}

/// Has the kernel drop segments that open a connection (SYN without ACK) and nothing else.
fn answer_no_more(door: &TcpListener) -> io::Result<()> {
    // Classic BPF over the TCP header: load the byte of the flags, keep SYN and ACK, drop if that is SYN alone.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const SYN_ACK: u32 = 0x12;
    let (load, and, jump_if, answer) = (0x30, 0x54, 0x15, 0x06);
    SockRef::from(door).attach_filter(&[
        SockFilter::new(load, 0, 0, FLAGS),
        SockFilter::new(and, 0, 0, SYN_ACK),
        SockFilter::new(jump_if, 0, 1, SYN),
        SockFilter::new(answer, 0, 0, 0),
        SockFilter::new(answer, 0, 0, u32::MAX),
    ])
}

fn unblocked(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
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
        // Who calls from now on is not let in to be reset: the call waits, and is refused once the door is shut.
        let late = tokio::spawn(TcpStream::connect(address));
        assert!(tokio::time::timeout(GRACE * 4, door.accept()).await.is_err());
        assert!(shut.is_cancelled());
        assert_eq!(late.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let later = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(later.kind(), io::ErrorKind::ConnectionRefused);
    }
}
