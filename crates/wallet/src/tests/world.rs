//! A small world: an engine over a store in memory, one merchant with keys, a bank that answers when told to,
//! and browsers.

use crate::{CardLookup, CardNumber, CardRefusal, Looked, VerifiedCard};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, Method, Request, StatusCode, header},
};
use crypto::{MasterKey, PlatformKeys, PrivateKey, Vault};
use domain::{
    Caller, Command, Reply,
    application::Application,
    merchant::{Certificate, MerchantChange, NewMerchant, Product, Products},
    order::Terms,
    payment::ChannelAnswer,
    refund::{Funds, NewRefund, RefundTerms},
};
use engine::{Clock, Engine, ManualClock, engine::Setup};
use http_body_util::BodyExt;
use service::{EventBus, Messenger, Metrics, Parts, SandboxInbox, Service, Settings, SigningThreads};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    task::Poll,
};
use tower::ServiceExt;
use types::{AppId, MerchantId, Money, OrderId, PayerId, Phone, Rate, Time};
use url::form_urlencoded;

pub(super) const MERCHANT: MerchantId = MerchantId(1_900_000_001);
pub(super) const APP: AppId = AppId(0x1234);
pub(super) const PIN: &str = "258369";
pub(super) const CARD: &str = "6212 3456 7890 1232";

/// Accepts numbers that start with 62 and refuses those that start with 4; elsewhere it does not answer.
struct Bank;

impl CardLookup for Bank {
    fn verify<'a>(&'a self, _: PayerId, number: &'a CardNumber) -> Looked<'a> {
        use types::Masked;
        let answer = match &number.expose()[..1] {
            "6" => Ok(VerifiedCard {
                bank: "CMB_DEBIT".into(),
                tail: number.tail().into(),
                token: format!("token-{}", number.tail()).into(),
                channel: 1,
            }),
            "4" => Err(CardRefusal::Declined("blocked".into())),
            "3" => Err(CardRefusal::UnknownBank),
            "2" => Err(CardRefusal::Malformed),
            _ => Err(CardRefusal::Unavailable("no line".into())),
        };
        Box::pin(async { answer })
    }
}

pub(super) struct World {
    pub(super) service: Arc<Service>,
    pub(super) clock: Arc<ManualClock>,
    inbox: Arc<SandboxInbox>,
    pub(super) router: Router,
    pub(super) merchant_key: PrivateKey,
    numbers: AtomicI64,
    browsers: AtomicU32,
    // Last, so that everything that submits is gone before it stops.
    _engine: Engine,
}

pub(super) fn sandbox() -> Settings {
    Settings {
        public_base: "http://pay.test".into(),
        other_bases: Vec::new(),
        sandbox: true,
        payment_code_prefix: protocol::qr::Prefix::DEFAULT,
        combine_most: domain::combined::PARTS_USUAL,
    }
}

pub(super) fn production() -> Settings {
    Settings { public_base: "https://pay.test".into(), sandbox: false, ..sandbox() }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(sandbox()).await
    }
    pub(super) async fn with(settings: Settings) -> Self {
        let start = Time::parse_rfc3339("2026-11-21T10:00:00+08:00").unwrap();
        let standing = ManualClock::standing(start);
        Self::on(settings, standing).await
    }
    pub(super) async fn on(settings: Settings, clock: ManualClock) -> Self {
        let clock = Arc::new(clock);
        let (store, vault) = (store::memory(), Arc::new(Vault::new(1, &MasterKey::from_bytes([7; 32]))));
        let queries = Arc::clone(&store.queries);
        let engine =
            Engine::start(store, Arc::clone(&clock) as Arc<dyn Clock>, Setup::default(), Box::new(|_| {}))
                .unwrap();
        let inbox = Arc::new(SandboxInbox::default());
        let platform = PlatformKeys::generate(clock.now()).unwrap();
        let identity = platform.issue_merchant(MERCHANT, "Tea", clock.now()).unwrap();
        let merchant_key = identity.key().clone();
        let certificate = crypto::Certificate::from_pem(identity.certificate_pem()).unwrap();
        let metrics = Metrics::default();
        let service = Arc::new(Service::new(Parts {
            engine: engine.handle().into(),
            queries,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            wall: Arc::clone(&clock) as Arc<dyn Clock>,
            vault,
            platform,
            events: EventBus::default(),
            messenger: Arc::clone(&inbox) as Arc<dyn Messenger>,
            settings,
            signing: SigningThreads::start(1, metrics.clone(), None),
            metrics,
            under_way: Arc::default(),
            bills: std::env::temp_dir().join("feiqian-no-bills"),
        }));
        let router = crate::router(Arc::clone(&service), Arc::new(Bank));
        let world = Self {
            service,
            clock,
            inbox,
            router,
            merchant_key,
            numbers: AtomicI64::new(1),
            browsers: AtomicU32::new(1),
            _engine: engine,
        };
        world.register_merchant(&certificate, identity.certificate_pem()).await;
        world
    }
    async fn register_merchant(&self, certificate: &crypto::Certificate, pem: &str) {
        let application = Application {
            id: APP,
            name: "茶铺".into(),
            redirect_hosts: vec!["shop.test".into(), "127.0.0.1:3000".into()],
            secret: None,
        };
        let merchant = NewMerchant {
            id: MERCHANT,
            name: "山泉茶铺 <Tea & Co>".into(),
            products: Products::ALL,
            fee: Rate(6_000),
            rate_per_s: 100,
        };
        let change = MerchantChange { bind: Some(APP), ..MerchantChange::default() };
        let kept = Certificate {
            serial: certificate.serial().into(),
            merchant: MERCHANT,
            pem: pem.into(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            revoked_at: None,
        };
        for command in [
            Command::RegisterApplication(Box::new(application)),
            Command::RegisterMerchant(merchant),
            Command::ChangeMerchant(MERCHANT, Box::new(change)),
            Command::AddCertificate(Box::new(kept)),
        ] {
            self.run(command).await;
        }
    }
    pub(super) async fn run(&self, command: Command) -> Reply {
        self.service.engine.run(command, Caller::platform()).await.unwrap()
    }
    pub(super) fn terms(&self, product: Product, fen: i64) -> Arc<Terms> {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        Arc::new(Terms {
            partner: None,
            merchant: MERCHANT,
            app: APP,
            number: format!("order-{number:06}").into(),
            product,
            amount: Money::cny(fen),
            description: "明前龙井 <b>50 克</b>".into(),
            attach: "".into(),
            notify_url: "".into(),
            payer: None,
            sharing: false,
            device: "".into(),
            extra: "".into(),
            digest: [u8::try_from(number % 256).unwrap(); 16],
        })
    }
    pub(super) async fn order(&self, product: Product, fen: i64) -> OrderId {
        self.order_of(self.terms(product, fen)).await
    }
    pub(super) async fn order_of(&self, terms: Arc<Terms>) -> OrderId {
        match self.run(Command::CreateOrder { terms, expires_at: None }).await {
            Reply::Order(order) => order,
            other => panic!("{other:?}"),
        }
    }
    /// The merchant refunds a part of an order.
    pub(super) async fn refund(&self, order: OrderId, fen: i64, reason: &str) {
        let total = self.service.queries.order(order).unwrap().unwrap().terms.amount.minor;
        let terms = Arc::new(RefundTerms {
            partner: None,
            merchant: MERCHANT,
            number: format!("refund-{order}").into(),
            amount: Money::cny(fen),
            reason: reason.into(),
            notify_url: "".into(),
            funds: Funds::Unsettled,
            extra: "".into(),
            digest: [0; 16],
        });
        let new = NewRefund { terms, order: Some(order), order_number: None, total };
        let caller = Caller::of(domain::Actor::Merchant(MERCHANT));
        let done = self.service.engine.run(Command::CreateRefund(Box::new(new)), caller).await;
        assert!(matches!(done, Ok(Reply::Refund(_))), "{done:?}");
    }
    /// The path of a code_url's page.
    pub(super) async fn native(&self, fen: i64) -> (OrderId, String) {
        let order = self.order(Product::Native, fen).await;
        let url = self.service.vault.tokens().code_url(order, self.clock.now());
        let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        (order, format!("/pay/code?pr={query}"))
    }
    pub(super) async fn bank_says(&self, answer: ChannelAnswer) {
        let due = self.service.queries.due_payments(types::ShardSet::ONLY, Time(i64::MAX), 10).unwrap();
        let [payment] = &due[..] else { panic!("{} payments wait", due.len()) };
        self.run(Command::AnswerPayment(payment.id, answer)).await;
    }
    pub(super) fn last_text(&self, phone: &str) -> String {
        self.inbox.kept(&Phone::parse(phone).unwrap())[0].text.clone()
    }
    pub(super) fn last_code(&self, phone: &str) -> String {
        let text = self.last_text(phone);
        let digits: Vec<&str> =
            text.split(|c: char| !c.is_ascii_digit()).filter(|part| part.len() == 6).collect();
        digits[0].to_owned()
    }
    pub(super) fn browser(&self) -> Browser<'_> {
        Browser {
            world: self,
            cookies: Mutex::default(),
            language: "zh-CN",
            // Each browser is another household, as the sign-in limiter counts them.
            address: (Ipv4Addr::from(0xc000_0200 + self.browsers.fetch_add(1, Ordering::SeqCst)), 5000)
                .into(),
            origin: Some(self.service.settings.public_base.clone()),
        }
    }
    /// A browser signed in by phone, with the PIN set.
    pub(super) async fn payer(&self, phone: &str) -> Browser<'_> {
        let browser = self.browser();
        browser.sign_in(phone).await;
        let set = browser.get("/wallet/pin").await;
        let done = browser.submit(&set, "/wallet/pin", &[("new", PIN), ("again", PIN)]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        browser
    }
    /// As [`World::payer`], class II, with a card and a balance.
    pub(super) async fn rich_payer(&self, phone: &str, fen: i64) -> Browser<'_> {
        let browser = self.payer(phone).await;
        for channel in ["identity-card", "education", "tax"] {
            let page = browser.get("/wallet/identity").await;
            browser.submit(&page, "/wallet/identity", &[("channel", channel)]).await;
        }
        browser.bind(CARD).await;
        if fen > 0 {
            let page = browser.get("/wallet/top-up").await;
            let amount = Money::cny(fen).to_string();
            browser.submit(&page, "/wallet/top-up", &[("amount", &amount), ("pin", PIN)]).await;
            self.bank_says(ChannelAnswer::Succeeded("bank-1".into())).await;
        }
        browser
    }
}

pub(super) struct Browser<'a> {
    pub(super) world: &'a World,
    cookies: Mutex<HashMap<String, String>>,
    pub(super) language: &'static str,
    pub(super) address: SocketAddr,
    /// What it sends as `Origin` with a form.
    pub(super) origin: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) path: String,
}

impl Answer {
    pub(super) fn location(&self) -> String {
        let location = self.headers.get(header::LOCATION);
        let location =
            location.unwrap_or_else(|| panic!("{} answered {}: {}", self.path, self.status, self.body));
        location.to_str().unwrap().to_owned()
    }
    /// The text of the element with that `data-testid`.
    pub(super) fn text_of(&self, id: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("data-testid=\"{id}\""))?;
        let rest = rest.split_once('>')?.1;
        let mut text = String::new();
        let mut depth = 0_i32;
        let mut chars = rest.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '<' {
                let closes = chars.peek() == Some(&'/');
                let tag: String = chars.by_ref().take_while(|c| *c != '>').collect();
                depth += if closes { -1 } else { i32::from(!tag.ends_with('/') && tag != "br") };
                if depth < 0 {
                    break;
                }
            } else {
                text.push(c);
            }
        }
        Some(unescape(text.trim()))
    }
    pub(super) fn has(&self, id: &str) -> bool {
        self.body.contains(&format!("data-testid=\"{id}\""))
    }
    /// An attribute of the element with that `data-testid`.
    pub(super) fn href_of(&self, id: &str) -> Option<String> {
        let at = self.body.find(&format!("data-testid=\"{id}\""))?;
        let start = self.body[..at].rfind('<')?;
        let tag = self.body[start..].split('>').next()?;
        Some(unescape(tag.split_once("href=\"")?.1.split('"').next()?))
    }
    /// Fields that the form with that action sends by itself: hidden ones and what is checked.
    pub(super) fn form(&self, action: &str) -> Vec<(String, String)> {
        let forms = self.body.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap());
        let form = forms.into_iter().find(|form| form.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_else(|| panic!("no form to {action} on {}: {}", self.path, self.body));
        let value = |tag: &str, name: &str| {
            let rest = tag.split_once(&format!(" {name}=\""))?.1;
            Some(unescape(rest.split('"').next()?))
        };
        let mut fields = Vec::new();
        for tag in form.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let kept = tag.contains("type=\"hidden\"") || tag.contains(" checked");
            if kept && let Some(name) = value(tag, "name") {
                fields.push((name, value(tag, "value").unwrap_or_default()));
            }
        }
        fields
    }
}

fn unescape(text: &str) -> String {
    let names = [("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'")];
    names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

impl Browser<'_> {
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::builder().method(Method::GET).uri(path).body(Body::empty()).unwrap()).await
    }
    /// Follows redirects to our own pages.
    pub(super) async fn follow(&self, path: &str) -> Answer {
        let mut path = path.to_owned();
        for _ in 0..8 {
            let answer = self.get(&path).await;
            if answer.status != StatusCode::SEE_OTHER {
                return answer;
            }
            path = answer.location();
        }
        panic!("redirects without end at {path}");
    }
    pub(super) async fn post(&self, path: &str, fields: &[(String, String)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::HOST, "pay.test");
        if let Some(origin) = &self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        self.send(request.body(body.finish().into()).unwrap()).await
    }
    /// Fills in a page's form and sends it.
    pub(super) async fn submit(&self, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
        let mut fields = page.form(action);
        for (name, value) in typed {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(action, &fields).await
    }
    pub(super) async fn send(&self, mut request: Request<Body>) -> Answer {
        let path = request.uri().to_string();
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        request.headers_mut().insert(header::ACCEPT_LANGUAGE, self.language.parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body, path }
    }
    pub(super) async fn sign_in(&self, phone: &str) -> Answer {
        let ask = self.get("/wallet/sign-in").await;
        let sent = self.submit(&ask, "/wallet/sign-in/code", &[("phone", phone)]).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.body);
        let code = self.world.last_code(phone);
        let done = self.submit(&sent, "/wallet/sign-in", &[("code", &code)]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        done
    }
    pub(super) async fn bind(&self, number: &str) -> Answer {
        let page = self.get("/wallet/cards/new").await;
        self.submit(&page, "/wallet/cards/new", &[("number", number)]).await
    }
    /// Opens a payment page and pays from what it offers first.
    pub(super) async fn pay(&self, path: &str, pin: &str) -> Answer {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        self.submit(&page, "/pay/confirm", &[("pin", pin)]).await
    }
    pub(super) fn cookie_names(&self) -> Vec<String> {
        self.cookies.lock().unwrap().keys().cloned().collect()
    }
    pub(super) async fn balance(&self) -> String {
        self.get("/wallet").await.text_of("balance").unwrap()
    }
}

/// A header by name, as text.
pub(super) fn header_of<'a>(answer: &'a Answer, name: &'static str) -> &'a str {
    answer.headers.get(HeaderName::from_static(name)).map_or("", |value| value.to_str().unwrap())
}

/// Runs all at once and gives the answers in order.
pub(super) async fn at_once<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<(Pin<Box<_>>, Option<T>)> =
        futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    poll_fn(move |cx| {
        for (future, answer) in running.iter_mut().filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(cx) {
                *answer = Some(ready);
            }
        }
        if running.iter().any(|(_, answer)| answer.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(running.drain(..).filter_map(|(_, answer)| answer).collect())
    })
    .await
}
