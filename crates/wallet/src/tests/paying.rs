use super::world::{CARD, PIN, World, at_once};
use axum::http::StatusCode;
use domain::{merchant::Product, order::OrderState, payment::ChannelAnswer};
use ledger::AccountId;
use types::{Currency, Money, OrderId, PayerId, time};

const PHONE: &str = "13812345678";

fn order(world: &World, id: OrderId) -> domain::order::Order {
    world.service.queries.order(id).unwrap().unwrap()
}

fn paid_to_merchant(world: &World) -> Money {
    let account = AccountId::merchant_unsettled(super::world::MERCHANT, Currency::CNY);
    world.service.queries.account(account).unwrap().balance()
}

#[tokio::test]
async fn t_30_a_scanned_code_is_paid_in_three_steps() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(12_34).await;
    // Step 1: the page. Step 2: the PIN. Step 3: the receipt.
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.text_of("amount").unwrap(), "¥12.34");
    assert_eq!(page.text_of("payee").unwrap(), "山泉茶铺 <Tea & Co>");
    assert!(page.body.contains("明前龙井 &#60;b&#62;50 克"), "what a merchant writes is text, never markup");
    let paid = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
    let receipt = browser.get(&paid.location()).await;
    assert!(receipt.has("paid"), "{}", receipt.body);
    assert_eq!(receipt.text_of("amount").unwrap(), "¥12.34");
    assert_eq!(receipt.text_of("number").unwrap(), types::TransactionId(id).to_string());
    assert_eq!(order(&world, id).state, OrderState::Paid);
    assert_eq!(browser.balance().await, "¥87.66");
    // The code again, in the same and in another wallet.
    assert_eq!(browser.get(&path).await.location(), paid.location());
    let other = world.rich_payer("13912345678", 100_00).await;
    let refused = other.get(&path).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("没有再次扣款"));
}

/// While nodes are upgraded one by one, a page may come back to a newer one than that which showed it.
#[tokio::test]
async fn the_form_of_an_older_page_is_paid_too_and_a_changed_one_is_not() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(10_00).await;
    let page = browser.get(&path).await;
    for changed in
        [("shown", "900"), ("currency", "JPY"), ("kind", "combined"), ("shown", "10.00"), ("shown", "")]
    {
        // Each as a form of its own: the same one with other content is refused as such.
        let nonce = format!("{:024}", changed.0.len() * 100 + changed.1.len());
        let fields = [("pin", PIN), ("nonce", nonce.as_str()), changed];
        let refused = browser.submit(&page, "/pay/confirm", &fields).await;
        assert_ne!(refused.status, StatusCode::SEE_OTHER, "{changed:?}");
    }
    assert_eq!(order(&world, id).state, OrderState::Open);
    let old = [("pin", PIN), ("currency", ""), ("kind", ""), ("nonce", "nonceofanolderpage000000")];
    let paid = browser.submit(&page, "/pay/confirm", &old).await;
    assert_eq!(
        (paid.status, order(&world, id).state),
        (StatusCode::SEE_OTHER, OrderState::Paid),
        "{}",
        paid.body
    );
    assert_eq!(browser.balance().await, "¥90.00");
}

#[tokio::test]
async fn a_double_click_and_a_reload_pay_once_and_show_the_first_answer() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (_, path) = world.native(10_00).await;
    let page = browser.get(&path).await;
    let click = || browser.submit(&page, "/pay/confirm", &[("pin", PIN)]);
    let (first, second) = tokio::join!(click(), click());
    let third = click().await;
    assert_eq!((first.location(), first.status), (second.location(), StatusCode::SEE_OTHER));
    assert_eq!(first.location(), third.location());
    assert_eq!(browser.balance().await, "¥90.00");
    // A top-up, whose order nothing else protects.
    let page = browser.get("/wallet/top-up").await;
    let click = || browser.submit(&page, "/wallet/top-up", &[("amount", "5"), ("pin", PIN)]);
    let (first, second) = tokio::join!(click(), click());
    assert_eq!(first.location(), second.location());
    world.bank_says(ChannelAnswer::Succeeded("b".into())).await;
    assert_eq!(browser.balance().await, "¥95.00");
    // The page sent again with another amount does nothing.
    let changed = browser.submit(&page, "/wallet/top-up", &[("amount", "6"), ("pin", PIN)]).await;
    assert_eq!(changed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(changed.text_of("error").unwrap().contains("已经提交过"));
    assert!(
        world
            .service
            .queries
            .due_payments(types::ShardSet::ONLY, world.service.now().plus(time::DAY), 10)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn wrong_pins_count_down_and_lock() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(1_00).await;
    for left in (1..5).rev() {
        let told = browser.pay(&path, "000111").await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
        let error = told.text_of("error").unwrap();
        assert!(error.contains(&format!("{left} 次")) && error.contains("没有扣款"), "{error}");
    }
    let locked = browser.pay(&path, "000111").await;
    assert!(locked.text_of("error").unwrap().contains("2026-11-21 13:00:00"));
    let still = browser.pay(&path, PIN).await;
    assert!(still.text_of("error").unwrap().contains("已锁定"));
    world.clock.advance(3 * time::HOUR);
    let (id2, path) = world.native(1_00).await;
    assert_eq!(browser.pay(&path, PIN).await.status, StatusCode::SEE_OTHER);
    assert_eq!((order(&world, id).state, order(&world, id2).state), (OrderState::Open, OrderState::Paid));
}

#[tokio::test]
async fn a_wrong_pin_page_takes_the_right_pin_next() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (_, path) = world.native(1_00).await;
    let told = browser.pay(&path, "000111").await;
    let paid = browser.submit(&told, "/pay/confirm", &[("pin", PIN)]).await;
    assert!(browser.get(&paid.location()).await.has("paid"));
    // The page before that, sent with another PIN, is asked again instead.
    let (id, path) = world.native(1_00).await;
    let page = browser.get(&path).await;
    browser.submit(&page, "/pay/confirm", &[("pin", "000111")]).await;
    let back = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
    assert!(back.text_of("error").unwrap().contains("重新输入"));
    assert_eq!(order(&world, id).state, OrderState::Open);
    let paid = browser.submit(&back, "/pay/confirm", &[("pin", PIN)]).await;
    assert_eq!(paid.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn too_little_offers_topping_up_and_a_card() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let (_, path) = world.native(50_00).await;
    let page = browser.get(&path).await;
    assert!(page.has("cashier-top-up") && page.has("cashier-bind") && !page.has("pay"));
    // Binding a card comes back here, with the card chosen.
    let bind = browser.get(&page.href_of("cashier-bind").unwrap()).await;
    let bound = browser.submit(&bind, "/wallet/cards/new", &[("number", CARD)]).await;
    let page = browser.get(&bound.location()).await;
    assert!(page.has("pay"), "{}", page.body);
    assert!(
        page.form("/pay/confirm").iter().any(|(name, value)| name == "source" && value.starts_with("card-"))
    );
    // Topping up comes back too.
    let top_up = browser.get(&page.href_of("cashier-top-up").unwrap()).await;
    let wait = browser.submit(&top_up, "/wallet/top-up", &[("amount", "60"), ("pin", PIN)]).await;
    world.bank_says(ChannelAnswer::Succeeded("b".into())).await;
    let done = browser.get(&wait.location()).await;
    assert!(done.has("top-up-done"));
    let page = browser.get(&done.href_of("go-on").unwrap()).await;
    assert!(page.form("/pay/confirm").contains(&("source".into(), "balance".into())));
}

#[tokio::test]
async fn a_card_payment_waits_with_numbers_and_says_what_the_bank_said() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 0).await;
    let (id, path) = world.native(50_00).await;
    let waiting = browser.pay(&path, PIN).await.location();
    assert!(waiting.starts_with("/pay/waiting/"));
    world.clock.advance(4 * time::SECOND);
    let page = browser.get(&waiting).await;
    assert!(page.body.contains("已等待 4 秒。"), "{}", page.body);
    assert!(page.body.contains("http-equiv=\"refresh\"") && page.body.contains("data-poll=\"2\""));
    // Opening the code again leads to the same page, and nobody else can pay meanwhile.
    assert_eq!(browser.get(&path).await.location(), waiting);
    let other = world.rich_payer("13912345678", 0).await;
    let busy = other.get(&path).await;
    assert_eq!(busy.status, StatusCode::CONFLICT);
    assert!(busy.body.contains("正在付款中"));

    world.bank_says(ChannelAnswer::Unknown).await;
    let page = browser.get(&waiting).await;
    assert!(page.text_of("wait-state").unwrap().contains("还没有给出结果"));
    assert!(page.body.contains("已询问银行 1 次") && page.body.contains("不要换别的方式"));
    assert_eq!(order(&world, id).state, OrderState::Open);

    world.bank_says(ChannelAnswer::Declined("INSUFFICIENT_FUNDS".into())).await;
    let page = browser.get(&waiting).await;
    assert!(page.has("declined") && page.body.contains("没有扣款") && !page.body.contains("data-poll"));
    let again = browser.get(&page.href_of("pay-again").unwrap()).await;
    let paid = browser.submit(&again, "/pay/confirm", &[("pin", PIN)]).await;
    world.bank_says(ChannelAnswer::Succeeded("bank-9".into())).await;
    let receipt = browser.follow(&paid.location()).await;
    assert!(receipt.has("paid") && receipt.body.contains("招商银行储蓄卡 **** 1232"), "{}", receipt.body);
    assert_eq!(paid_to_merchant(&world), Money::cny(50_00 - 30));
}

#[tokio::test]
async fn a_limit_says_what_is_left_and_what_to_do() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    browser.bind(CARD).await;
    let page = browser.get("/wallet/top-up").await;
    browser.submit(&page, "/wallet/top-up", &[("amount", "2,000.00"), ("pin", PIN)]).await;
    world.bank_says(ChannelAnswer::Succeeded("b".into())).await;
    let (_, path) = world.native(1_000_01).await;
    let told = browser.pay(&path, PIN).await;
    let error = told.text_of("error").unwrap();
    assert!(error.contains("¥1,000.00") && error.contains("没有扣款") && error.contains("银行卡"), "{error}");
    let page = browser.get("/wallet/top-up").await;
    let told = browser.submit(&page, "/wallet/top-up", &[("amount", "50000.01"), ("pin", PIN)]).await;
    assert!(told.text_of("error").unwrap().contains("¥50,000.00"));
    for bad in ["", "0", "-1", "1.234", "1e3", "abc", "92233720368547758.08"] {
        let told = browser.submit(&page, "/wallet/top-up", &[("amount", bad), ("pin", PIN)]).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn sixteen_payers_on_one_order_make_one_payment() {
    let world = World::new().await;
    let mut browsers = Vec::new();
    for n in 0..16 {
        browsers.push(world.rich_payer(&format!("138000000{n:02}"), 100_00).await);
    }
    let (id, path) = world.native(10_00).await;
    let mut pages = Vec::new();
    for browser in &browsers {
        pages.push(browser.get(&path).await);
    }
    let clicks = browsers.iter().zip(&pages).map(|(b, page)| b.submit(page, "/pay/confirm", &[("pin", PIN)]));
    let answers = at_once(clicks).await;
    let mut paid = 0;
    for answer in answers {
        paid += u8::from(answer.status == StatusCode::SEE_OTHER);
        assert!(matches!(answer.status, StatusCode::SEE_OTHER | StatusCode::CONFLICT), "{}", answer.body);
    }
    assert_eq!(paid, 1);
    assert_eq!(order(&world, id).state, OrderState::Paid);
    assert_eq!(paid_to_merchant(&world), Money::cny(10_00 - 6));
}

#[tokio::test]
async fn a_visitor_signs_in_sets_a_pin_and_comes_back_to_the_payment() {
    let world = World::new().await;
    let browser = world.browser();
    let (_, path) = world.native(1_00).await;
    let to = browser.get(&path).await.location();
    let ask = browser.get(&to).await;
    let sent = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    let done = browser.submit(&sent, "/wallet/sign-in", &[("code", &world.last_code(PHONE))]).await;
    let page = browser.get(&done.location()).await;
    let set = browser.submit(&page, "/wallet/pin", &[("new", PIN), ("again", PIN)]).await;
    assert!(set.location().starts_with("/pay/order?d="), "{}", set.location());
    let page = browser.get(&set.location()).await;
    assert_eq!(page.text_of("amount").unwrap(), "¥1.00");
}

#[tokio::test]
async fn an_h5_page_is_gone_back_to_and_a_script_is_not() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let id = world.order(Product::H5, 5_00).await;
    let token = world.service.vault.tokens().h5(id, world.service.now());
    for bad in ["javascript:alert(1)", "data:text/html,x", "//evil.test", "https://a@evil.test/"] {
        let query: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
        let refused = browser.get(&format!("/pay/h5?token={token}&redirect_url={query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(!refused.body.contains("alert(1)"), "{bad}");
    }
    let path = format!("/pay/h5?token={token}&redirect_url=https%3A%2F%2Fshop.test%2Fdone%3Fid%3D1");
    let page = browser.get(&path).await;
    assert!(page.body.contains("付款后返回 shop.test"), "{}", page.body);
    let paid = browser.submit(&page, "/pay/confirm", &[("pin", PIN)]).await;
    let receipt = browser.get(&paid.location()).await;
    assert_eq!(receipt.href_of("back-to-merchant").unwrap(), "https://shop.test/done?id=1");
    // Five minutes.
    let id = world.order(Product::H5, 5_00).await;
    let token = world.service.vault.tokens().h5(id, world.service.now());
    world.clock.advance(5 * time::MINUTE);
    let late = browser.get(&format!("/pay/h5?token={token}")).await;
    assert!(late.body.contains("已过期"));
    let forged = browser.get("/pay/h5?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!(forged.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_door_of_ones_own_making_opens_nothing() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (_, path) = world.native(10_00).await;
    let (expensive, _) = world.native(99_00).await;
    let page = browser.get(&path).await;
    let mut fields = page.form("/pay/confirm");
    fields.push(("pin".into(), PIN.into()));
    let door = fields.iter().find(|(name, _)| name == "door").unwrap().1.clone();
    let forged = door.replacen(&door[64..].split(',').next().unwrap()[5..], &expensive.to_string(), 1);
    assert_ne!(door, forged);
    for (name, value) in [("door", forged.as_str()), ("door", ""), ("door", "飞"), ("shown", "1")] {
        let mut changed = fields.clone();
        changed.retain(|(known, _)| known != name);
        changed.push((name.into(), value.into()));
        let refused = browser.post("/pay/confirm", &changed).await;
        assert!(refused.status.is_client_error(), "{name}={value}: {}", refused.status);
    }
    assert_eq!(browser.balance().await, "¥100.00");
}

#[tokio::test]
async fn orders_that_ended_or_are_anothers_say_so() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let (id, path) = world.native(1_00).await;
    let number = order(&world, id).terms.number.clone();
    world.run(domain::Command::CloseOrder(super::world::MERCHANT.into(), number)).await;
    assert!(browser.get(&path).await.body.contains("已经结束"));
    let (_, path) = world.native(1_00).await;
    world.clock.advance(2 * time::HOUR);
    assert!(browser.get(&path).await.body.contains("已过期"));
    // Bound to another payer.
    let mut terms = (*world.terms(Product::Native, 1_00)).clone();
    let other = world.payer("13912345678").await;
    drop(other);
    terms.payer = Some(PayerId(2));
    let id = world.order_of(terms.into()).await;
    let pr = world.service.vault.tokens().code_url(id, world.service.now());
    let pr = pr.rsplit_once('=').unwrap().1;
    let refused = browser.get(&format!("/pay/code?pr={pr}")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
}

#[tokio::test]
async fn what_is_scanned_or_pasted_leads_to_its_page() {
    let world = World::new().await;
    let browser = world.rich_payer(PHONE, 100_00).await;
    let id = world.order(Product::Native, 1_00).await;
    let code_url = world.service.vault.tokens().code_url(id, world.service.now());
    let scan = |text: &str| {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let path = format!("/pay/scan?text={text}");
        let browser = &browser;
        async move { browser.get(&path).await }
    };
    let there = scan(&format!("  {code_url}\n")).await;
    assert_eq!(browser.get(&there.location()).await.text_of("amount").unwrap(), "¥1.00");
    let h5 = world.order(Product::H5, 2_00).await;
    let token = world.service.vault.tokens().h5(h5, world.service.now());
    let there = scan(&format!("http://pay.test/pay/h5?token={token}")).await;
    assert_eq!(there.location(), format!("/pay/h5?token={token}"));
    assert!(scan("8898 5529 2164 8689 57").await.text_of("error").unwrap().contains("让商户来扫"));
    for foreign in [
        "weixin://wxpay/bizpayurl?pr=abc",
        "https://evil.test/pay/h5?token=x",
        "x",
        "http://pay.test.evil/pay/h5",
    ] {
        let told = scan(foreign).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{foreign}");
    }
}

#[tokio::test]
async fn a_card_number_is_verified_and_kept_nowhere() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    for (number, part) in [
        ("6212345678901233", "卡号不对"),
        ("", "卡号不对"),
        ("62123456782", "卡号不对"),
        ("2223003122003222", "卡号不对"),
        ("4111111111111111", "blocked"),
        ("378282246310005", "暂不支持"),
        ("5555555555554444", "没有答复"),
    ] {
        let told = browser.bind(number).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY, "{number}");
        assert!(told.text_of("error").unwrap().contains(part), "{number}: {:?}", told.text_of("error"));
        assert!(number.is_empty() || !told.body.contains(&format!("value=\"{number}")), "shown again");
    }
    assert_eq!(browser.bind(CARD).await.location(), "/wallet/cards");
    assert!(browser.bind(CARD).await.text_of("error").unwrap().contains("已经绑定"));
    let cards = browser.get("/wallet/cards").await;
    assert!(cards.text_of("card").unwrap().contains("招商银行储蓄卡 **** 1232"));
    let kept = format!("{:?}", world.service.queries.cards(PayerId(1)).unwrap());
    assert!(kept.contains("1232") && !kept.contains("621234"), "{kept}");
}
