//! Pages as a browser gets them: who sees what, and what is refused.

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use domain::{
    Command, Reply,
    records::Digest,
    staff::{Given, NewPassword, NewStaff, Role},
};
use fixture::Fixture;
use http_body_util::BodyExt;
use std::{net::SocketAddr, sync::Arc};
use tower::ServiceExt;
use types::{MerchantId, OperatorId, OrderId, Secret};

const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA";

pub(super) struct Door {
    pub(super) fixture: Fixture,
    router: Router,
}

/// A browser with a session of somebody.
pub(super) struct Browser<'a> {
    pub(super) door: &'a Door,
    cookie: String,
    /// The session's token.
    session: String,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Door {
    pub(super) fn new() -> Self {
        let fixture = Fixture::running();
        let router = crate::router(Arc::clone(&fixture.service));
        Self { fixture, router }
    }
    fn hash(&self, token: &str) -> Digest {
        Digest(*self.fixture.vault().hasher().code("console/token", token).as_bytes())
    }
    /// Employs somebody and signs the person in, both factors.
    pub(super) fn sign_in(&self, name: &str, merchant: Option<MerchantId>, role: Role) -> Browser<'_> {
        let hash = || Secret::new(HASH.to_owned());
        let new = NewStaff { name: name.into(), merchant, role, password: hash() };
        let Reply::Staff(staff) = self.fixture.run(Command::CreateStaff(Box::new(new))) else { panic!() };
        let token = |step: u8| format!("{step}{name:x>42}");
        let given = || Given { compared: hash(), right: true };
        let (first, second, third) = (self.hash(&token(1)), self.hash(&token(2)), self.hash(&token(3)));
        self.fixture.run(Command::SignInStaff { staff, given: given(), token: first });
        let change = NewPassword { session: first, old: given(), new: hash(), token: second };
        self.fixture.run(Command::ChangeStaffPassword(Box::new(change)));
        let secret = Box::from([1]);
        self.fixture.run(Command::EnrolTotp { session: second, secret, step: Some(1), token: third });
        self.browser(&token(3))
    }
    fn browser(&self, token: &str) -> Browser<'_> {
        let https = self.fixture.service.settings.public_base.starts_with("https://");
        let name = if https { "__Host-feiqian-console" } else { "feiqian-console" };
        let cookie = format!("{name}={token}; feiqian-lang=en");
        Browser { door: self, cookie, session: token.to_owned() }
    }
}

impl Browser<'_> {
    pub(super) async fn send(&self, method: Method, path: &str, form: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        let response = self.door.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }
    /// Gives the code again, as the console does with a right one.
    pub(super) fn step_up(&self, step: i64) {
        let session = self.door.hash(&self.session);
        self.door.fixture.run(Command::StepUp { session, step: Some(step) });
    }
    /// Posts a form with the session's form token.
    pub(super) async fn post(&self, path: &str, form: &str) -> Answer {
        let form = format!("form={}&{form}", self.token().await);
        self.send(Method::POST, path, &form).await
    }
    /// The session's form token, as any page carries it.
    pub(super) async fn token(&self) -> String {
        let page = self.get("/console/orders").await.body;
        page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

/// The order's page address.
fn page(order: OrderId) -> String {
    format!("/console/orders/{order}")
}

/// Posts a name and a password from one address, which a hospital's whole staff may share.
async fn enter(door: &Door, name: &str, password: &str) -> StatusCode {
    entering(door, name, password).await.status()
}

async fn entering(door: &Door, name: &str, password: &str) -> axum::response::Response {
    let office: SocketAddr = "192.0.2.7:40000".parse().unwrap();
    let request = Request::post("/console/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(ConnectInfo(office))
        .body(Body::from(format!("name={name}&password={password}")));
    door.router.clone().oneshot(request.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_signs_in_at_once_and_guesses_from_there_are_stopped() {
    let door = Door::new();
    let password = crypto::password::hash(&Secret::new("long enough words".to_owned())).unwrap();
    let new = NewStaff { name: "kim".into(), merchant: None, role: Role::Auditor, password };
    door.fixture.run(Command::CreateStaff(Box::new(new)));
    for _ in 0..30 {
        assert_eq!(enter(&door, "kim", "long+enough+words").await, StatusCode::SEE_OTHER);
    }
    for n in 0..20 {
        assert_eq!(enter(&door, "nobody", "guess").await, StatusCode::UNPROCESSABLE_ENTITY, "{n}");
    }
    assert_eq!(enter(&door, "nobody", "guess").await, StatusCode::TOO_MANY_REQUESTS);
    let refused = entering(&door, "kim", "long+enough+words").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds = refused.headers()[header::RETRY_AFTER].to_str().unwrap().to_owned();
    assert!((1..=6).contains(&seconds.parse::<i64>().unwrap()), "{seconds}");
    let page = refused.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains(&seconds) && page.contains("秒后再试"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_both_factors() {
    let door = Door::new();
    let stranger = door.browser(&"x".repeat(43));
    for path in ["/console/orders", "/console/balance", "/console/people", "/console/journal"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        let to = answer.headers[header::LOCATION].to_str().unwrap();
        assert!(to.starts_with("/console/sign-in?next="), "{to}");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    // With the password alone every page leads to the missing step.
    door.sign_in("kim", None, Role::Auditor);
    let half = "h".repeat(43);
    let given = Given { compared: Secret::new(HASH.to_owned()), right: true };
    door.fixture.run(Command::SignInStaff { staff: OperatorId(1), given, token: door.hash(&half) });
    let answer = door.browser(&half).get("/console/orders").await;
    assert_eq!(answer.headers[header::LOCATION], "/console/sign-in/code");
}

/// R-CLERK-34: another merchant's order is as if it did not exist, by page, list, search and file.
#[tokio::test(flavor = "multi_thread")]
async fn r_clerk_34_merchants_people_see_their_merchant_only() {
    let door = Door::new();
    let order = door.fixture.paid_order("tea-000001", 28_00, "");
    let other = door.fixture.another_merchant(1_900_000_009, None);
    let ours = door.sign_in("ours", Some(door.fixture.merchant), Role::Owner);
    let theirs = door.sign_in("theirs", Some(other), Role::Owner);
    assert_eq!(ours.get(&page(order)).await.status, StatusCode::OK);
    assert_eq!(theirs.get(&page(order)).await.status, StatusCode::NOT_FOUND);
    let list = format!("/console/orders?merchant={}", door.fixture.merchant);
    assert!(ours.get("/console/orders").await.body.contains("tea-000001"));
    assert!(!theirs.get(&list).await.body.contains("tea-000001"), "the address does not decide whose");
    assert_eq!(ours.get(&format!("/console/search?q={order}")).await.headers[header::LOCATION], *page(order));
    let found = theirs.get(&format!("/console/search?q={order}")).await;
    assert!(!found.headers[header::LOCATION].to_str().unwrap().starts_with(&page(order)));
    let file = |browser: Answer| browser.body.matches("tea-000001").count();
    assert_eq!(file(ours.get("/console/orders.csv").await), 1);
    assert_eq!(file(theirs.get("/console/orders.csv").await), 0);
    for path in ["/console/journal", "/console/exceptions"] {
        assert_eq!(ours.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    door.fixture.prove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_session_changes_nothing() {
    let door = Door::new();
    let order = door.fixture.paid_order("tea-000001", 28_00, "");
    let owner = door.sign_in("owner", Some(door.fixture.merchant), Role::Owner);
    let clerk = door.sign_in("clerk", Some(door.fixture.merchant), Role::Clerk);
    let path = format!("{}/refund", page(order));
    let form = |token: &str| format!("form={token}&amount=1.00&nonce={}", "n".repeat(24));
    for token in ["", "x", &clerk.token().await] {
        let answer = owner.send(Method::POST, &path, &form(token)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token:?}");
    }
    let answer = clerk.send(Method::POST, &path, &form(&clerk.token().await)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "a clerk refunds nothing");
    assert_eq!(door.fixture.order_record(order).refunded.count, 0);
    // The owner's does; sent twice it is one refund.
    let form = form(&owner.token().await);
    for _ in 0..2 {
        let answer = owner.send(Method::POST, &path, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
    assert_eq!(door.fixture.order_record(order).refunded.count, 1);
    door.fixture.prove();
}
