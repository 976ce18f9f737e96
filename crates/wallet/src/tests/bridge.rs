use super::world::{APP, MERCHANT, PIN, World};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use crypto::{
    PrivateKey,
    pay_sign::{Invoke, Scene},
};
use domain::{
    Command,
    merchant::{MerchantChange, NewMerchant, Product},
    order::{ByPartner, Terms},
};
use types::OrderId;
use url::form_urlencoded;

const PHONE: &str = "13812345678";

/// The call that a merchant's server signs, as a query.
fn call(world: &World, scene: Scene, order: OrderId, key: &PrivateKey, change: &[(&str, &str)]) -> String {
    let prepay_id = world.service.vault.tokens().prepay_id(order, world.service.now());
    let app_id = APP.to_string();
    let invoke =
        Invoke { scene, app_id: &app_id, timestamp: "1795226400", nonce: "n0nce", prepay_id: &prepay_id };
    let sign = invoke.sign(key).unwrap();
    let (package, partner) = (format!("prepay_id={prepay_id}"), MERCHANT.to_string());
    let mut fields = match scene {
        Scene::Jsapi => vec![
            ("appId", app_id.as_str()),
            ("timeStamp", "1795226400"),
            ("nonceStr", "n0nce"),
            ("package", &package),
            ("signType", "RSA"),
            ("paySign", &sign),
        ],
        Scene::App => vec![
            ("appid", app_id.as_str()),
            ("partnerid", &partner),
            ("prepayid", &prepay_id),
            ("package", "Sign=WXPay"),
            ("noncestr", "n0nce"),
            ("timestamp", "1795226400"),
            ("sign", &sign),
        ],
    };
    for (name, value) in change {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[tokio::test]
async fn a_signed_call_pays_and_brings_the_result_back() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    for (scene, product, path) in
        [(Scene::Jsapi, Product::Jsapi, "/pay/jsapi"), (Scene::App, Product::App, "/pay/app")]
    {
        let order = world.order(product, 8_88).await;
        let back = [("redirect_url", "https://shop.test/cart?x=1")];
        let query = call(&world, scene, order, &world.merchant_key, &back);
        let page = browser.get(&format!("{path}?{query}")).await;
        assert_eq!(page.text_of("amount").unwrap(), "¥8.88", "{}", page.body);
        let left = browser.get(&page.href_of("leave").unwrap()).await;
        assert_eq!(left.href_of("back-to-merchant").unwrap(), "https://shop.test/cart?x=1&result=cancel");
        let paid = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
        let receipt = browser.get(&paid.location()).await;
        assert_eq!(receipt.href_of("back-to-merchant").unwrap(), "https://shop.test/cart?x=1&result=ok");
    }
}

#[tokio::test]
async fn a_window_of_its_own_tells_the_page_that_opened_it() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let order = world.order(Product::Jsapi, 1_00).await;
    let query =
        call(&world, Scene::Jsapi, order, &world.merchant_key, &[("origin", "http://shop.test:3000/x?y")]);
    let page = browser.get(&format!("/pay/jsapi?{query}")).await;
    let paid = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
    let receipt = browser.get(&paid.location()).await;
    assert!(receipt.body.contains(r#"data-tell="ok" data-tell-origin="http://shop.test:3000""#));
    assert!(!receipt.has("back-to-merchant"));
}

#[tokio::test]
async fn a_call_that_the_merchant_did_not_sign_is_refused() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let order = world.order(Product::Jsapi, 1_00).await;
    let stranger = PrivateKey::generate().unwrap();
    let forged = call(&world, Scene::Jsapi, order, &stranger, &[]);
    let mut calls = vec![(forged, "签名没有通过")];
    for (change, part) in [
        ([("timeStamp", "1795226401")], "签名没有通过"),
        ([("nonceStr", "other")], "签名没有通过"),
        ([("paySign", "")], "签名没有通过"),
        ([("timeStamp", "now")], "timeStamp"),
        ([("nonceStr", "")], "timeStamp"),
        ([("signType", "MD5")], "RSA"),
        ([("package", "prepay_id=wx1")], "prepay_id"),
        ([("package", "wx1")], "package"),
        ([("appId", "wx8888888888888888")], "appid"),
    ] {
        calls.push((call(&world, Scene::Jsapi, order, &world.merchant_key, &change), part));
    }
    for (query, part) in calls {
        let refused =
            browser.get(&format!("/pay/jsapi?{query}&redirect_url=https%3A%2F%2Fshop.test%2F")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{part}: {}", refused.body);
        assert!(refused.text_of("problem").unwrap().contains(part), "{:?}", refused.text_of("problem"));
        assert!(refused.body.contains("https://shop.test/?result=fail"), "{part}");
    }
    // An app's call names its merchant, and a JSAPI id is no APP id.
    let query = call(&world, Scene::App, order, &world.merchant_key, &[("partnerid", "1")]);
    assert!(
        browser.get(&format!("/pay/app?{query}")).await.text_of("problem").unwrap().contains("partnerid")
    );
    let query = call(&world, Scene::App, order, &world.merchant_key, &[]);
    assert!(
        browser
            .get(&format!("/pay/app?{query}"))
            .await
            .text_of("problem")
            .unwrap()
            .contains("不能用这种方式")
    );
    assert_eq!(browser.get("/pay/jsapi").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_call_posted_from_the_merchants_site_goes_on_by_get() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let order = world.order(Product::Jsapi, 1_00).await;
    let query = call(&world, Scene::Jsapi, order, &world.merchant_key, &[]);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/pay/jsapi")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .header(header::ORIGIN, "https://shop.test")
        .body(Body::from(query))
        .unwrap();
    let on = browser.send(request).await;
    assert_eq!(on.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get(&on.location()).await.text_of("amount").unwrap(), "¥1.00");
}

/// The partner signs for its sub-merchant, whose name the payer sees as the payee.
#[tokio::test]
async fn r_fin_13_a_partners_call_pays_the_sub_merchant() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, products) = (types::MerchantId(1_900_000_109), domain::merchant::Products::ALL);
    let new =
        NewMerchant { id, name: "望江分店".into(), products, fee: types::Rate(6_000), rate_per_s: 1 };
    world.run(Command::RegisterMerchant(new)).await;
    let permissions = domain::partner::Permissions::USUAL;
    world.run(Command::AddSubMerchant { merchant: id, partner: MERCHANT, permissions }).await;
    let bind = MerchantChange { bind: Some(APP), ..MerchantChange::default() };
    world.run(Command::ChangeMerchant(id, Box::new(bind))).await;
    let place = async |product, sub_app| {
        let partner = Some(ByPartner { id: MERCHANT, sub_app });
        let terms = Terms { merchant: id, partner, ..(*world.terms(product, 8_88)).clone() };
        world.order_of(terms.into()).await
    };
    let own = id.to_string();
    for (scene, product, path, partnerid) in [
        (Scene::Jsapi, Product::Jsapi, "/pay/jsapi", None),
        (Scene::App, Product::App, "/pay/app", None),
        (Scene::App, Product::App, "/pay/app", Some(("partnerid", own.as_str()))),
    ] {
        for sub_app in [None, Some(APP)] {
            let order = place(product, sub_app).await;
            let change: Vec<_> = partnerid.into_iter().collect();
            let query = call(&world, scene, order, &world.merchant_key, &change);
            let page = browser.get(&format!("{path}?{query}")).await;
            assert_eq!(page.text_of("amount").unwrap(), "¥8.88", "{}", page.body);
            assert!(page.body.contains("望江分店"), "{}", page.body);
        }
    }
    let order = place(Product::App, None).await;
    let stranger = [("partnerid", "1900000777")];
    let query = call(&world, Scene::App, order, &world.merchant_key, &stranger);
    assert_eq!(browser.get(&format!("/pay/app?{query}")).await.status, StatusCode::BAD_REQUEST);
}
