use super::*;
use axum::{Router, body::Body, routing::get};
use fixture::Fixture;
use http_body_util::BodyExt;
use tower::ServiceExt;

/// A gateway, and a signed GET to an endpoint of our own under `/probe`.
struct Probe {
    fixture: Fixture,
    gateway: Arc<Gateway>,
}

impl Probe {
    fn new() -> Self {
        let fixture = Fixture::new();
        let wall = Arc::clone(&fixture.clock) as Arc<dyn Clock>;
        let gateway = Gateway::new(Arc::clone(&fixture.service), wall, Arc::new(crate::tests::door::Cards));
        Self { fixture, gateway }
    }

    async fn ask<F, Fut>(&self, endpoint: F) -> (u16, String)
    where
        F: FnOnce(Call) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let handler = move |state: Shared, request: Request| serve(state.0, request, endpoint);
        let router = Router::new().route("/probe", get(handler)).with_state(Arc::clone(&self.gateway));
        let authorization = self.fixture.authorization("GET", "/probe", b"");
        let request = Request::get("/probe").header("authorization", authorization).body(Body::empty());
        let response = router.oneshot(request.expect("a request")).await.expect("a router answers");
        assert!(response.headers().contains_key("request-id"));
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }
}

#[tokio::test]
async fn a_panic_is_a_system_error_and_the_next_request_is_served() {
    let probe = Probe::new();
    let (status, body) = probe.ask(|_| async { panic!("on purpose") }).await;
    assert_eq!(status, 500);
    assert!(body.contains("SYSTEM_ERROR") && !body.contains("on purpose"), "{body}");
    let (status, _) = probe.ask(|_| async { Ok(Answer::ok(b"{}".to_vec())) }).await;
    assert_eq!(status, 200);
    assert_eq!(probe.gateway.service.under_way.load(Ordering::SeqCst), 0, "every place was given back");
}

#[tokio::test]
async fn a_crowd_is_refused_before_anything_is_done() {
    let probe = Probe::new();
    probe.gateway.service.under_way.store(IN_FLIGHT_MAX, Ordering::SeqCst);
    let (status, body) = probe.ask(|_| async { panic!("must not run") }).await;
    assert_eq!(status, 429);
    assert!(body.contains("FREQUENCY_LIMITED"), "{body}");
    assert_eq!(probe.gateway.service.under_way.load(Ordering::SeqCst), IN_FLIGHT_MAX);
    probe.gateway.service.under_way.store(IN_FLIGHT_MAX - 1, Ordering::SeqCst);
    let (status, body) = probe.ask(|call| async move { Ok(Answer::ok(call.body.to_vec())) }).await;
    assert_eq!((status, body.as_str()), (200, ""));
}

#[tokio::test]
async fn an_answer_that_can_not_be_signed_is_a_system_error() {
    let probe = Probe::new();
    let lapsed = probe.fixture.service.keys().certificates()[0].not_after().plus(1);
    // The merchant's certificate lapses with the platform's, so the platform's has to be asked for directly.
    let wall: Arc<dyn Clock> = Arc::new(engine::ManualClock::standing(lapsed));
    let gateway = Gateway::new(Arc::clone(&probe.fixture.service), wall, Arc::new(crate::tests::door::Cards));
    let signed = answer::sign(&gateway, Answer::empty(), crypto::platform::KeyMode::Certificate, None).await;
    assert_eq!(signed.err().map(|error| error.code), Some(Code::SystemError));
}
