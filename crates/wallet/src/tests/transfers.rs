use super::world::{APP, MERCHANT, PIN, World};
use axum::http::StatusCode;
use domain::{
    Actor, Caller, Command, Reply,
    records::Digest,
    settlement::{SettlementId, Tally},
    user_transfer::{GivenName, TransferTerms, UserTransferState},
};
use std::sync::Arc;
use types::{Money, PayerId, TransferId, UserTransferId, time};

const PHONE: &str = "13812345678";

impl World {
    /// Gives the merchant settled money: a sale, its day, its settlement.
    async fn settle_a_sale(&self) {
        let buyer = self.rich_payer("13700000000", 500_00).await;
        let (_, path) = self.native(400_00).await;
        buyer.pay(&path, PIN).await;
        let day = self.service.now().business_day();
        self.clock.advance(day.next().start().since(self.service.now()));
        self.run(Command::BeginDay(day)).await;
        let queries = &self.service.queries;
        let begun = queries.day(day).unwrap().unwrap();
        let shard = types::Shard::FIRST;
        self.run(Command::PassDay { shard, day, end: begun.times().1 }).await;
        let begun = queries.day(day).unwrap().unwrap();
        let mut tally = Tally::default();
        let (from, to) = (TransferId(begun.from), TransferId(begun.to));
        queries.transfers_between(from, to, &mut |row| tally.take(&row)).unwrap();
        let (merchants, totals) = tally.finish().unwrap();
        for (merchant, totals) in merchants {
            self.run(Command::CloseMerchantDay(merchant, day, Box::new(totals))).await;
        }
        self.run(Command::EndDay { day, merchants: 1, totals: Box::new(totals) }).await;
        let id = SettlementId::new(MERCHANT, day);
        let release = queries.settlement(id).unwrap().unwrap().release_at;
        self.clock.advance(release.since(self.service.now()) + time::SECOND);
        self.run(Command::ReleaseSettlement(id)).await;
        self.run(Command::SetTransferScenes(MERCHANT, vec![1000])).await;
    }

    fn payer_of(&self, phone: &str) -> PayerId {
        let phone = types::Phone::parse(phone).unwrap();
        let hash = Digest(*self.service.vault.hasher().phone(&phone).as_bytes());
        self.service.queries.payer_by_phone(hash).unwrap().unwrap()
    }

    async fn transfer(&self, payer: PayerId, number: &str, fen: i64, name: Option<&str>) -> UserTransferId {
        let hash = |text: &str| Digest(*self.service.vault.hasher().name(text).as_bytes());
        let terms = TransferTerms {
            merchant: MERCHANT,
            number: number.into(),
            app: APP,
            payer,
            amount: Money::cny(fen),
            scene: 1000,
            remark: "新会员<有礼>".into(),
            perception: "现金奖励".into(),
            reports: vec![("活动名称".into(), "茶叶节".into()), ("奖励说明".into(), "一等奖".into())],
            notify_url: "".into(),
            name: name.map(|text| GivenName { sealed: Box::from([1]), hash: hash(text) }),
            digest: [number.len() as u8; 16],
        };
        let command = Command::RequestUserTransfer(Arc::new(terms));
        match self.service.engine.run(command, Caller::of(Actor::Merchant(MERCHANT))).await {
            Ok(Reply::UserTransfer(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    fn prove(&self) {
        let proof = engine::prove::prove(&*self.service.queries).unwrap();
        assert!(proof.holds(), "{:#?}", proof.failures);
    }
}

#[tokio::test]
async fn a_transfer_is_shown_and_received_with_one_button() {
    let world = World::new().await;
    world.settle_a_sale().await;
    let browser = world.payer(PHONE).await;
    let id = world.transfer(world.payer_of(PHONE), "T1", 66_66, None).await;
    let home = browser.get("/wallet").await;
    assert_eq!(home.href_of("to-receive").unwrap(), format!("/wallet/transfers/{id}"));
    let package = world.service.vault.tokens().package_info(id);
    let page = browser.follow(&format!("/pay/transfer?package_info={package}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.text_of("amount").unwrap(), "¥66.66");
    for part in ["现金奖励", "现金营销", "茶叶节", "一等奖", "新会员&#60;有礼&#62;"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let action = format!("/wallet/transfers/{id}");
    for time in ["first", "again"] {
        let done = browser.submit(&page, &action, &[]).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, action.clone()), "{time}");
    }
    let received = browser.get(&action).await;
    assert_eq!(received.text_of("amount").unwrap(), "+¥66.66");
    assert!(!received.has("receive") && received.body.contains("确认收款"), "{}", received.body);
    assert_eq!(browser.balance().await, "¥66.66");
    assert!(!browser.get("/wallet").await.has("to-receive"));
    let bill = browser.get(&format!("/wallet/bills/{id}")).await;
    assert_eq!((bill.status, bill.location()), (StatusCode::SEE_OTHER, action));
    assert_eq!(browser.get(&format!("/wallet/bills?from={id}")).await.status, StatusCode::OK);
    world.prove();
}

#[tokio::test]
async fn another_payers_transfer_and_a_forged_link_are_not_there() {
    let world = World::new().await;
    world.settle_a_sale().await;
    let (_, other) = (world.payer(PHONE).await, world.payer("13912345678").await);
    let id = world.transfer(world.payer_of(PHONE), "T1", 1_00, None).await;
    let package = world.service.vault.tokens().package_info(id);
    for path in [
        format!("/pay/transfer?package_info={package}"),
        format!("/wallet/transfers/{id}"),
        format!("/wallet/bills?from={id}"),
        "/pay/transfer?package_info=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "/pay/transfer".to_owned(),
        "/wallet/transfers/x".to_owned(),
    ] {
        assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Nobody who is signed out sees it either; the way back leads to it.
    let visitor = world.browser();
    let sent = visitor.get(&format!("/pay/transfer?package_info={package}")).await;
    assert!(sent.location().starts_with("/wallet/sign-in?next="), "{}", sent.location());
}

#[tokio::test]
async fn a_transfer_that_can_not_be_received_says_why_and_stays() {
    let world = World::new().await;
    world.settle_a_sale().await;
    let browser = world.payer(PHONE).await;
    let payer = world.payer_of(PHONE);
    let name = Digest(*world.service.vault.hasher().name("王小明").as_bytes());
    let id = world.transfer(payer, "T1", 1_00, Some("张三")).await;
    world.run(Command::SetRealName(payer, name)).await;
    let page = browser.get(&format!("/wallet/transfers/{id}")).await;
    let refused = browser.submit(&page, &format!("/wallet/transfers/{id}"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has("receive") && refused.text_of("error").unwrap().contains("实名"), "{}", refused.body);
    world.clock.advance(time::DAY);
    let over = browser.get(&format!("/wallet/transfers/{id}")).await;
    assert!(!over.has("receive"), "the time is over before the timer has come");
    world.run(Command::AdvanceUserTransfer(id)).await;
    let ended = world.service.queries.user_transfer(id).unwrap().unwrap();
    assert_eq!(ended.state, UserTransferState::Failed);
    let over = browser.get(&format!("/wallet/transfers/{id}")).await;
    assert!(over.body.contains("已超过收款期限"), "{}", over.body);
    world.prove();
}
