use super::world::{PIN, World};
use axum::http::StatusCode;
use types::time;

const PHONE: &str = "13812345678";

#[tokio::test]
async fn a_bill_tells_the_story_of_a_payment() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(12_34).await;
    browser.pay(&path, "000111").await;
    world.clock.advance(time::MINUTE);
    browser.pay(&path, PIN).await;
    let bill = browser.get(&format!("/wallet/bills/{id}")).await;
    assert_eq!(bill.status, StatusCode::OK, "{}", bill.body);
    assert_eq!(bill.text_of("amount").unwrap(), "-¥12.34");
    for part in [
        "商户下单",
        "支付密码错误",
        "输入支付密码确认付款",
        "您的余额 → 商户待结算账户",
        "已入账",
        "order-000001",
        "2026-11-21 10:01:00",
    ] {
        assert!(bill.body.contains(part), "{part}: {}", bill.body);
    }
    let list = browser.get("/wallet/bills").await;
    assert!(list.body.contains("2026-11") && list.body.contains("-¥12.34") && list.body.contains("+¥100.00"));
}

#[tokio::test]
async fn another_payers_bill_is_not_there() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(12_34).await;
    browser.pay(&path, PIN).await;
    let top_up = {
        let list = browser.get("/wallet/bills").await;
        let ids: Vec<String> = list
            .body
            .split("/wallet/bills/")
            .skip(1)
            .map(|r| r.split('"').next().unwrap().to_owned())
            .collect();
        ids.into_iter().find(|found| *found != id.to_string()).unwrap()
    };
    assert_eq!(browser.get(&format!("/wallet/bills/{top_up}")).await.text_of("amount").unwrap(), "+¥100.00");
    let other = world.rich_payer("13912345678", 1_00).await;
    for path in [
        format!("/wallet/bills/{id}"),
        format!("/wallet/bills/{top_up}"),
        format!("/wallet/bills?from={id}"),
        format!("/wallet/top-up/{top_up}"),
        "/wallet/bills/0".to_owned(),
        "/wallet/bills/x".to_owned(),
        "/wallet/bills?from=7".to_owned(),
    ] {
        assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_long_bill_is_read_page_by_page_without_gap_or_repeat() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let mut wanted = Vec::new();
    for n in 0..45 {
        let (id, path) = world.native(1_00 + n).await;
        assert_eq!(browser.pay(&path, PIN).await.status, StatusCode::SEE_OTHER);
        wanted.push(id.to_string());
        world.clock.advance(time::SECOND);
    }
    wanted.reverse();
    let (mut found, mut path) = (Vec::new(), "/wallet/bills".to_owned());
    loop {
        let page = browser.get(&path).await;
        let ids =
            page.body.split("href=\"/wallet/bills/").skip(1).map(|r| r.split('"').next().unwrap().to_owned());
        found.extend(ids);
        match page.href_of("older") {
            Some(older) => path = older,
            None => break,
        }
    }
    assert_eq!(found.len(), 46, "45 payments and a top-up");
    assert_eq!(found[..45], wanted);
}

#[tokio::test]
async fn a_refund_shows_in_the_bill_and_the_order() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(12_34).await;
    browser.pay(&path, PIN).await;
    let before = browser.get(&format!("/wallet/bills/{id}")).await;
    assert!(
        before.text_of("refunded").is_none() && !before.body.contains("refunds-label"),
        "{}",
        before.body
    );
    world.refund(id, 2_34, "商品已售完").await;
    let bill = browser.get(&format!("/wallet/bills/{id}")).await;
    assert_eq!(bill.status, StatusCode::OK, "{}", bill.body);
    for part in ["退款 ¥2.34", "已退款", "+¥2.34", "退回余额", "原因：商品已售完", "商户发起退款"]
    {
        assert!(bill.body.contains(part), "{part}: {}", bill.body);
    }
    assert!(
        !bill.body.contains("手续费"),
        "what the merchant gets back of its fee is not the payer's to know"
    );
    let list = browser.get("/wallet/bills").await;
    assert!(list.body.contains("退款 ¥2.34"), "{}", list.body);
}
