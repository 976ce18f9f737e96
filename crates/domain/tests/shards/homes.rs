//! Every command has a home, and is decided nowhere else.

use crate::world::{World, digest, make::CHANNEL, sealed};
use domain::{
    Caller, Command, Home, Key, Rejection, Reply,
    application::Application,
    card::NewCard,
    claim::{NumberClaim, NumberOf},
    combined::CombinedConfirmation,
    crossing::{Crossing, Sent},
    echo::NewEcho,
    home::{After, Next, after, ahead, next, of_account},
    keyring::KeyRing,
    limit::LimitTable,
    merchant::{Certificate, NewMerchant, Product, Products},
    notification::Attempt,
    payer::IdentityChannel,
    payment::{ChannelAnswer, Confirmation, Entry},
};
use ledger::AccountId;
use types::{
    AppId, BusinessDay, CardId, CombinedId, Currency, MerchantId, Money, NotificationId, OrderId, PayerId,
    PaymentId, Rate, Shard, Shards, Time, TransferId,
};

const PAYER: PayerId = PayerId(7); // of shard 1 of three
const MERCHANT: MerchantId = MerchantId(1_900_000_001); // of shard 2

/// Ids that shard 2 made.
const MADE_IN_2: i64 = (1 << 40) | (2 << 16);

/// A command of every kind that has one home, with its shard of three.
fn homed() -> Vec<(Command, u8)> {
    let pin = digest("pin");
    let terms = World::new().shop().terms("order-0001", Product::Code, 100);
    let confirmed = Confirmation {
        order: OrderId(MADE_IN_2),
        payer: PAYER,
        entry: Entry { product: Product::Native, issued_at: Time(0) },
        shown: Money::cny(1),
        card: None,
        pin,
    };
    let whole = CombinedConfirmation {
        combined: CombinedId(MADE_IN_2),
        payer: PAYER,
        entry: confirmed.entry,
        shown: Money::cny(1),
        card: None,
        pin,
    };
    let new =
        NewMerchant { id: MERCHANT, name: "a".into(), products: Products::ALL, fee: Rate(0), rate_per_s: 1 };
    let certificate = Certificate {
        serial: "5A".into(),
        merchant: MERCHANT,
        pem: "".into(),
        not_before: Time(0),
        not_after: Time(1),
        revoked_at: None,
    };
    let app = Application { id: AppId(1), name: "a".into(), redirect_hosts: Vec::new(), secret: None };
    let (bank, tail, token) = ("CMB_DEBIT".into(), "0000".into(), "t".into());
    let card = NewCard { payer: PAYER, bank, tail, token, channel: CHANNEL, bound: 0 };
    let echo = NewEcho { merchant: MERCHANT, notify_url: "".into(), message: "".into() };
    let attempt = Attempt { acknowledged: true, status: 200, took_ms: 1, error: "".into() };
    let takings = AccountId::merchant_unsettled(MERCHANT, Currency::CNY);
    let [one, two] = [1, 2].map(|number| Shard::new(number).unwrap());
    let crossing = Crossing {
        id: TransferId(MADE_IN_2),
        from: takings.at(two),
        to: takings.at(one),
        amount: 1,
        sent_at: Time(0),
    };
    let phone = digest("a"); // 0x6100 modulo 3
    let three = Shards::new(3).unwrap();
    let ring: KeyRing = KeyRing { name: "platform".into(), sealed: Box::from([1]), version: 1 };
    vec![
        (Command::RegisterMerchant(new), 0),
        (Command::ChangeMerchant(MERCHANT, Box::default()), 0),
        (Command::AddCertificate(Box::new(certificate)), 0),
        (Command::RevokeCertificate("5A".into()), 0),
        (Command::RegisterApplication(Box::new(app)), 0),
        (Command::ReplaceKeyRing { name: ring.name, sealed: ring.sealed }, 0),
        (Command::SetLimits(Box::new(LimitTable::of_law())), 0),
        (Command::SendCode { phone, code: pin }, 1),
        (Command::SignIn { phone, phone_sealed: Box::from([1]), code: pin, token: pin }, 1),
        (Command::SignOut(PAYER, pin), 1),
        (Command::Authorise { app: AppId(1), payer: PAYER, code: pin, redirect_host: "a".into() }, 1),
        (Command::SetPin { payer: PAYER, new: pin, old: None }, 1),
        (Command::ConfirmIdentity(PAYER, IdentityChannel::Tax), 1),
        (Command::SetFreePay(PAYER, true), 1),
        (Command::BindCard(Box::new(card)), 1),
        (Command::TopUp { card: CardId(MADE_IN_2), payer: PAYER, amount: Money::cny(1), pin }, 1),
        (Command::IssuePaymentCode(PAYER, 100_000_000_000_000_000), 1),
        (Command::PayOrder(confirmed), 1),
        (Command::PayCombined(whole), 1),
        (Command::ConfirmCodePay { order: OrderId(MADE_IN_2), payer: PAYER, pin: None }, 1),
        (Command::CodePay { terms: sealed(terms), code: 100_000_000_000_000_001 }, 2),
        (Command::AnswerPayment(PaymentId(MADE_IN_2), ChannelAnswer::Unknown), 2),
        (Command::RecordAttempt(NotificationId(MADE_IN_2), attempt), 2),
        (Command::Resend(NotificationId(MADE_IN_2)), 2),
        (Command::Echo(Box::new(echo)), 2),
        (Command::Sweep(two, vec![Key::PaymentCode(1)]), 2),
        (Command::SendToShard { from: takings.at(two), to: one, most: None }, 2),
        (Command::ClaimNumber(Box::new(claim())), three.of_number(MERCHANT, "R1").number()),
        (Command::PassDay { shard: two, day: BusinessDay(20_000), end: Time(0) }, 2),
        (Command::Receive(Box::new(crossing)), 1),
        (Command::Arrived(TransferId(MADE_IN_2)), 2),
    ]
}

/// Whoever sends a command to the wrong shard is told the right one; nothing is looked at before.
#[test]
fn a_command_is_decided_at_home_only() {
    let mut world = World::new();
    for (command, home) in homed() {
        let home = Shard::new(home).unwrap();
        assert_eq!(command.home(world.shards), Home::Shard(home), "{command:?}");
        for shard in world.shards.all() {
            let outcome = world.run_in(shard, command.clone());
            let elsewhere = outcome == Err(Rejection::Elsewhere(home));
            assert_eq!(elsewhere, shard != home, "{} in shard {shard}: {outcome:?}", command.name());
        }
    }
}

/// With one shard there is one home, without a read.
#[test]
fn one_shard_is_everybodys_home() {
    let redeem = Command::RedeemOauthCode { code: digest("a"), app: AppId(1), secret: digest("b") };
    let expire = Command::ExpireOrder(OrderId(MADE_IN_2));
    for (command, _) in homed().into_iter().chain([(redeem.clone(), 0), (expire.clone(), 0)]) {
        assert_eq!(command.home(Shards::ONE).first(Shards::ONE), Some(Shard::FIRST), "{}", command.name());
    }
    let three = Shards::new(3).unwrap();
    assert_eq!(redeem.home(three).first(three), None, "only a read tells");
    assert_eq!(expire.home(three).first(three), Shard::new(2));
    let two = Shards::new(2).unwrap();
    assert_eq!(expire.home(two).first(two), Some(Shard::FIRST), "no shard here made such an id");
}

/// What follows an answer that a record is elsewhere.
#[test]
fn who_is_asked_next() {
    let [one, two] = [1, 2].map(|number| Shard::new(number).unwrap());
    for (command, _) in homed() {
        let (name, then) = (command.name(), next(&command, one, &Rejection::Elsewhere(two)));
        assert_eq!(next(&command, one, &Rejection::NotEnough), None, "{name}: that is its answer");
        assert_eq!(next(&command, one, &Rejection::MoneyUnderWay), Some(Next::Wait), "{name}");
        match command {
            Command::PayOrder(asked) => {
                let moves = Command::MoveOrder { order: asked.order, to: one };
                assert_eq!(then, Some(Next::First(two, Box::new(moves))));
            }
            Command::PayCombined(asked) => {
                let moves = Command::MoveCombined { combined: asked.combined, to: one };
                assert_eq!(then, Some(Next::First(two, Box::new(moves))));
            }
            Command::CodePay { terms, .. } => {
                let claims = Command::ClaimOrder { terms, to: one };
                assert_eq!(then, Some(Next::First(two, Box::new(claims))));
            }
            _ => assert_eq!(then, Some(Next::Send(two)), "{name}"),
        }
    }
}

fn claim() -> NumberClaim {
    NumberClaim { of: NumberOf::Refund, signer: MERCHANT, number: "R1".into(), order: OrderId(MADE_IN_2) }
}

/// A number is claimed in the shard that is told, then the command is asked again.
#[test]
fn a_number_is_claimed_before_a_command_is_asked_again() {
    let [one, two] = [1, 2].map(|number| Shard::new(number).unwrap());
    let refused = Rejection::NumberElsewhere { shard: two, claim: Box::new(claim()) };
    let wants = Command::ExpireOrder(OrderId(MADE_IN_2));
    let claims = Command::ClaimNumber(Box::new(claim()));
    assert!(claims.is_between_shards(), "nobody but the platform asks for it");
    assert_eq!(next(&wants, one, &refused), Some(Next::First(two, Box::new(claims.clone()))));
    assert_eq!(after(&claims, Reply::Done), After::Again);
}

/// An order moves before it is paid, unless it names its payer: then it began there.
#[test]
fn what_is_paid_is_brought_to_its_payer_first() {
    let three = Shards::new(3).unwrap();
    let [one, two] = [1, 2].map(|number| Shard::new(number).unwrap());
    let order = OrderId(MADE_IN_2);
    let entry = |product| Entry { product, issued_at: Time(0) };
    let (shown, pin) = (Money::cny(1), digest("pin"));
    let pays = |product| {
        let entry = entry(product);
        Command::PayOrder(Confirmation { order, payer: PAYER, entry, shown, card: None, pin })
    };
    let moves = Command::MoveOrder { order, to: one };
    for product in Product::ALL {
        let brought = (product != Product::Jsapi).then(|| (two, moves.clone()));
        assert_eq!(ahead(&pays(product), one, three), brought, "{product:?}");
        assert_eq!(ahead(&pays(product), two, three), None, "it was made there");
    }
    // Where that was wrong, the refusal says where the order is.
    let refused = next(&pays(Product::Jsapi), one, &Rejection::Elsewhere(two));
    assert_eq!(refused, Some(Next::First(two, Box::new(moves))));
    let (combined, entry) = (CombinedId(MADE_IN_2), entry(Product::Jsapi));
    let whole = CombinedConfirmation { combined, payer: PAYER, entry, shown, card: None, pin };
    let moves = Command::MoveCombined { combined, to: one };
    assert_eq!(ahead(&Command::PayCombined(whole), one, three), Some((two, moves)));
    assert_eq!(ahead(&Command::ExpireOrder(order), one, three), None);
}

/// Money that is needed is sent and received, then the command is asked again.
#[test]
fn money_is_brought_before_a_command_is_asked_again() {
    let [one, two] = [1, 2].map(|number| Shard::new(number).unwrap());
    let from = AccountId::merchant_unsettled(MERCHANT, Currency::CNY).at(two);
    let refused = Rejection::MoneyElsewhere { from, amount: 5 };
    let send = Command::SendToShard { from, to: one, most: Some(5) };
    let wants = Command::ExpireOrder(OrderId(MADE_IN_2));
    assert_eq!(next(&wants, one, &refused), Some(Next::First(two, Box::new(send.clone()))));
    assert_eq!(after(&send, Reply::Done), After::Again, "somebody else was quicker; see what is there now");
    let sent = Sent { id: TransferId(MADE_IN_2), amount: 3 };
    let After::First(to, receive) = after(&send, Reply::Sent(sent)) else { panic!("it must be received") };
    let Command::Receive(crossing) = &*receive else { panic!("{receive:?}") };
    let taken = (crossing.id, crossing.from, crossing.to, crossing.amount);
    assert_eq!((to, taken), (one, (sent.id, from, from.at(one), 3)));
    assert_eq!(after(&receive, Reply::Done), After::Again);
    let claims = Command::MoveOrder { order: OrderId(MADE_IN_2), to: one };
    assert_eq!(after(&claims, Reply::Order(OrderId(1))), After::Answer(Reply::Order(OrderId(1))));
}

#[test]
fn an_account_is_written_where_its_owner_is() {
    let three = Shards::new(3).unwrap();
    let [one, two] = [1, 2].map(|number| Shard::new(number).unwrap());
    let cny = Currency::CNY;
    assert_eq!(of_account(AccountId::payer_balance(PAYER, cny), three), one);
    for account in [
        AccountId::merchant_unsettled(MERCHANT, cny),
        AccountId::platform_fee(cny),
        AccountId::channel_receivable(CHANNEL, cny),
    ] {
        assert_eq!(of_account(account, three), Shard::FIRST);
        assert_eq!(of_account(account.at(two), three), two);
    }
    assert_eq!(of_account(AccountId::in_transit(one, two, cny), three), one);
    // An open session elsewhere is nobody's here.
    let mut world = World::new();
    let caller = Caller::platform();
    assert_eq!(world.run_as(caller, Command::SignOut(PAYER, digest("t"))), Ok(domain::Reply::Done));
}
