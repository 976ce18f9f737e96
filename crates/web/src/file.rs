//! A file as the body of an answer: read a piece at a time, when the other end has taken the one before. Between two
//! pieces it holds no thread, so that a slow reader costs an open file and nothing else.

use axum::body::HttpBody;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    future::Future,
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::task::JoinHandle;

/// Bytes of a piece.
const PIECE: usize = 128 * 1024;

type Source = Box<dyn Read + Send>;

/// See the module.
pub struct FileBody {
    /// Here, or away on a thread that reads.
    source: Option<Source>,
    reading: Option<JoinHandle<(Source, io::Result<Bytes>)>>,
    /// Bytes that are still to come.
    left: u64,
}

impl FileBody {
    /// The whole of `source`, which gives `length` bytes. One that gives others breaks the answer off.
    pub fn new(source: impl Read + Send + 'static, length: u64) -> Self {
        Self { source: Some(Box::new(source)), reading: None, left: length }
    }
}

impl std::fmt::Debug for FileBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileBody({} bytes left)", self.left)
    }
}

fn read(source: &mut Source, most: u64) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(PIECE);
    source.by_ref().take(most.min(PIECE as u64)).read_to_end(&mut piece)?;
    if piece.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(piece.into()) }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(mut source) = self.source.take() {
            let most = self.left;
            self.reading = Some(tokio::task::spawn_blocking(move || {
                let piece = read(&mut source, most);
                (source, piece)
            }));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) }; // after a failure
        let done = match Pin::new(reading).poll(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(done) => done.map_err(io::Error::other),
        };
        self.reading = None;
        let piece = done.and_then(|(source, piece)| {
            self.source = Some(source);
            piece
        });
        match &piece {
            Ok(piece) => self.left -= piece.len() as u64,
            Err(error) => {
                tracing::error!(%error, left = self.left, "a file's answer broke off");
                self.source = None;
            }
        }
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_file_comes_whole_in_pieces() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let body = FileBody::new(io::Cursor::new(bytes.clone()), bytes.len() as u64);
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        assert_eq!(body.collect().await.unwrap().to_bytes(), bytes);
        let empty = FileBody::new(io::empty(), 0);
        assert!(empty.is_end_stream() && empty.collect().await.unwrap().to_bytes().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_breaks_the_answer_off() {
        let body = FileBody::new(io::Cursor::new(vec![1; 10]), 11);
        assert_eq!(body.collect().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let body = FileBody::new(io::Cursor::new(vec![1; 10]), 9);
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 9, "what was not promised is not sent");
    }
}
