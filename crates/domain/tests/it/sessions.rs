//! Signing in, OAuth codes, and the removal of what is over.

use crate::world::{World, asked, digest};
use domain::{
    Caller, Command, Key, Rejection, Reply,
    application::Application,
    records::Digest,
    session::{SESSION_LIFE, SignIn},
};
use types::{AppId, CardId, OrderId, PayerId, Time, time};

const PHONE: &str = "13800000000";

fn send(code: &str) -> Command {
    Command::SendCode { phone: digest(PHONE), code: digest(code) }
}

fn sign_in(code: &str, token: &str) -> Command {
    let (phone, phone_sealed) = (digest(PHONE), Box::from([1, 2, 3]));
    Command::SignIn { phone, phone_sealed, code: digest(code), token: digest(token) }
}

fn welcome(reply: Reply) -> (PayerId, bool) {
    match reply {
        Reply::SignedIn(SignIn::Welcome { payer, new }) => (payer, new),
        other => panic!("{other:?}"),
    }
}

fn wrong(left: u8) -> Reply {
    Reply::SignedIn(SignIn::WrongCode { left })
}

/// Rules §7.3: 60 seconds apart, to the microsecond.
#[test]
fn codes_are_a_minute_apart() {
    let mut world = World::new();
    let first = world.now;
    world.ok(send("a"));
    let too_soon = Rejection::CodeTooSoon(first.plus(time::MINUTE));
    for (after, wanted) in
        [(0, Err(too_soon.clone())), (time::MINUTE - 1, Err(too_soon)), (time::MINUTE, Ok(Reply::Done))]
    {
        world.now = first.plus(after);
        assert_eq!(world.run(send("b")), wanted, "{after} µs after");
    }
    // Another phone is not slowed down.
    world.ok(Command::SendCode { phone: digest("13900000000"), code: digest("c") });
}

/// A code that signed somebody in is spent, so the next one need not wait; one that was tried too often is not.
#[test]
fn a_spent_code_delays_nobody_and_still_counts() {
    for (wrong_tries, signed_in) in [(0, true), (2, true), (3, false), (1, false)] {
        let mut world = World::new();
        world.ok(send("a"));
        for _ in 0..wrong_tries {
            world.ok(sign_in("b", "t"));
        }
        if signed_in {
            welcome(world.ok(sign_in("a", "t")));
        }
        assert_eq!(world.run(send("c")).is_ok(), signed_in, "{wrong_tries} wrong, signed in {signed_in}");
    }
    let mut world = World::new();
    for n in 0..10 {
        world.ok(send("a"));
        welcome(world.ok(sign_in("a", &format!("t{n}"))));
    }
    assert_eq!(world.no(send("a")), Rejection::CodeTooMany, "ten a day, spent or not");
}

#[test]
fn ten_codes_a_day_and_then_none_until_midnight() {
    let mut world = World::new();
    for n in 0..10 {
        assert_eq!(world.run(send("a")), Ok(Reply::Done), "{n}");
        world.advance(time::MINUTE);
    }
    assert_eq!(world.no(send("a")), Rejection::CodeTooMany);
    let midnight = Time::parse_rfc3339("2026-01-06T00:00:00+08:00").unwrap();
    world.now = midnight.plus(-1);
    assert_eq!(world.no(send("a")), Rejection::CodeTooMany);
    // Housekeeping does not help: the count outlives the code.
    assert_eq!(world.sweep(&[Key::OneTimeCode(digest(PHONE))]), 0);
    world.now = midnight;
    world.ok(send("a"));
}

#[test]
fn a_code_lives_five_minutes() {
    for (left_us, good) in [(1, true), (0, false)] {
        let mut world = World::new();
        world.ok(send("a"));
        world.advance(5 * time::MINUTE - left_us);
        let signed = world.run(sign_in("a", "t"));
        assert_eq!(signed.is_ok(), good, "{left_us} µs left: {signed:?}");
        assert!(good || signed == Err(Rejection::CodeMissing));
    }
    assert_eq!(World::new().no(sign_in("a", "t")), Rejection::CodeMissing, "none was sent");
}

#[test]
fn a_code_has_three_tries() {
    let mut world = World::new();
    world.ok(send("a"));
    for left in [2, 1, 0] {
        assert_eq!(world.ok(sign_in("b", "t")), wrong(left));
    }
    assert_eq!(world.no(sign_in("a", "t")), Rejection::CodeMissing, "the right one comes too late");
    world.advance(time::MINUTE);
    world.ok(send("c"));
    assert_eq!(world.ok(sign_in("b", "t")), wrong(2), "a new code has its own three");
    welcome(world.ok(sign_in("c", "t")));
}

#[test]
fn a_new_code_ends_the_one_before() {
    let mut world = World::new();
    world.ok(send("a"));
    world.ok(sign_in("x", "t"));
    world.advance(time::MINUTE);
    world.ok(send("b"));
    assert_eq!(world.ok(sign_in("a", "t")), wrong(2), "the old one, with the new one's tries");
    welcome(world.ok(sign_in("b", "t")));
}

#[test]
fn a_code_is_good_once() {
    let mut world = World::new();
    world.ok(send("a"));
    welcome(world.ok(sign_in("a", "t1")));
    assert_eq!(world.no(sign_in("a", "t2")), Rejection::CodeMissing);
    assert_eq!(world.queries.session(digest("t2")).unwrap(), None);
}

/// One payer a phone, whether sign-ins come one after the other or in one batch.
#[test]
fn a_phone_has_one_payer() {
    let mut world = World::new();
    world.ok(send("a"));
    let both = [sign_in("a", "t1"), sign_in("a", "t2")].map(|command| asked(Caller::platform(), command));
    let outcomes = world.ask(&both.each_ref());
    let (payer, new) = welcome(*outcomes[0].as_ref().unwrap());
    assert!(new);
    assert_eq!(outcomes[1], Err(Rejection::CodeMissing));
    for n in 0..3 {
        world.advance(time::DAY);
        world.restart();
        world.ok(send("b"));
        assert_eq!(welcome(world.ok(sign_in("b", &format!("later {n}")))), (payer, false));
    }
    assert_eq!(world.queries.payer_by_phone(digest(PHONE)).unwrap(), Some(payer));
    assert_ne!(world.sign_up("another phone"), payer);
}

#[test]
fn a_session_lasts_thirty_days_or_until_signed_out() {
    let mut world = World::new();
    world.ok(send("a"));
    let caller = Caller { device: Some("phone of test".into()), ..Caller::platform() };
    let (payer, _) = welcome(world.run_as(caller, sign_in("a", "t")).unwrap());
    let session = world.queries.session(digest("t")).unwrap().unwrap();
    assert_eq!((session.payer, &*session.device), (payer, "phone of test"));
    assert_eq!(session.expires_at, world.now.plus(SESSION_LIFE));
    let stranger = PayerId(payer.0 + 1);
    world.ok(Command::SignOut(stranger, digest("t")));
    assert_eq!(world.queries.session(digest("t")).unwrap(), Some(session), "another's stays");
    world.ok(Command::SignOut(payer, digest("t")));
    assert_eq!(world.queries.session(digest("t")).unwrap(), None);
    assert_eq!(world.ok(Command::SignOut(payer, digest("t"))), Reply::Done, "again is the same");
}

fn authorise(app: AppId, payer: PayerId, host: &str) -> Command {
    Command::Authorise { app, payer, code: digest("oauth"), redirect_host: host.into() }
}

fn redeem(app: AppId, secret: &str) -> Command {
    Command::RedeemOauthCode { code: digest("oauth"), app, secret: digest(secret) }
}

#[test]
fn an_oauth_code_is_for_one_application_once_within_five_minutes() {
    let mut world = World::new();
    // The shops' applications are 1 and 2, with the secrets `secret 1` and `secret 2`.
    let (shop, other) = (world.shop(), world.shop());
    let payer = world.sign_up("a phone");
    let unknown = AppId(99);
    world.refuses([
        ("no application", authorise(unknown, payer, "tea.example"), Rejection::AppNotFound(unknown)),
        ("another host", authorise(shop.app, payer, "evil.example"), Rejection::RedirectNotAllowed),
        ("a host above", authorise(shop.app, payer, "example"), Rejection::RedirectNotAllowed),
        ("nobody", authorise(shop.app, PayerId(99), "tea.example"), Rejection::PayerNotFound),
        ("no code yet", redeem(shop.app, "secret 1"), Rejection::OauthCodeInvalid),
    ]);
    world.ok(authorise(shop.app, payer, "tea.example"));
    world.refuses([
        ("a wrong secret", redeem(shop.app, "secret 2"), Rejection::NotAllowed),
        ("another application", redeem(other.app, "secret 2"), Rejection::OauthCodeInvalid),
        ("no application", redeem(unknown, "secret 1"), Rejection::AppNotFound(unknown)),
    ]);
    assert_eq!(world.ok(redeem(shop.app, "secret 1")), Reply::Payer(payer));
    assert_eq!(world.no(redeem(shop.app, "secret 1")), Rejection::OauthCodeInvalid, "twice");
    for (left_us, good) in [(1, true), (0, false)] {
        world.ok(authorise(shop.app, payer, "tea.example"));
        world.advance(5 * time::MINUTE - left_us);
        assert_eq!(world.run(redeem(shop.app, "secret 1")).is_ok(), good, "{left_us} µs left");
    }
}

#[test]
fn an_application_without_a_secret_redeems_nothing() {
    let mut world = World::new();
    let app = AppId(5);
    let redirect_hosts = vec!["tea.example".into()];
    let new = Application { id: app, name: "tea".into(), redirect_hosts, secret: None };
    world.ok(Command::RegisterApplication(Box::new(new)));
    let payer = world.sign_up("a phone");
    world.ok(authorise(app, payer, "tea.example"));
    assert_eq!(world.no(redeem(app, "")), Rejection::NotAllowed);
}

/// One of each short-lived record, and how long after [`World::now`] it stays.
fn short_lived(world: &mut World) -> [(Key, i64); 5] {
    let shop = world.shop();
    let buyer = world.buyer(0);
    let code = world.shown_code(&buyer);
    let (phone, request) = (digest("swept phone"), digest("swept request"));
    world.ok(Command::SendCode { phone, code: digest("a") });
    let (code_a, token) = (digest("a"), digest("swept token"));
    world.ok(Command::SignIn { phone, phone_sealed: Box::from([1]), code: code_a, token });
    world.ok(authorise(shop.app, buyer.id, "tea.example"));
    let mut keyed = asked(Caller::platform(), Command::SetFreePay(buyer.id, false));
    keyed.request = Some((request, Digest([0; 32])));
    world.ask(&[&keyed]).remove(0).unwrap();
    let hour = time::HOUR;
    [
        (Key::PaymentCode(code), 70 * time::SECOND + hour),
        (Key::Session(token), SESSION_LIFE + hour),
        (Key::OneTimeCode(phone), time::DAY),
        (Key::OauthCode(digest("oauth")), 5 * time::MINUTE + hour),
        (Key::Request(request), time::DAY + hour),
    ]
}

#[test]
fn the_sweep_removes_only_what_is_over() {
    for kind in 0..5 {
        let mut world = World::new();
        let keys = short_lived(&mut world);
        let (key, kept) = keys[kind].clone();
        let made = world.now;
        let twice = [key.clone(), key.clone()];
        world.now = made.plus(kept);
        assert_eq!(world.sweep(&twice), 0, "{key:?}: not yet");
        world.now = made.plus(kept + 1);
        assert_eq!(world.sweep(&twice), 1, "{key:?}");
        assert_eq!(world.sweep(&twice), 0, "{key:?}: gone");
        let left = keys.iter().filter(|(_, stays)| *stays > kept).count();
        let all: Vec<Key> = keys.iter().map(|(key, _)| key.clone()).collect();
        world.now = made.plus(SESSION_LIFE + time::DAY);
        let others = keys.len() - 1;
        assert_eq!(world.sweep(&all), others, "{left} later ones among them");
    }
}

#[test]
fn the_sweep_leaves_everything_else() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.sale(&shop, &buyer, "order-0001", 50_00);
    world.advance(3650 * time::DAY);
    let lasting = [
        Key::Order(order),
        Key::Order(OrderId(7)),
        Key::Payer(buyer.id),
        Key::Card(CardId(buyer.card.0)),
        Key::Merchant(shop.id),
        Key::Usage(buyer.id.0),
        Key::Limits(()),
    ];
    assert_eq!(world.sweep(&lasting), 0);
    assert_eq!(world.stored(order).payer, Some(buyer.id));
}
