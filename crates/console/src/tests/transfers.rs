//! Transfers to users: listed, exported, seen by the merchant's people, cancelled.

use super::pages::Door;
use axum::http::{StatusCode, header};
use domain::{
    Actor, Caller, Command, Reply,
    staff::Role,
    user_transfer::{TransferTerms, UserTransferState},
};
use std::sync::Arc;
use types::{Money, UserTransferId};

fn transfer(door: &Door, number: &str, fen: i64) -> UserTransferId {
    let fixture = &door.fixture;
    let terms = TransferTerms {
        merchant: fixture.merchant,
        number: number.into(),
        app: fixture.app,
        payer: fixture.payer,
        amount: Money::cny(fen),
        scene: 1000,
        remark: "thank <you>".into(),
        perception: "现金奖励".into(),
        reports: vec![("活动名称".into(), "tea week".into()), ("奖励说明".into(), "first prize".into())],
        notify_url: "".into(),
        name: None,
        digest: [1; 16],
    };
    let caller = Caller::of(Actor::Merchant(fixture.merchant));
    match fixture.attempt(Command::RequestUserTransfer(Arc::new(terms)), caller) {
        Ok(Reply::UserTransfer(id)) => id,
        other => panic!("no transfer: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchants_people_see_its_transfers_and_cancel_them() {
    let door = Door::new();
    let merchant = door.fixture.merchant;
    door.fixture.open_scenes();
    door.fixture.settled_sale("tea-000001", 100_00);
    let (first, second) = (transfer(&door, "GIFT1", 3_00), transfer(&door, "GIFT2", 4_00));
    let owner = door.sign_in("owner", Some(merchant), Role::Owner);
    let clerk = door.sign_in("clerk", Some(merchant), Role::Clerk);
    let auditor = door.sign_in("auditor", None, Role::Auditor);
    let list = owner.get("/console/transfers?state=waiting").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.body);
    for part in ["GIFT1", "GIFT2", "7.00"] {
        assert!(list.body.contains(part), "{part}: {}", list.body);
    }
    let none = owner.get("/console/transfers?state=succeeded").await.body;
    assert!(!none.contains("GIFT1"), "{none}");
    let file = owner.get("/console/transfers.csv").await;
    assert!(file.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/csv"));
    assert!(file.body.contains("GIFT2") && file.body.contains("3.00"), "{}", file.body);

    let path = format!("/console/transfers/{first}");
    let page = owner.get(&path).await.body;
    let cancel = format!("{path}/cancel");
    for part in ["GIFT1", "first prize", "thank &lt;you&gt;", &cancel] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(clerk.get(&path).await.status, StatusCode::FORBIDDEN);
    assert!(!auditor.get(&path).await.body.contains(&cancel), "may look only");
    assert_eq!(auditor.post(&cancel, "").await.status, StatusCode::FORBIDDEN);
    let state = |id| door.fixture.service.queries.user_transfer(id).unwrap().unwrap().state;
    assert_eq!(state(first), UserTransferState::Waiting);
    owner.step_up(2);
    let done = owner.post(&cancel, "").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!((state(first), state(second)), (UserTransferState::Cancelled, UserTransferState::Waiting));
    let page = owner.get(&path).await.body;
    assert!(!page.contains(&cancel), "{page}");
    assert_eq!(owner.get("/console/transfers/1").await.status, StatusCode::NOT_FOUND);
    door.fixture.prove();
}
