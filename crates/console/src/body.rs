//! An answer that is written while it is sent: pieces come from another thread, a few at a time.

use axum::body::HttpBody;
use bytes::Bytes;
use http_body::Frame;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Pieces that wait to be sent.
const AHEAD: usize = 4;

/// See the module. An error breaks the answer off, so that nobody takes a part for the whole.
pub(crate) struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    _place: OwnedSemaphorePermit,
}

impl Pieces {
    /// The body, and where its pieces go; sending fails once nobody listens.
    pub(crate) fn new(place: OwnedSemaphorePermit) -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (send, pieces) = mpsc::channel(AHEAD);
        (send, Self { pieces, _place: place })
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
