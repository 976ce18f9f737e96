//! Partner mode through the router, with real signatures: orders, refunds and bills for a sub-merchant.

use super::door::{APPID, Door, MCHID};
use domain::{
    Command,
    partner::{Permission, Permissions},
};
use flate2::read::GzDecoder;
use protocol::bill::{fund, trade};
use serde_json::{Value, json};
use std::io::Read;
use types::{
    AppId, MerchantId, TransactionId,
    time::{DAY, HOUR},
};

const SUB: &str = "1900000109";
const ORDERS: &str = "/v3/pay/partner/transactions";
const REFUNDS: &str = "/v3/refund/domestic/refunds";

/// The fixture's merchant as a partner, with one sub-merchant that has no key and no certificate.
struct Office {
    door: Door,
    sub: MerchantId,
    /// An application of the sub-merchant alone.
    sub_app: AppId,
}

impl Office {
    fn new() -> Self {
        let door = Door::new();
        let sub = door.fixture.another_merchant(1_900_000_109, None);
        let sub_app: AppId = "wx1234567890abcdef".parse().expect("an appid");
        let id = sub_app;
        let app = domain::application::Application {
            id,
            name: "分店".into(),
            redirect_hosts: vec![],
            secret: None,
        };
        door.fixture.run(Command::RegisterApplication(Box::new(app)));
        let bind = domain::merchant::MerchantChange { bind: Some(sub_app), ..Default::default() };
        door.fixture.run(Command::ChangeMerchant(sub, Box::new(bind)));
        let office = Self { door, sub, sub_app };
        office.allow(Permissions::USUAL);
        office
    }
    fn partner(&self) -> MerchantId {
        self.door.fixture.merchant
    }
    fn allow(&self, permissions: Permissions) {
        let (merchant, partner) = (self.sub, self.partner());
        self.door.fixture.run(Command::AddSubMerchant { merchant, partner, permissions });
        self.door.fixture.service.directory.forget();
    }
    fn end(&self) {
        self.door.fixture.run(Command::RemoveSubMerchant { merchant: self.sub, partner: self.partner() });
        self.door.fixture.service.directory.forget();
    }
    /// A good order; `changes` replace members, null removes them.
    fn order(&self, number: &str, fen: i64, changes: &Value) -> Value {
        let mut party = json!({
            "appid": null, "mchid": null, "sp_appid": APPID, "sp_mchid": MCHID, "sub_mchid": SUB,
        });
        party.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.door.order(number, fen, &party)
    }
    async fn place(&self, number: &str, fen: i64) {
        let placed =
            self.door.post(format!("{ORDERS}/native"), &self.order(number, fen, &json!({}))).send().await;
        placed.expect(200);
    }
    /// Places an order and has it paid.
    async fn sale(&self, number: &str, fen: i64) {
        self.place(number, fen).await;
        let order = self.door.fixture.service.queries.order_by_number(self.partner(), number);
        self.door.fixture.pay(order.unwrap().unwrap().id);
    }
    fn number(&self, number: &str) -> String {
        format!("{ORDERS}/out-trade-no/{number}?sp_mchid={MCHID}&sub_mchid={SUB}")
    }
    fn refund(&self, order: &str, number: &str, refund: i64, total: i64) -> Value {
        json!({
            "sub_mchid": SUB, "out_trade_no": order, "out_refund_no": number,
            "amount": { "refund": refund, "total": total, "currency": "CNY" },
        })
    }
}

#[tokio::test]
async fn r_fin_13_a_partner_places_orders_of_every_product() {
    let office = Office::new();
    let door = &office.door;
    let h5 = json!({ "scene_info": { "payer_client_ip": "203.0.113.7", "h5_info": { "type": "Wap" } } });
    let jsapi = json!({ "payer": { "sp_openid": door.openid() } });
    for (product, changes, member) in [
        ("native", json!({}), "code_url"),
        ("app", json!({}), "prepay_id"),
        ("h5", h5, "h5_url"),
        ("jsapi", jsapi, "prepay_id"),
    ] {
        let order = office.order(&format!("branch-{product}"), 100, &changes);
        let answer = door.post(format!("{ORDERS}/{product}"), &order).send().await;
        answer.verified(door);
        assert!(answer.expect(200)[member].is_string(), "{product}");
    }
    // The payer by the sub-merchant's own application.
    let sub_openid = door.fixture.vault().tokens().openid(office.sub_app, door.fixture.payer);
    let named = json!({ "sub_appid": office.sub_app.to_string(), "payer": { "sub_openid": sub_openid } });
    door.post(format!("{ORDERS}/jsapi"), &office.order("branch-sub01", 100, &named)).send().await.expect(200);
    let order =
        door.fixture.service.queries.order_by_number(office.partner(), "branch-sub01").unwrap().unwrap();
    assert_eq!((order.terms.merchant, order.terms.payer), (office.sub, Some(door.fixture.payer)));
    door.fixture.pay(order.id);
    let paid = door.get(office.number("branch-sub01")).send().await.expect(200);
    assert_eq!(paid["sub_appid"], office.sub_app.to_string());
    assert_eq!(paid["payer"], json!({ "sp_openid": door.openid(), "sub_openid": sub_openid }));
    // An openid of the other application is nobody's here.
    let mixed = json!({ "payer": { "sp_openid": sub_openid } });
    let mixed = door.post(format!("{ORDERS}/jsapi"), &office.order("branch-sub02", 100, &mixed)).send().await;
    mixed.refused(500, "OPENID_MISMATCH");
    door.fixture.prove();
}

#[tokio::test]
async fn orders_are_queried_and_closed_in_the_partners_form() {
    let office = Office::new();
    let door = &office.door;
    office.sale("branch-0001", 1280).await;
    let found = door.get(office.number("branch-0001")).send().await;
    found.verified(door);
    let order = found.expect(200);
    for (name, value) in
        [("sp_appid", APPID), ("sp_mchid", MCHID), ("sub_mchid", SUB), ("trade_state", "SUCCESS")]
    {
        assert_eq!(order[name], value, "{name}");
    }
    assert_eq!(order["payer"], json!({ "sp_openid": door.openid() }));
    assert!(order.get("mchid").is_none() && order.get("appid").is_none());
    let id = order["transaction_id"].as_str().unwrap();
    let by_id = format!("{ORDERS}/id/{id}?sp_mchid={MCHID}&sub_mchid={SUB}");
    assert_eq!(door.get(by_id.as_str()).send().await.expect(200), order);

    // In the merchant's form it is not there, nor is the merchant's own in the partner's.
    door.by_number("branch-0001").send().await.refused(404, "ORDER_NOT_EXIST");
    door.get(format!("/v3/pay/transactions/id/{id}?mchid={MCHID}"))
        .send()
        .await
        .refused(404, "ORDER_NOT_EXIST");
    door.fixture.order("own-order-01", 5);
    door.get(office.number("own-order-01")).send().await.refused(404, "ORDER_NOT_EXIST");
    for (target, field) in [
        (format!("{ORDERS}/out-trade-no/branch-0001?sub_mchid={SUB}"), "sp_mchid"),
        (format!("{ORDERS}/out-trade-no/branch-0001?sp_mchid={MCHID}"), "sub_mchid"),
        (format!("{ORDERS}/out-trade-no/branch-0001?sp_mchid={MCHID}&sub_mchid=x"), "sub_mchid"),
    ] {
        let refused = door.get(target).send().await.refused(400, "PARAM_ERROR");
        assert_eq!(refused["detail"]["field"], field);
    }
    let foreign = format!("{ORDERS}/out-trade-no/branch-0001?sp_mchid=1900000002&sub_mchid={SUB}");
    let refused = door.get(foreign).send().await.refused(403, "NO_AUTH");
    assert_eq!(refused["detail"]["field"], "sp_mchid");

    office.place("branch-0002", 100).await;
    let close = format!("{ORDERS}/out-trade-no/branch-0002/close");
    let body = json!({ "sp_mchid": MCHID, "sub_mchid": SUB });
    door.post(close.as_str(), &body).send().await.expect(204);
    door.post(close.as_str(), &body).send().await.expect(204);
    assert_eq!(door.get(office.number("branch-0002")).send().await.expect(200)["trade_state"], "CLOSED");
    door.fixture.prove();
}

#[tokio::test]
async fn r_fin_13_who_may_not_act_for_a_merchant_is_told_no_auth() {
    let office = &Office::new();
    let door = &office.door;
    office.sale("branch-0001", 1280).await;
    let other = door.fixture.another_merchant(1_900_000_110, None).to_string();
    let strangers = json!({ "sub_mchid": other });
    let native = format!("{ORDERS}/native");
    let order = |number: &str, changes: &Value| office.order(number, 100, changes);
    for changes in [strangers, json!({ "sub_mchid": "1999999999" }), json!({ "sub_mchid": MCHID })] {
        door.post(native.as_str(), &order("branch-0009", &changes)).send().await.refused(403, "NO_AUTH");
    }
    for (member, appid) in
        [("sp_appid", office.sub_app.to_string()), ("sub_appid", "wx0000000000000001".into())]
    {
        let refused =
            door.post(native.as_str(), &order("branch-0009", &json!({ member: appid }))).send().await;
        refused.refused(400, "APPID_MCHID_NOT_MATCH");
    }
    let asks = |expected: &'static str| {
        let (refund, bill) = (
            office.refund("branch-0001", "back-1", 100, 1280),
            format!("/v3/bill/tradebill?bill_date=2026-01-04&sub_mchid={SUB}"),
        );
        let order = order("branch-0002", &json!({}));
        let native = native.clone();
        async move {
            let may = |what: &str| expected.contains(what);
            let check = |answer: super::door::Answer, may: bool| {
                let refused = answer.json()["code"] == "NO_AUTH";
                assert_eq!(refused, !may, "{expected}: {}", String::from_utf8_lossy(&answer.body));
            };
            check(door.post(native, &order).send().await, may("pay"));
            check(door.get(office.number("branch-0001")).send().await, may("pay"));
            check(door.post(REFUNDS, &refund).send().await, may("refund"));
            check(door.get(format!("{REFUNDS}/back-1?sub_mchid={SUB}")).send().await, may("refund"));
            check(door.get(bill).send().await, may("bills"));
        }
    };
    for (permission, name) in
        [(Permission::Pay, "pay"), (Permission::Refund, "refund"), (Permission::Bills, "bills")]
    {
        office.allow(Permissions::default().and(permission));
        asks(name).await;
    }
    office.end();
    asks("nothing").await;
    let refused = door.get(office.number("branch-0001")).header("accept-language", "en").send().await;
    let message = refused.refused(403, "NO_AUTH")["message"].as_str().unwrap().to_owned();
    assert!(message.contains(SUB) && message.contains(MCHID), "{message}");
    door.fixture.prove();
}

#[tokio::test]
async fn refunds_name_the_sub_merchant() {
    let office = Office::new();
    let door = &office.door;
    office.sale("branch-0001", 1280).await;
    let before = door.fixture.balance();
    let asked = office.refund("branch-0001", "back-1", 280, 1280);
    let answer = door.post(REFUNDS, &asked).send().await;
    answer.verified(door);
    let refund = answer.expect(200);
    assert_eq!((&refund["status"], door.fixture.balance()), (&json!("SUCCESS"), before + 280));
    assert_eq!(door.post(REFUNDS, &asked).send().await.expect(200), refund, "the same again");
    assert_eq!(door.get(format!("{REFUNDS}/back-1?sub_mchid={SUB}")).send().await.expect(200), refund);
    // Without the sub-merchant it would be one of the partner's own.
    door.get(format!("{REFUNDS}/back-1")).send().await.refused(404, "RESOURCE_NOT_EXISTS");
    let mut own = office.refund("branch-0001", "back-2", 100, 1280);
    own.as_object_mut().unwrap().remove("sub_mchid");
    door.post(REFUNDS, &own).send().await.refused(404, "RESOURCE_NOT_EXISTS");
    let wrong = format!("{REFUNDS}/back-1?sub_mchid=abc");
    assert_eq!(door.get(wrong).send().await.refused(400, "PARAM_ERROR")["detail"]["field"], "sub_mchid");
    door.fixture.prove();
}

async fn fetch(door: &Door, asked: &str) -> Vec<u8> {
    let link = door.get(asked).send().await.expect(200);
    let url = link["download_url"].as_str().expect("a link");
    let file = door.get(url.strip_prefix("http://127.0.0.1:8080").unwrap()).send().await;
    file.expect(200);
    file.body.to_vec()
}

/// Rows of a trade bill as signer, sub-merchant and order number.
fn rows(bill: &[u8]) -> Vec<[String; 3]> {
    let text = std::str::from_utf8(bill).unwrap();
    let mut reader = trade::Reader::new(trade::Kind::All);
    text.split_inclusive('\n').for_each(|line| {
        reader.line(line).unwrap();
    });
    reader.finish().unwrap();
    let fields = |line: &str| {
        let fields: Vec<&str> = line.trim_start_matches('`').split(",`").collect();
        [fields[2], fields[3], fields[6]].map(str::to_owned)
    };
    text.lines().filter(|line| line.starts_with('`') && line.split(",`").count() == 27).map(fields).collect()
}

#[tokio::test]
async fn a_partner_fetches_the_trade_of_all_its_sub_merchants_or_of_one() {
    let office = Office::new();
    let door = &office.door;
    let second = door.fixture.another_merchant(1_900_000_110, None);
    let (merchant, partner) = (second, office.partner());
    let none_of_bills = Permissions::default().and(Permission::Pay);
    let third = door.fixture.another_merchant(1_900_000_111, None);
    door.fixture.run(Command::AddSubMerchant { merchant, partner, permissions: Permissions::USUAL });
    door.fixture.run(Command::AddSubMerchant { merchant: third, partner, permissions: none_of_bills });
    door.fixture.service.directory.forget();
    office.sale("branch-0001", 1280).await;
    for sub in ["1900000110", "1900000111"] {
        let number = format!("office-{sub}");
        let order = office.order(&number, 700, &json!({ "sub_mchid": sub }));
        door.post(format!("{ORDERS}/native"), &order).send().await.expect(200);
        let order = door.fixture.service.queries.order_by_number(partner, &number).unwrap().unwrap();
        door.fixture.pay(order.id);
    }
    door.fixture.paid_order("own-order-01", 500, "");
    // What the sub-merchant sold by itself is not the partner's to see.
    let own = domain::order::Terms { merchant: office.sub, ..door.fixture.terms("sub-order-01", 900) };
    let own = door.fixture.place(own);
    door.fixture.pay(own);
    door.fixture.clock.advance(HOUR);
    door.post(REFUNDS, &office.refund("branch-0001", "back-1", 280, 1280)).send().await.expect(200);
    door.fixture.clock.advance(23 * HOUR);
    let bill = "/v3/bill/tradebill?bill_date=2026-01-05";
    let row = |sub: &str, number: &str| [MCHID.to_owned(), sub.to_owned(), number.to_owned()];
    assert_eq!(
        rows(&fetch(door, bill).await),
        [
            row("0", "own-order-01"),
            row(SUB, "branch-0001"),
            row(SUB, "branch-0001"),
            row("1900000110", "office-1900000110"),
        ]
    );
    let of_one = fetch(door, &format!("{bill}&sub_mchid={SUB}")).await;
    assert_eq!(rows(&of_one), [row(SUB, "branch-0001"), row(SUB, "branch-0001")]);
    door.get(format!("{bill}&sub_mchid=1900000111")).send().await.refused(403, "NO_AUTH");
    // A link to a sub-merchant's bill ends with the partnership.
    let link = door.get(format!("{bill}&sub_mchid={SUB}")).send().await.expect(200);
    let url =
        link["download_url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    office.end();
    door.get(url).send().await.refused(403, "NO_AUTH");
    door.fixture.prove();
}

#[tokio::test]
async fn a_sub_merchants_fund_flow_bill_comes_encrypted() {
    let office = Office::new();
    let door = &office.door;
    office.sale("branch-0001", 1280).await;
    let own = domain::order::Terms { merchant: office.sub, ..door.fixture.terms("sub-order-01", 900) };
    let own = door.fixture.place(own);
    door.fixture.pay(own);
    door.fixture.clock.advance(DAY);
    let path = "/v3/bill/sub-merchant-fundflowbill";
    let good = format!("sub_mchid={SUB}&bill_date=2026-01-05&account_type=BASIC&algorithm=AEAD_AES_256_GCM");
    for (asked, field) in [
        (good.replace("sub_mchid", "other"), "sub_mchid"),
        (good.replace("account_type=BASIC", ""), "account_type"),
        (good.replace("AEAD_AES_256_GCM", "SM4_GCM"), "algorithm"),
        (good.replace("&algorithm=AEAD_AES_256_GCM", ""), "algorithm"),
    ] {
        let refused = door.get(format!("{path}?{asked}")).send().await.refused(400, "PARAM_ERROR");
        assert_eq!(refused["detail"]["field"], field, "{asked}");
    }
    door.get(format!("{path}?{}", good.replace("BASIC", "FEES")))
        .send()
        .await
        .refused(400, "NO_STATEMENT_EXIST");
    for tar in ["", "&tar_type=GZIP"] {
        let answer = door.get(format!("{path}?{good}{tar}")).send().await;
        answer.verified(door);
        let list = answer.expect(200);
        assert_eq!(list["download_bill_count"], 1);
        let piece = &list["download_bill_list"][0];
        assert_eq!((&piece["bill_sequence"], &piece["hash_type"]), (&json!(1), &json!("SHA1")));
        let text = |name: &str| piece[name].as_str().unwrap().to_owned();
        let url = text("download_url").strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
        let file = door.get(url.as_str()).send().await;
        file.expect(200);
        assert_eq!(door.get(url.as_str()).send().await.body, file.body, "the same whenever it is fetched");
        let key = door.fixture.signer.key.decrypt_field(&text("encrypt_key")).expect("our certificate's");
        let key = crypto::ApiV3Key::parse(key.expose()).expect("32 letters or digits");
        let sealed = data_encoding::BASE64.encode(&file.body);
        let opened = key.open(&text("nonce"), "", &sealed).expect("it opens");
        let mut plain = opened.expose().clone();
        if !tar.is_empty() {
            let mut unpacked = Vec::new();
            GzDecoder::new(plain.as_slice()).read_to_end(&mut unpacked).unwrap();
            plain = unpacked;
        }
        let mut hash = crypto::Checksum::sha1();
        hash.add(&plain);
        assert_eq!(hash.hex(), text("hash_value"));
        let mut reader = fund::Reader::default();
        std::str::from_utf8(&plain).unwrap().split_inclusive('\n').for_each(|line| {
            reader.line(line).unwrap();
        });
        let totals = reader.finish().unwrap();
        assert_eq!((totals.came, totals.left), (1280 + 900, 8 + 5), "all of its money, whoever sold");
    }
    office.allow(Permissions::default().and(Permission::Pay));
    door.get(format!("{path}?{good}")).send().await.refused(403, "NO_AUTH");
    door.fixture.prove();
}

#[tokio::test]
async fn the_examples_of_the_document_are_placed() {
    let office = Office::new();
    let door = &office.door;
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    for product in ["native", "app", "h5", "jsapi"] {
        let path = format!("{ORDERS}/{product}");
        let content = &document["paths"][&path]["post"]["requestBody"]["content"]["application/json"];
        let mut order = content["example"].clone();
        for (name, value) in
            [("out_trade_no", &*format!("example-{product}")), ("sp_mchid", MCHID), ("sub_mchid", SUB)]
        {
            order[name] = value.into();
        }
        if product == "jsapi" {
            order["payer"]["sp_openid"] = door.openid().into();
        }
        door.post(path.as_str(), &order).send().await.expect(200);
    }
    office.sale("shape-0001", 100).await;
    let transaction = door.get(office.number("shape-0001")).send().await.expect(200);
    let id: TransactionId = transaction["transaction_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(door.fixture.order_record(id.0).terms.merchant, office.sub);
    let described = &document["components"]["schemas"]["PartnerTransaction"]["properties"];
    for name in transaction.as_object().unwrap().keys() {
        assert!(described.get(name).is_some(), "{name}");
    }
}
