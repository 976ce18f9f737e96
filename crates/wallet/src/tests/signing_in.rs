use super::world::{PIN, World, production};
use axum::http::{StatusCode, header};
use types::time;

const PHONE: &str = "13812345678";

#[tokio::test]
async fn a_new_phone_signs_up_sets_a_pin_and_is_at_home() {
    let world = World::new().await;
    let browser = world.browser();
    assert_eq!(browser.get("/wallet").await.location(), "/wallet/sign-in?next=%2Fwallet");
    let done = browser.sign_in(PHONE).await;
    assert_eq!(done.location(), "/wallet/pin?next=%2Fwallet");
    let page = browser.get(&done.location()).await;
    let set = browser.submit(&page, "/wallet/pin", &[("new", PIN), ("again", PIN)]).await;
    assert_eq!(set.location(), "/wallet");
    let home = browser.get("/wallet").await;
    assert_eq!(home.text_of("balance").unwrap(), "¥0.00");
    assert!(home.has("setup-card") && !home.has("setup-pin"));
    assert!(browser.get("/wallet/settings").await.body.contains("138****5678"));
    // The second time the phone is known and leads where it was going.
    let other = world.browser();
    world.clock.advance(time::MINUTE);
    let ask = other.get("/wallet/sign-in?next=/wallet/bills").await;
    let sent = other.submit(&ask, "/wallet/sign-in/code", &[("phone", "+86 138 1234 5678")]).await;
    let done = other.submit(&sent, "/wallet/sign-in", &[("code", &world.last_code(PHONE))]).await;
    assert_eq!(done.location(), "/wallet/bills");
}

#[tokio::test]
async fn the_text_names_feiqian_in_the_readers_language() {
    let world = World::new().await;
    let mut browser = world.browser();
    let ask = browser.get("/wallet/sign-in").await;
    browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    assert!(world.last_text(PHONE).starts_with("【飞钱】"));
    browser.language = "en";
    world.clock.advance(time::MINUTE);
    let sent = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    assert!(world.last_text(PHONE).starts_with("[Feiqian]"));
    assert!(sent.body.contains("/sandbox/v1/messages?phone=13812345678"));
}

#[tokio::test]
async fn three_wrong_codes_end_it_and_a_repeat_within_a_minute_sends_none() {
    let world = World::new().await;
    let browser = world.browser();
    let ask = browser.get("/wallet/sign-in").await;
    let sent = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    let right = world.last_code(PHONE);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let first = browser.submit(&sent, "/wallet/sign-in", &[("code", wrong)]).await;
    assert_eq!(first.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(first.text_of("error").unwrap().contains("2 次"), "{:?}", first.text_of("error"));
    let again = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    assert!(again.text_of("error").unwrap().contains("10:01:00"), "{:?}", again.text_of("error"));
    assert_eq!(world.last_code(PHONE), right);
    browser.submit(&sent, "/wallet/sign-in", &[("code", wrong)]).await;
    let last = browser.submit(&sent, "/wallet/sign-in", &[("code", wrong)]).await;
    assert!(last.text_of("error").unwrap().contains("作废"));
    let late = browser.submit(&sent, "/wallet/sign-in", &[("code", &right)]).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.cookie_names().is_empty());
}

#[tokio::test]
async fn malformed_phones_and_codes_are_told_so() {
    let world = World::new().await;
    let browser = world.browser();
    let ask = browser.get("/wallet/sign-in").await;
    for bad in ["", "123", "23812345678", "<script>"] {
        let told = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", bad)]).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(told.has("error") && !told.body.contains("<script>\""), "{bad}");
    }
    let sent = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    for bad in ["", "12345", "1234567", "12345x"] {
        let told = browser.submit(&sent, "/wallet/sign-in", &[("code", bad)]).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    // None of those counted as a try.
    let spaced = world.last_code(PHONE).chars().map(|c| format!("{c} ")).collect::<String>();
    assert_eq!(
        browser.submit(&sent, "/wallet/sign-in", &[("code", &spaced)]).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits() {
    let world = World::new().await;
    let browser = world.browser();
    let ask = browser.get("/wallet/sign-in").await;
    let mut stopped = None;
    for n in 0..30 {
        let answer = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", "x")]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            stopped = Some(n);
            break;
        }
    }
    assert_eq!(stopped, Some(20));
    let neighbour = world.browser();
    let answer = neighbour.submit(&ask, "/wallet/sign-in/code", &[("phone", "x")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_ends_by_signing_out_and_by_time() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let other = world.browser();
    world.clock.advance(time::MINUTE);
    other.sign_in(PHONE).await;
    let page = browser.get("/wallet/settings").await;
    assert_eq!(browser.submit(&page, "/wallet/sign-out", &[]).await.location(), "/wallet/sign-in");
    assert_eq!(browser.get("/wallet").await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/wallet").await.status, StatusCode::OK);
    world.clock.advance(30 * time::DAY);
    assert_eq!(other.get("/wallet").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn production_keeps_the_session_on_this_host_and_https() {
    let world = World::with(production()).await;
    let browser = world.browser();
    let done = browser.sign_in(PHONE).await;
    assert_eq!(browser.cookie_names(), ["__Host-feiqian"]);
    let cookie = done.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let home = browser.follow("/wallet").await;
    assert!(!home.has("sandbox-band"));
    assert_eq!(home.headers[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    // Simulated identity checks are a sandbox's.
    let page = browser.get("/wallet/identity").await;
    assert!(!page.has("pass-tax"));
    let form = browser.get("/wallet/settings").await.form("/wallet/sign-out");
    let forged = [form, vec![("channel".into(), "tax".into())]].concat();
    assert_eq!(browser.post("/wallet/identity", &forged).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_pin_is_changed_with_the_old_one_only() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let page = browser.get("/wallet/pin").await;
    assert!(page.has("pin-old"));
    for (fields, part) in [
        ([("old", PIN), ("new", "123456"), ("again", "123456")], "容易"),
        ([("old", PIN), ("new", "345678"), ("again", "345678")], "容易"),
        ([("old", PIN), ("new", "147369"), ("again", "147368")], "不一致"),
        ([("old", ""), ("new", "147369"), ("again", "147369")], "当前"),
        ([("old", "111222"), ("new", "147369"), ("again", "147369")], "4 次"),
    ] {
        let told = browser.submit(&page, "/wallet/pin", &fields).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(told.text_of("error").unwrap().contains(part), "{fields:?}: {:?}", told.text_of("error"));
    }
    let done =
        browser.submit(&page, "/wallet/pin", &[("old", PIN), ("new", "147369"), ("again", "147369")]).await;
    assert!(browser.get(&done.location()).await.has("pin-done"));
}
