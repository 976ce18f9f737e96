//! One record of every kind, as bare and as full as it gets, with values that a careless column would spoil:
//! other scripts, quotes, the ends of a range.

use super::START;
use domain::{
    application::Application,
    approval::Approval,
    card::Card,
    claim::{NumberClaim, NumberOf},
    combined::{Combined, CombinedNumber},
    crossing::Crossing,
    echo::Echo,
    keyring::KeyRing,
    limit::{BillEntry, LimitTable, Limits, Usage},
    merchant::{Certificate, Merchant, Product, Products},
    notification::{About, Notification, NotificationState},
    order::{ByPartner, Order, OrderNumber, OrderState, Terms},
    partner::{Partnership, Permissions},
    payer::{Payer, PhoneOwner},
    payment::{Payment, PaymentState},
    payment_code::PaymentCode,
    records::{Digest, Request},
    refund::{Funds, Receiver, Refund, RefundNumber, RefundState, RefundTerms, Refunded},
    session::{OauthCode, OneTimeCode, Session},
    sharing::Participation,
    sweep::Counter,
};
use ledger::{Account, AccountId, Transfer, TransferKind, TransferState};
use std::sync::Arc;
use types::{
    AppId, BusinessDay, CardId, CombinedId, Currency, EchoId, JournalId, MerchantId, Money, NotificationId,
    OperatorId, OrderId, PayerId, PaymentId, RefundId, Shard, Time, TransferId, time,
};

const AWKWARD: &str = "龙井 \"best\" 'tea'; -- \\ \u{1F375}\n\té";
/// The largest id there can be.
const LAST: i64 = i64::MAX - 7;

/// The order, and the refund, that a partner placed for another merchant.
pub(super) const PARTNERS_ORDER: i64 = 5;
/// As [`PARTNERS_ORDER`].
pub(super) const PARTNERS_REFUND: i64 = 11;

pub(super) fn digest(n: u8) -> Digest {
    Digest(std::array::from_fn(|place| n.wrapping_add(u8::try_from(place).unwrap_or(0))))
}

pub(super) fn merchant(id: i64, full: bool) -> Merchant {
    Merchant {
        partnership: full.then_some(Partnership {
            partner: MerchantId(LAST),
            permissions: Permissions(u16::MAX),
            since: START,
            ended_at: (id % 2 == 1).then_some(Time(i64::MAX)),
        }),
        id: MerchantId(id),
        name: if full { AWKWARD.into() } else { "a".into() },
        active: full,
        apps: if full { vec![AppId(-1), AppId(i64::MIN), AppId(5)] } else { Vec::new() },
        products: if full { Products::ALL } else { Products(0) },
        apiv3_key: full.then(|| Box::from([0, 255, 39, 34])),
        public_key_mode: full,
        rate_per_s: if full { u32::MAX } else { 0 },
        combined_by: if full { vec![MerchantId(LAST), MerchantId(1)] } else { Vec::new() },
        refund_days: if full { u16::MAX } else { 1 },
        sharing: if full {
            Participation { max_ratio: Some(10_000), returns: true, notify_url: AWKWARD.into() }
        } else {
            Participation::default()
        },
        created_at: START,
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

pub(super) fn certificate(merchant: i64, serial: &str, full: bool) -> Certificate {
    Certificate {
        serial: serial.into(),
        merchant: MerchantId(merchant),
        pem: "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n".into(),
        not_before: START.plus(-time::HOUR),
        not_after: START.plus(1826 * time::DAY),
        revoked_at: full.then_some(START.plus(1)),
    }
}

pub(super) fn application(id: i64, full: bool) -> Application {
    Application {
        id: AppId(id),
        name: AWKWARD.into(),
        redirect_hosts: if full { vec!["shop.example".into(), "127.0.0.1:8081".into()] } else { Vec::new() },
        secret: full.then(|| digest(9)),
    }
}

pub(super) fn payer(id: i64, phone: u8, full: bool) -> Payer {
    Payer {
        id: PayerId(id),
        phone: digest(phone),
        phone_sealed: if full { Box::from([0, 1, 2, 255]) } else { Box::from([7]) },
        active: full,
        channels: if full { 0b111_1111 } else { 1 },
        pin: full.then(|| digest(200)),
        pin_failures: if full { u8::MAX } else { 0 },
        pin_locked_until: full.then_some(START.plus(time::DAY)),
        free_pay: full,
        created_at: START,
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

pub(super) fn phone_owner(payer: &Payer) -> PhoneOwner {
    PhoneOwner { phone: payer.phone, payer: payer.id }
}

pub(super) fn one_time_code(phone: u8, full: bool) -> OneTimeCode {
    OneTimeCode {
        phone: digest(phone),
        code: full.then(|| digest(77)),
        sent_at: START.plus(i64::from(full)),
        tries: if full { u8::MAX } else { 0 },
        sent_today: if full { u8::MAX } else { 0 },
    }
}

pub(super) fn session(token: u8, payer: i64, expires_at: Time) -> Session {
    Session {
        token: digest(token),
        payer: PayerId(payer),
        created_at: START,
        expires_at,
        device: AWKWARD.into(),
    }
}

pub(super) fn oauth_code(code: u8, expires_at: Time, used: bool) -> OauthCode {
    OauthCode { code: digest(code), app: AppId(i64::MIN), payer: PayerId(1), expires_at, used }
}

pub(super) fn card(id: i64, payer: i64) -> Card {
    Card {
        id: CardId(id),
        payer: PayerId(payer),
        bank: "ICBC_DEBIT".into(),
        tail: "0002".into(),
        token: AWKWARD.into(),
        channel: 1,
        bound_at: START,
    }
}

/// An order that is open when bare, and paid by card and reversed when full.
pub(super) fn order(id: i64, merchant: i64, number: &str, full: bool) -> Order {
    Order {
        id: OrderId(id),
        shard: if full { Shard::new(63).unwrap_or_default() } else { Shard::of_id(id) },
        terms: Arc::new(Terms {
            // One that `merchant` placed as a partner; its number is in that name, too.
            partner: (id == PARTNERS_ORDER)
                .then_some(ByPartner { id: MerchantId(merchant), sub_app: Some(AppId(i64::MAX)) }),
            merchant: if id == PARTNERS_ORDER { MerchantId(LAST) } else { MerchantId(merchant) },
            app: AppId(i64::MIN + 1),
            number: number.into(),
            product: Product::Code,
            amount: Money::new(i64::MAX, Currency::CNY),
            description: AWKWARD.into(),
            attach: AWKWARD.into(),
            notify_url: "https://shop.example/notify?a='b'".into(),
            payer: (id % 2 == 0).then_some(PayerId(3)),
            sharing: id % 2 == 1,
            device: "013467007045764".into(),
            extra: r#"{"scene_info":{"payer_client_ip":"::1"},"goods":"\"龙井\""}"#.into(),
            digest: std::array::from_fn(|place| u8::try_from(255 - place).unwrap_or(0)),
        }),
        state: if full { OrderState::Revoked } else { OrderState::Open },
        expires_at: START.plus(time::HOUR),
        payer: full.then_some(PayerId(3)),
        card: full.then_some(CardId(LAST)),
        paid_at: full.then_some(START.plus(1)),
        fee: if full { i64::MAX } else { 0 },
        payment: full.then_some(PaymentId(LAST)),
        transfer: full.then_some(TransferId(LAST)),
        reversal: full.then_some(TransferId(LAST)),
        refunded: if full {
            Refunded { sum: i64::MAX, fee: i64::MAX, count: u32::MAX, newest: Some(RefundId(LAST)) }
        } else {
            Refunded::default()
        },
        combined: full.then_some(CombinedId(LAST)),
        bill_previous: full.then_some(BillEntry(LAST)),
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

/// A combined order of fifty, for one payer. It never changes.
pub(super) fn combined(id: i64, merchant: i64) -> Combined {
    Combined {
        id: CombinedId(id),
        merchant: MerchantId(merchant),
        app: AppId(i64::MIN + 1),
        number: "whole-00001".into(),
        product: Product::H5,
        total: Money::new(i64::MAX, Currency::CNY),
        orders: (0..50).map(|n| OrderId(LAST - n)).collect(),
        notify_url: "https://shop.example/notify?a='b'".into(),
        payer: Some(PayerId(LAST)),
        device: "013467007045764".into(),
        extra: AWKWARD.into(),
        digest: std::array::from_fn(|place| u8::try_from(255 - place).unwrap_or(0)),
    }
}

/// The number of [`combined`].
pub(super) fn combined_number(id: i64, merchant: i64) -> CombinedNumber {
    number_of(&combined(id, merchant))
}

pub(super) fn number_of(whole: &Combined) -> CombinedNumber {
    CombinedNumber { merchant: whole.merchant, number: whole.number.clone(), combined: whole.id }
}

pub(super) fn order_number(order: &Order) -> OrderNumber {
    OrderNumber { merchant: order.terms.signer(), number: order.terms.number.clone(), order: order.id }
}

pub(super) fn payment(id: i64, full: bool) -> Payment {
    Payment {
        id: PaymentId(id),
        order: (id % 2 == 0).then_some(OrderId(5)),
        payer: PayerId(3),
        card: CardId(4),
        amount: Money::new(1, Currency::JPY),
        state: if full { PaymentState::Succeeded } else { PaymentState::Authorising },
        created_at: START,
        ask_at: (!full).then_some(START),
        asked: if full { u32::MAX } else { 0 },
        channel_code: if full { AWKWARD.into() } else { "".into() },
        bill_previous: full.then_some(BillEntry(LAST)),
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

/// A refund that waits when bare, and was sent to another card when full.
pub(super) fn refund(id: i64, merchant: i64, number: &str, full: bool) -> Refund {
    Refund {
        id: RefundId(id),
        order: OrderId(5),
        terms: Arc::new(RefundTerms {
            partner: (id == PARTNERS_REFUND).then_some(MerchantId(merchant)),
            merchant: if id == PARTNERS_REFUND { MerchantId(LAST) } else { MerchantId(merchant) },
            number: number.into(),
            amount: Money::new(i64::MAX, Currency::CNY),
            reason: AWKWARD.into(),
            notify_url: "https://shop.example/refund?a='b'".into(),
            funds: if id % 2 == 0 { Funds::Available } else { Funds::Unsettled },
            extra: r#"{"goods_detail":"\"龙井\""}"#.into(),
            digest: std::array::from_fn(|place| u8::try_from(255 - place).unwrap_or(0)),
        }),
        state: if full { RefundState::Succeeded } else { RefundState::Waiting },
        fee: if id % 2 == 0 { i64::MAX } else { 0 },
        previous: (id % 2 == 0).then_some(RefundId(LAST)),
        created_at: START,
        ended_at: full.then_some(START.plus(1)),
        due_at: (!full).then_some(START),
        asked: if full { u32::MAX } else { 0 },
        attempt: if full { u32::MAX } else { 0 },
        channel_code: if full { AWKWARD.into() } else { "".into() },
        receiver: full.then(|| Receiver {
            merchant: true,
            bank: "ICBC_DEBIT".into(),
            tail: "0002".into(),
            token: AWKWARD.into(),
        }),
        maker: (id % 2 == 0).then_some(OperatorId(LAST)),
        approvals_needed: u8::MAX,
        approvals: if full { vec![Approval { by: OperatorId(LAST), at: START }; 3] } else { Vec::new() },
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

pub(super) fn number_claim(merchant: i64) -> NumberClaim {
    let order = OrderId(5);
    NumberClaim { of: NumberOf::ShareReturn, signer: MerchantId(merchant), number: "R-1|*@".into(), order }
}

pub(super) fn refund_number(refund: &Refund) -> RefundNumber {
    RefundNumber { merchant: refund.terms.signer(), number: refund.terms.number.clone(), refund: refund.id }
}

pub(super) fn payment_code(code: i64, expires_at: Time, full: bool) -> PaymentCode {
    PaymentCode { code, payer: PayerId(3), expires_at, used_by: full.then_some(OrderId(5)) }
}

pub(super) fn usage(id: i64, full: bool) -> Usage {
    if !full {
        return Usage::none(id);
    }
    Usage {
        id,
        day: BusinessDay(20_458),
        day_two_factors: i64::MAX,
        day_barcode_b: 1,
        day_barcode_c: 4,
        day_barcode_d: 5,
        day_one_factor: 2,
        day_free_count: u32::MAX,
        year: 2026,
        year_total: 3,
        lifetime_total: i64::MAX,
        newest: Some(BillEntry(LAST)),
    }
}

pub(super) fn limits(full: bool) -> Limits {
    let later = LimitTable {
        effective_from: START,
        free_amount: i64::MAX,
        pin_failures: 255,
        ..LimitTable::of_law()
    };
    Limits { versions: if full { vec![LimitTable::of_law(), later] } else { vec![LimitTable::of_law()] } }
}

pub(super) fn notification(id: i64, merchant: i64, full: bool) -> Notification {
    Notification {
        id: NotificationId(id),
        merchant: MerchantId(merchant),
        about: if id % 2 == 0 { About::Echo(EchoId(LAST)) } else { About::Paid(OrderId(5)) },
        state: if full { NotificationState::Delivered } else { NotificationState::Pending },
        created_at: START,
        next_at: (!full).then_some(START),
        attempts: if full { u32::MAX } else { 0 },
        last_status: if full { u16::MAX } else { 0 },
        journal: JournalId(if full { LAST } else { 4096 }),
    }
}

pub(super) fn echo(id: i64, full: bool) -> Echo {
    Echo {
        id: EchoId(id),
        merchant: MerchantId(1_900_000_001),
        notify_url: "https://shop.example/notify?a='b'".into(),
        message: if full { AWKWARD.repeat(400).into() } else { "{}".into() },
    }
}

pub(super) fn key_ring(full: bool) -> KeyRing {
    let sealed = if full { vec![0; 9000] } else { Vec::new() };
    KeyRing { name: "platform".into(), sealed: sealed.into(), version: i64::from(full) + 1 }
}

pub(super) fn counter(last: i64) -> Counter {
    Counter { name: "payer".into(), last }
}

pub(super) fn request(key: u8, at: Time) -> Request {
    Request { key: digest(key), content: digest(key ^ 1), answer: r#"{"order":5}"#.into(), at }
}

pub(super) fn account(id: AccountId, full: bool) -> Account {
    let value = if full { i64::MAX } else { 0 };
    Account {
        debits_pending: value,
        debits_posted: value,
        credits_pending: value,
        credits_posted: value,
        frozen: full,
        ..Account::new(id)
    }
}

pub(super) fn crossing(id: i64, full: bool) -> Crossing {
    let takings = AccountId::merchant_unsettled(MerchantId(1_900_000_001), Currency::CNY);
    let shard = |number| Shard::new(number).unwrap_or_default();
    Crossing {
        id: TransferId(id),
        from: takings.at(shard(63)),
        to: if full { takings.at(shard(1)) } else { takings },
        amount: if full { i64::MAX } else { 1 },
        sent_at: START,
    }
}

pub(super) fn transfer(id: i64, full: bool) -> Transfer {
    Transfer {
        id: TransferId(id),
        debit: AccountId::payer_balance(PayerId(3), Currency::CNY),
        credit: AccountId::merchant_unsettled(MerchantId(1_900_000_001), Currency::CNY),
        amount: i64::MAX,
        kind: TransferKind::FeeReturn,
        state: if full { TransferState::Voided } else { TransferState::Pending },
        subject: LAST,
        at: START.plus(i64::from(full)),
    }
}
