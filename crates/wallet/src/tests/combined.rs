//! The cashier for combined orders (合单): who gets what, one confirmation, all or nothing.

use super::world::{APP, MERCHANT, PIN, World, at_once};
use axum::http::StatusCode;
use domain::{
    Command, Reply,
    combined::{CombinedTerms, Part},
    merchant::{MerchantChange, NewMerchant, Product, Products},
    order::OrderState,
    payment::ChannelAnswer,
};
use std::sync::Arc;
use types::{CombineTransactionId, CombinedId, MerchantId, Money, OrderId, Rate};

const PHONE: &str = "13812345678";
const OTHER: MerchantId = MerchantId(1_900_000_777);

/// A combined Native order of ¥12.34 for the world's merchant and ¥5.00 for another, with the way to its cashier.
async fn combined(world: &World) -> (CombinedId, String) {
    let name = "竹器铺".into();
    let new = NewMerchant { id: OTHER, name, products: Products::ALL, fee: Rate(6_000), rate_per_s: 100 };
    world.run(Command::RegisterMerchant(new)).await;
    let allow = MerchantChange { allow_combine: Some(MERCHANT), ..MerchantChange::default() };
    world.run(Command::ChangeMerchant(OTHER, Box::new(allow))).await;
    let part = |n: u8, merchant, fen| Part {
        merchant,
        partner: None,
        number: format!("whole-0001-{n}").into(),
        amount: Money::cny(fen),
        description: format!("竹篮 <i>{n}</i>").into(),
        attach: "".into(),
        sharing: false,
        extra: "".into(),
        digest: [n; 16],
    };
    let terms = CombinedTerms {
        merchant: MERCHANT,
        app: APP,
        number: "whole-0001".into(),
        product: Product::Native,
        notify_url: "".into(),
        payer: None,
        device: "".into(),
        extra: "".into(),
        digest: [9; 16],
        parts: vec![part(1, MERCHANT, 12_34), part(2, OTHER, 5_00)],
    };
    match world.run(Command::CreateCombined { terms: Arc::new(terms), expires_at: None }).await {
        Reply::Combined(id) => {
            let code = world.service.vault.tokens().code_url(OrderId(id.0), world.service.now());
            (id, web::link::to("/pay/code", &[("pr", &code)]))
        }
        other => panic!("{other:?}"),
    }
}

fn states(world: &World, id: CombinedId) -> Vec<OrderState> {
    let whole = world.service.queries.combined(id).unwrap().unwrap();
    world.service.queries.orders_of(&whole).unwrap().iter().map(|order| order.state).collect()
}

fn proves(world: &World) {
    let proof = engine::prove::prove(&*world.service.queries).unwrap();
    assert!(proof.holds(), "{:#?}", proof.failures);
}

#[tokio::test]
async fn t_30_a_combined_order_is_paid_in_three_steps_and_shows_who_gets_what() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = combined(&world).await;
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.text_of("amount").unwrap(), "¥17.34");
    assert_eq!(page.text_of("payee").unwrap(), "2 家商户");
    for shown in ["竹器铺", "¥12.34", "¥5.00", "竹篮 &#60;i&#62;1&#60;/i&#62;"] {
        assert!(page.body.contains(shown), "{shown}");
    }
    let paid = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
    let receipt = browser.get(&paid.location()).await;
    assert!(receipt.has("paid") && receipt.has("part"), "{}", receipt.body);
    assert_eq!(receipt.text_of("amount").unwrap(), "¥17.34");
    assert_eq!(receipt.text_of("number").unwrap(), CombineTransactionId(id).to_string());
    assert_eq!(states(&world, id), [OrderState::Paid; 2]);
    assert_eq!(browser.balance().await, "¥82.66");
    assert_eq!(browser.get(&path).await.location(), paid.location(), "the code again leads to the receipt");
    // The bill has each order with the mark of the whole, and leads to the other.
    let bills = browser.get("/wallet/bills").await;
    assert_eq!(bills.body.matches("data-testid=\"together\"").count(), 2);
    let whole = world.service.queries.combined(id).unwrap().unwrap();
    let bill = browser.get(&format!("/wallet/bills/{}", whole.orders[0])).await;
    assert!(bill.has("together"), "{}", bill.body);
    assert!(bill.body.contains(&format!("/wallet/bills/{}", whole.orders[1])));
    let stranger = world.rich_payer("13912345678", 100_00).await;
    assert_eq!(stranger.get(&path).await.status, StatusCode::CONFLICT);
    proves(&world);
}

#[tokio::test]
async fn the_form_of_an_older_page_pays_all_of_it_too() {
    let world = World::new().await;
    let (id, path) = combined(&world).await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let page = browser.get(&path).await;
    let paid = browser.submit(&page, "/pay/confirm", &[("pin", PIN), ("currency", ""), ("kind", "")]).await;
    assert_eq!(paid.status, StatusCode::SEE_OTHER, "{}", paid.body);
    assert_eq!(states(&world, id), [OrderState::Paid; 2]);
}

#[tokio::test]
async fn a_double_click_and_two_payers_pay_once() {
    let world = World::new().await;
    let (one, two) = (world.rich_payer(PHONE, 100_00).await, world.rich_payer("13912345678", 100_00).await);
    let (id, path) = combined(&world).await;
    let (mine, theirs) = (one.get(&path).await, two.get(&path).await);
    let answers = at_once([
        one.submit(&mine, "/pay/confirm", &[("pin", PIN)]),
        two.submit(&theirs, "/pay/confirm", &[("pin", PIN)]),
        one.submit(&mine, "/pay/confirm", &[("pin", PIN)]),
    ])
    .await;
    assert!(answers.iter().any(|answer| answer.status == StatusCode::SEE_OTHER));
    assert_eq!(states(&world, id), [OrderState::Paid; 2]);
    let balances = [one.balance().await, two.balance().await];
    assert!(balances == ["¥82.66", "¥100.00"] || balances == ["¥100.00", "¥82.66"], "{balances:?}");
    proves(&world);
}

#[tokio::test]
async fn a_wrong_pin_and_a_declining_card_leave_all_of_it_unpaid() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 10_00).await;
    let (id, path) = combined(&world).await;
    let page = browser.get(&path).await;
    assert!(page.body.contains("disabled"), "the balance is too little for the total");
    let wrong = browser.submit(&page, "/pay/confirm", &[("pin", "000001")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("error") && wrong.has("part"), "{}", wrong.body);
    let page = browser.get(&path).await;
    let asked = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
    let waiting = browser.get(&asked.location()).await;
    assert!(waiting.body.contains("2 家商户") && waiting.body.contains("¥17.34"), "{}", waiting.body);
    assert_eq!(states(&world, id), [OrderState::Open; 2]);
    world.bank_says(ChannelAnswer::Declined("51".into())).await;
    assert!(browser.get(&asked.location()).await.has("declined"));
    let again = browser.get(&path).await;
    let asked = browser.submit(&again, "/pay/confirm", &[("pin", PIN)]).await;
    world.bank_says(ChannelAnswer::Succeeded("SB1".into())).await;
    let receipt = browser.follow(&asked.location()).await;
    assert!(receipt.has("paid"), "{}", receipt.body);
    assert_eq!(states(&world, id), [OrderState::Paid; 2]);
    proves(&world);
}

#[tokio::test]
async fn an_order_of_it_is_not_paid_alone() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, _) = combined(&world).await;
    let whole = world.service.queries.combined(id).unwrap().unwrap();
    // Nobody is given such a code; should there be one, it opens nothing.
    let code = world.service.vault.tokens().code_url(whole.orders[1], world.service.now());
    let refused = browser.get(&web::link::to("/pay/code", &[("pr", &code)])).await;
    assert!(!refused.status.is_success(), "{}", refused.body);
    assert_eq!(states(&world, id), [OrderState::Open; 2]);
    proves(&world);
}
