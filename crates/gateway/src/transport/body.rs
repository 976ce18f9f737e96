//! The body of a request: read whole before anything in it is looked at, within bounds.

use super::Failure;
use axum::{
    body::{Body, HttpBody},
    http::StatusCode,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use protocol::{ApiError, Code, Location, Text};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body read. An order with 6,000 goods of ordinary length has about half of it.
pub(crate) const BYTES_MAX: usize = 1 << 20;
/// Bodies up to this need no permit; nearly every order has less than 2 KiB.
const SMALL: usize = 64 << 10;
/// Larger bodies held at once, so that they take 64 MiB at most.
pub(super) const LARGE_MAX: usize = 64;
/// How much of a body that is too large is thrown away before the answer: a client that is still sending would
/// otherwise see its connection break instead of the answer.
const DRAINED_MAX: usize = 16 << 20;
/// How long a body may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(15);

/// A body, with the permit it holds for as long as it is in memory.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most [`BYTES_MAX`].
pub(super) async fn read(body: Body, large: &Arc<Semaphore>) -> Result<Received, Failure> {
    if body.is_end_stream() {
        return Ok(Received { bytes: Bytes::new(), _permit: None });
    }
    match tokio::time::timeout(ARRIVAL_MAX, collect(body, large)).await {
        Ok(read) => read,
        Err(_) => Err(broken(StatusCode::REQUEST_TIMEOUT)),
    }
}

async fn collect(mut body: Body, large: &Arc<Semaphore>) -> Result<Received, Failure> {
    let mut first = Bytes::new();
    let mut joined = Vec::new();
    let mut permit = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broken(StatusCode::BAD_REQUEST))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = first.len() + joined.len() + data.len();
        if length > BYTES_MAX {
            drain(body, length).await;
            return Err(too_large());
        }
        if length > SMALL && permit.is_none() {
            let free = Arc::clone(large).try_acquire_owned();
            permit = Some(free.map_err(|_| Failure::from(ApiError::new(Code::FrequencyLimited)))?);
        }
        // Nearly every body comes in one frame; that one is never copied.
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut first));
            joined.extend_from_slice(&data);
        }
    }
    let bytes = if joined.is_empty() { first } else { Bytes::from(joined) };
    Ok(Received { bytes, _permit: permit })
}

async fn drain(mut body: Body, mut length: usize) {
    while length < DRAINED_MAX {
        match body.frame().await {
            Some(Ok(frame)) => length += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

fn too_large() -> Failure {
    let issue = Text::new(
        format!("过长，上限 {BYTES_MAX} 字节"),
        format!("is too long: at most {BYTES_MAX} bytes are read"),
    );
    let error = ApiError::param("", None, issue, Location::Body);
    Failure { status: StatusCode::PAYLOAD_TOO_LARGE, error }
}

fn broken(status: StatusCode) -> Failure {
    let issue = Text::fixed("未能完整到达，请重试", "did not arrive whole; send the request again");
    Failure { status, error: ApiError::param("", None, issue, Location::Body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_of(length: usize, large: &Arc<Semaphore>) -> Result<Received, Failure> {
        read(Body::from(vec![b'x'; length]), large).await
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound_and_no_further() {
        let large = Arc::new(Semaphore::new(1));
        for length in [0, 1, SMALL, SMALL + 1, BYTES_MAX] {
            assert_eq!(read_of(length, &large).await.map(|r| r.bytes.len()).ok(), Some(length));
        }
        let refused = read_of(BYTES_MAX + 1, &large).await.expect_err("too large");
        assert_eq!((refused.status.as_u16(), refused.error.code), (413, Code::ParamError));
    }

    #[tokio::test]
    async fn large_bodies_at_once_are_bounded_and_small_ones_pass() {
        let large = Arc::new(Semaphore::new(1));
        let held = read_of(SMALL + 1, &large).await.ok();
        let refused = read_of(SMALL + 1, &large).await.expect_err("one at a time");
        assert_eq!(refused.error.code, Code::FrequencyLimited);
        assert!(read_of(SMALL, &large).await.is_ok());
        drop(held);
        assert!(read_of(SMALL + 1, &large).await.is_ok());
    }

    #[tokio::test]
    async fn frames_are_joined_in_order() {
        let large = Arc::new(Semaphore::new(1));
        let frames = ["{\"a\"", "", ":1", "}\n"].map(Bytes::from);
        let read = read(Body::new(Frames(frames.into_iter().collect())), &large).await.expect("read");
        assert_eq!(read.bytes, "{\"a\":1}\n");
    }

    /// A body that comes in these frames.
    struct Frames(std::collections::VecDeque<Bytes>);

    impl HttpBody for Frames {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.pop_front().map(|bytes| Ok(http_body::Frame::data(bytes))))
        }
    }
}
