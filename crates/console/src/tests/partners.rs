//! Partners and sub-merchants: who sees which orders, and the relation on a merchant's page.

use super::pages::Door;
use axum::http::StatusCode;
use domain::{
    Command,
    order::{ByPartner, Terms},
    partner::Permissions,
    staff::Role,
};

#[tokio::test(flavor = "multi_thread")]
async fn r_fin_13_a_partners_people_see_what_it_sold_for_others() {
    let door = Door::new();
    let (partner, permissions) = (door.fixture.merchant, Permissions::USUAL);
    let [branch, other] = [1_900_000_109, 1_900_000_110].map(|id| door.fixture.another_merchant(id, None));
    for merchant in [branch, other] {
        door.fixture.run(Command::AddSubMerchant { merchant, partner, permissions });
    }
    let placed = |merchant, number: &str| {
        let by = Some(ByPartner { id: partner, sub_app: None });
        door.fixture.place(Terms { merchant, partner: by, ..door.fixture.terms(number, 100) })
    };
    let order = placed(branch, "branch-order-1");
    placed(other, "other-order-1");
    door.fixture.order("office-order-1", 100);
    door.fixture.place(Terms { merchant: branch, ..door.fixture.terms("branch-own-1", 100) });

    let office = door.sign_in("office", Some(partner), Role::Owner);
    let manager = door.sign_in("manager", Some(branch), Role::Manager);
    let admin = door.sign_in("admin", None, Role::Administrator);
    let seen = |body: &str| {
        ["branch-order-1", "other-order-1", "office-order-1", "branch-own-1"]
            .map(|number| body.contains(number))
    };
    let list = office.get("/console/orders").await.body;
    assert_eq!(seen(&list), [true, true, true, false]);
    assert!(list.contains("name=\"sub\""), "the list can be narrowed to a sub-merchant");
    let one = office.get(&format!("/console/orders?sub={branch}")).await.body;
    assert_eq!(seen(&one), [true, false, false, false]);
    let own = manager.get("/console/orders").await.body;
    assert_eq!(seen(&own), [true, false, false, true]);
    assert!(!own.contains("name=\"sub\""));

    let page = format!("/console/orders/{order}");
    for person in [&office, &manager, &admin] {
        let shown = person.get(&page).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        assert!(shown.body.contains(&partner.to_string()) && shown.body.contains(&branch.to_string()));
    }
    // The money is the branch's: only its own people give it back.
    door.fixture.pay(order);
    let form = format!("{page}/refund\"");
    assert!(manager.get(&page).await.body.contains(&form));
    assert!(!office.get(&page).await.body.contains(&form));

    let relation = admin.get(&format!("/console/merchants/{branch}")).await.body;
    assert!(relation.contains("服务商") || relation.contains("Partner"), "{relation}");
    let subs = admin.get(&format!("/console/merchants/{partner}")).await.body;
    assert!(subs.contains(&branch.to_string()) && subs.contains(&other.to_string()));
}
