use super::world::{Browser, PIN, World};
use axum::http::StatusCode;
use domain::{Command, Reply, merchant::Product, order::OrderState};
use types::{OrderId, time};

const PHONE: &str = "13812345678";

async fn shown(browser: &Browser<'_>) -> i64 {
    let page = browser.get("/wallet/code").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.has("payment-qr") && page.body.contains("<details>"));
    page.text_of("payment-code").unwrap().replace(' ', "").parse().unwrap()
}

async fn till(world: &World, code: i64, fen: i64) -> OrderId {
    let terms = world.terms(Product::Code, fen);
    match world.run(Command::CodePay { terms, code }).await {
        Reply::Order(order) => order,
        other => panic!("{other:?}"),
    }
}

fn state(world: &World, order: OrderId) -> OrderState {
    world.service.queries.order(order).unwrap().unwrap().state
}

/// `go` of an answer of the poll.
fn go(body: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    value["go"].as_str().map(ToOwned::to_owned)
}

#[tokio::test]
async fn a_small_payment_goes_through_and_the_page_hears_of_it() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let code = shown(&browser).await;
    assert_eq!(code.to_string().len(), 18);
    assert!(code.to_string().starts_with("88"));
    let since: i64 = {
        let page = browser.get("/wallet/code").await;
        page.body.split("data-since=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    let poll = format!("/wallet/code/pending?since={since}");
    assert_eq!(go(&browser.get(&poll).await.body), None);
    let order = till(&world, code, 20_00).await;
    assert_eq!(state(&world, order), OrderState::Paid);
    let receipt = browser.get(&go(&browser.get(&poll).await.body).unwrap()).await;
    assert!(receipt.has("paid"));
    assert_eq!(receipt.text_of("amount").unwrap(), "¥20.00");
    // Without scripts the page itself looks.
    let again = browser.get(&format!("/wallet/code?since={since}")).await;
    assert!(browser.get(&again.location()).await.has("paid"));
    assert_eq!(browser.balance().await, "¥80.00");
}

#[tokio::test]
async fn a_larger_payment_asks_for_the_pin_and_can_be_refused() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 5_000_00).await;
    let order = till(&world, shown(&browser).await, 1_000_01).await;
    assert_eq!(state(&world, order), OrderState::Paying);
    let path = go(&browser.get("/wallet/code/pending?since=0").await.body).unwrap();
    assert!(browser.get("/wallet").await.has("to-confirm"));
    let page = browser.get(&path).await;
    assert_eq!(page.text_of("amount").unwrap(), "¥1,000.01");
    assert!(page.text_of("left").unwrap().contains("5:00"), "{:?}", page.text_of("left"));
    let wrong = browser.submit(&page, &path, &[("do", "pay"), ("pin", "000111")]).await;
    assert!(wrong.text_of("error").unwrap().contains("4 次"));
    let click = || browser.submit(&wrong, &path, &[("do", "pay"), ("pin", PIN)]);
    let (first, second) = tokio::join!(click(), click());
    assert!(browser.get(&first.location()).await.has("paid"));
    assert!(browser.get(&second.location()).await.has("paid"));
    assert_eq!(state(&world, order), OrderState::Paid);

    let order = till(&world, shown(&browser).await, 2_000_00).await;
    let path = format!("/wallet/code/confirm/{order}");
    let page = browser.get(&path).await;
    assert_eq!(browser.submit(&page, &path, &[("do", "refuse")]).await.location(), "/wallet");
    assert_eq!(state(&world, order), OrderState::Failed);
    assert_eq!(browser.get(&path).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_code_needs_a_pin_and_another_payer_sees_nothing_of_it() {
    let world = World::new().await;
    let fresh = world.browser();
    fresh.sign_in("13912345678").await;
    assert_eq!(fresh.get("/wallet/code").await.location(), "/wallet/pin?next=%2Fwallet%2Fcode");
    let browser = world.rich_payer(PHONE, 5_000_00).await;
    let order = till(&world, shown(&browser).await, 2_000_00).await;
    let other = world.rich_payer("13712345678", 5_000_00).await;
    let path = format!("/wallet/code/confirm/{order}");
    assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND);
    let newest = other.get("/wallet/code/pending").await;
    assert_eq!(go(&newest.body), None);
    let page = browser.get(&path).await;
    let stolen = other.submit(&page, &path, &[("do", "pay"), ("pin", PIN)]).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN, "another session's form");
    world.clock.advance(5 * time::MINUTE);
    assert_eq!(browser.get(&path).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn switching_free_payments_off_asks_every_time() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let page = browser.get("/wallet/settings").await;
    assert!(page.has("free-pay-off"));
    browser.submit(&page, "/wallet/settings/free-pay", &[("on", "0")]).await;
    assert!(browser.get("/wallet/settings").await.has("free-pay-on"));
    let order = till(&world, shown(&browser).await, 1).await;
    assert_eq!(state(&world, order), OrderState::Paying);
}
