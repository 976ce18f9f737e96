//! Every kind of record, listed once: keys, working set, a command's writes and a batch's changes follow.

use crate::{
    application::Application,
    calendar::Calendar,
    card::Card,
    claim::{NumberClaim, NumberOf},
    clearing::Clearing,
    combined::{Combined, CombinedNumber},
    crossing::Crossing,
    echo::Echo,
    exception::Exception,
    fee::Fees,
    hold::Hold,
    journal::JournalLine,
    keyring::KeyRing,
    limit::{Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::{Order, OrderNumber},
    payer::{Payer, PhoneOwner},
    payment::Payment,
    payment_code::PaymentCode,
    payout::{BankAccount, Payout, PayoutNumber},
    refund::{Refund, RefundNumber},
    session::{OauthCode, OneTimeCode, Session},
    settlement::{Day, Plan, Settlement, SettlementId},
    sharing::{Party, Receiver, Share, ShareReturn, Sharing, SharingNumber, SharingNumberKey},
    staff::{Staff, StaffName, StaffSession},
    sweep::Counter,
    user_transfer::{
        Recipient, TransferBatch, TransferBatchNumber, TransferPlan, UserTransfer, UserTransferNumber,
    },
    world::{Change, Entity, Table},
};
use ledger::{Account, AccountId, Transfer};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use types::{
    AppId, BusinessDay, CardId, CombinedId, EchoId, HoldId, MerchantId, NotificationId, OperatorId, OrderId,
    PayerId, PaymentId, PayoutId, RefundId, ShareId, ShareReturnId, Time, TransferBatchId, TransferId,
    UserTransferId,
};

/// A request key of a caller: the first answer under it is kept and repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Scope and key, hashed by the caller.
    pub key: Digest,
    /// What was asked; another content under the same key is refused.
    pub content: Digest,
    /// The first answer, serialised by the engine.
    pub answer: Box<str>,
    /// When it was given; kept 24 hours.
    pub at: Time,
}

/// A 32-byte hash: of a token, a code, a phone, a PIN or a request. Shows only its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// Numbers in JSON, bytes elsewhere.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.0.serialize(serializer)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Deserialize::deserialize(deserializer).map(Self);
        }
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Digest;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("32 bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Digest, E> {
                bytes.try_into().map(Digest).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}{:02x}{:02x}…", self.0[0], self.0[1], self.0[2])
    }
}

/// One record's change in a dry run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Kind of record.
    pub record: &'static str,
    /// As it is; none when it would be created.
    pub before: Option<serde_json::Value>,
    /// As it would be; none when it would be deleted.
    pub after: Option<serde_json::Value>,
}

impl Effect {
    fn new<R: Serialize>(record: &'static str, before: Option<&R>, after: Option<&R>) -> Self {
        let json = |value: Option<&R>| value.and_then(|value| serde_json::to_value(value).ok());
        Self { record, before: json(before), after: json(after) }
    }
}

macro_rules! records {
    ($($(#[$doc:meta])* $field:ident: $variant:ident($key:ty => $record:ty) by $by:expr, generation $bound:expr
       $(, version $version:expr)?;)*) => {
        /// The key of any record.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Key { $($(#[$doc])* $variant($key),)* }

        /// Any record.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record { $($(#[$doc])* $variant($record),)* }

        /// The working set: the records that commands can read without a load.
        #[derive(Debug, Default)]
        pub struct Tables { $($(#[$doc])* pub $field: Table<$record>,)* }

        /// What one command writes.
        #[derive(Debug, Default)]
        pub struct Writes { $($(#[$doc])* pub $field: Vec<($key, Option<$record>)>,)* }

        /// What one batch of commands changes, one entry a record, and its journal lines: one transaction.
        #[derive(Debug, Default, Clone, PartialEq)]
        pub struct Batch {
            /// Its number, counted from 1 without a gap.
            pub number: i64,
            /// When it was made.
            pub at: Time,
            /// A line for each command, in order.
            pub journal: Vec<JournalLine>,
            $($(#[$doc])* pub $field: Vec<Change<$record>>,)*
        }

        impl Batch {
            /// Records it changes.
            #[must_use]
            pub fn changes(&self) -> usize { 0 $(+ self.$field.len())* }
        }

        $(impl Entity for $record {
            type Key = $key;
            fn key(&self) -> $key { let by: fn(&$record) -> $key = $by; by(self) }
            fn any_key(key: &$key) -> Key { Key::$variant(key.clone()) }
            fn table(tables: &Tables) -> &Table<Self> { &tables.$field }
            fn writes(writes: &Writes) -> &Vec<($key, Option<Self>)> { &writes.$field }
            fn writes_mut(writes: &mut Writes) -> &mut Vec<($key, Option<Self>)> { &mut writes.$field }
            $(fn version(&self) -> Option<i64> { let of: fn(&$record) -> i64 = $version; Some(of(self)) })?
        })*

        impl Tables {
            /// Takes in what the store holds under a key.
            ///
            /// # Panics
            /// When the record is of another kind than its key: a fault of the store.
            pub fn load(&mut self, key: Key, record: Option<Record>) {
                match (key, record) {
                    $((Key::$variant(key), None) => self.$field.load(key, None),
                    (Key::$variant(key), Some(Record::$variant(record))) => self.$field.load(key, Some(record)),)*
                    (key, Some(record)) => panic!("the store answered {key:?} with {record:?}"),
                }
            }
            /// Takes in an accepted command's writes as part of batch `number`.
            pub fn merge(&mut self, writes: &mut Writes, number: i64) {
                $(for (key, value) in writes.$field.drain(..) { self.$field.merge(key, value, number); })*
            }
            /// Closes the open batch.
            pub fn take_batch(&mut self, number: i64, at: Time, journal: Vec<JournalLine>) -> Batch {
                Batch { number, at, journal, $($field: self.$field.take_changes(),)* }
            }
            /// Lets what was not asked for lately fall out. True when a generation turned.
            pub fn turn(&mut self) -> bool {
                let mut turned = false;
                $(turned |= self.$field.turn($bound);)*
                turned
            }
            /// Records held now, all kinds.
            #[must_use]
            pub fn len(&self) -> usize { 0 $(+ self.$field.len())* }
            /// True when nothing is held.
            #[must_use]
            pub fn is_empty(&self) -> bool { self.len() == 0 }
        }

        impl Writes {
            /// The writes as a readable list: what each record is before and after.
            #[must_use]
            pub fn effects(&self, tables: &Tables) -> Vec<Effect> {
                let mut effects = Vec::new();
                $(for (key, value) in &self.$field {
                    let before = tables.$field.peek(key).flatten();
                    effects.push(Effect::new(stringify!($variant), before, value.as_ref()));
                })*
                effects
            }
            /// Forgets all writes, keeping the buffers.
            pub fn clear(&mut self) { $(self.$field.clear();)* }
            /// True when nothing was written.
            #[must_use]
            pub fn is_empty(&self) -> bool { true $(&& self.$field.is_empty())* }
        }
    };
}

records! {
    /// A merchant.
    merchants: Merchant(MerchantId => Merchant) by |r| r.id, generation 20_000;
    /// A merchant's API certificate.
    certificates: Certificate(Box<str> => Certificate) by |r| r.serial.clone(), generation 20_000;
    /// An application.
    applications: Application(AppId => Application) by |r| r.id, generation 20_000;
    /// A payer.
    payers: Payer(PayerId => Payer) by |r| r.id, generation 60_000;
    /// Which payer a phone belongs to.
    phones: Phone(Digest => PhoneOwner) by |r| r.phone, generation 20_000;
    /// A code sent to a phone.
    one_time_codes: OneTimeCode(Digest => OneTimeCode) by |r| r.phone, generation 20_000;
    /// A signed-in session.
    sessions: Session(Digest => Session) by |r| r.token, generation 20_000;
    /// An OAuth authorization code.
    oauth_codes: OauthCode(Digest => OauthCode) by |r| r.code, generation 20_000;
    /// A bound bank card.
    cards: Card(CardId => Card) by |r| r.id, generation 20_000;
    /// An order.
    orders: Order(OrderId => Order) by |r| r.id, generation 30_000, version |r| r.journal.0;
    /// Which order a merchant's own number belongs to.
    order_numbers: OrderNumber((MerchantId, Box<str>) => OrderNumber) by |r| (r.merchant, r.number.clone()), generation 30_000;
    /// A combined order.
    combined: Combined(CombinedId => Combined) by |r| r.id, generation 20_000;
    /// Which combined order a merchant's own number belongs to.
    combined_numbers: CombinedNumber((MerchantId, Box<str>) => CombinedNumber) by |r| (r.merchant, r.number.clone()), generation 20_000;
    /// A card payment or a top-up, while it runs and after.
    payments: Payment(PaymentId => Payment) by |r| r.id, generation 20_000;
    /// A refund.
    refunds: Refund(RefundId => Refund) by |r| r.id, generation 20_000;
    /// Which refund a merchant's own number belongs to.
    refund_numbers: RefundNumber((MerchantId, Box<str>) => RefundNumber) by |r| (r.merchant, r.number.clone()), generation 20_000;
    /// Which order a number was claimed for, in a database of several shards.
    number_claims: NumberClaim((NumberOf, MerchantId, Box<str>) => NumberClaim) by |r| (r.of, r.signer, r.number.clone()), generation 20_000;
    /// A payment code shown by a payer.
    payment_codes: PaymentCode(i64 => PaymentCode) by |r| r.code, generation 20_000;
    /// What a payer or card has used of its limits.
    usage: Usage(i64 => Usage) by |r| r.id, generation 60_000;
    /// The limits in force.
    limits: Limits(() => Limits) by |_| (), generation 20_000;
    /// A fee schedule.
    fees: Fees(MerchantId => Fees) by |r| r.merchant, generation 20_000;
    /// The business calendar.
    calendars: Calendar(() => Calendar) by |_| (), generation 20_000;
    /// How a merchant is settled.
    plans: Plan(MerchantId => Plan) by |r| r.merchant, generation 20_000;
    /// A settlement day.
    days: Day(BusinessDay => Day) by |r| r.day, generation 20_000;
    /// A merchant's settlement of a day.
    settlements: Settlement(SettlementId => Settlement) by |r| r.id, generation 20_000;
    /// Money set aside.
    holds: Hold(HoldId => Hold) by |r| r.id, generation 20_000;
    /// A merchant's bank account.
    bank_accounts: BankAccount(MerchantId => BankAccount) by |r| r.merchant, generation 20_000;
    /// A payout.
    payouts: Payout(PayoutId => Payout) by |r| r.id, generation 20_000;
    /// Which payout a merchant's own number belongs to.
    payout_numbers: PayoutNumber((MerchantId, Box<str>) => PayoutNumber) by |r| (r.merchant, r.number.clone()), generation 20_000;
    /// With whom a merchant shares.
    receivers: Receiver((MerchantId, Party) => Receiver) by |r| (r.merchant, r.party), generation 20_000;
    /// What is left of an order that is shared.
    sharings: Sharing(OrderId => Sharing) by |r| r.order, generation 20_000;
    /// A request to share.
    shares: Share(ShareId => Share) by |r| r.id, generation 20_000;
    /// A return of what was shared.
    share_returns: ShareReturn(ShareReturnId => ShareReturn) by |r| r.id, generation 20_000;
    /// Which request to share, or return, a signer's own number belongs to.
    sharing_numbers: SharingNumber(SharingNumberKey => SharingNumber) by |r| r.key(), generation 20_000;
    /// A transfer to a user.
    user_transfers: UserTransfer(UserTransferId => UserTransfer) by |r| r.id, generation 20_000;
    /// Which transfer a merchant's own number belongs to.
    user_transfer_numbers: UserTransferNumber((MerchantId, Box<str>) => UserTransferNumber) by |r| (r.merchant, r.number.clone()), generation 20_000;
    /// A batch of transfers.
    transfer_batches: TransferBatch(TransferBatchId => TransferBatch) by |r| r.id, generation 2_000;
    /// Which batch a merchant's own number belongs to.
    transfer_batch_numbers: TransferBatchNumber((MerchantId, Box<str>) => TransferBatchNumber) by |r| (r.merchant, r.number.clone()), generation 20_000;
    /// What a merchant may transfer to users.
    transfer_plans: TransferPlan(MerchantId => TransferPlan) by |r| r.merchant, generation 20_000;
    /// What a user has received by transfers.
    recipients: Recipient(PayerId => Recipient) by |r| r.payer, generation 20_000;
    /// A difference found by reconciliation.
    exceptions: Exception(Box<str> => Exception) by |r| r.reference.clone(), generation 20_000;
    /// What a channel pays to the platform's bank for a batch.
    clearings: Clearing(Box<str> => Clearing) by |r| r.reference.clone(), generation 20_000;
    /// Somebody who signs in to a console.
    staff: Staff(OperatorId => Staff) by |r| r.id, generation 20_000;
    /// Whose a sign-in name is.
    staff_names: StaffName(Box<str> => StaffName) by |r| r.name.clone(), generation 20_000;
    /// A session of a console.
    staff_sessions: StaffSession(Digest => StaffSession) by |r| r.token, generation 20_000;
    /// A notification.
    notifications: Notification(NotificationId => Notification) by |r| r.id, generation 60_000;
    /// A message to be echoed to its merchant.
    echoes: Echo(EchoId => Echo) by |r| r.id, generation 20_000;
    /// A set of sealed keys.
    key_rings: KeyRing(Box<str> => KeyRing) by |r| r.name.clone(), generation 20_000;
    /// A counter.
    counters: Counter(Box<str> => Counter) by |r| r.name.clone(), generation 20_000;
    /// A request key with its first answer.
    requests: Request(Digest => Request) by |r| r.key, generation 60_000;
    /// A ledger account.
    accounts: Account(AccountId => Account) by |r| r.id, generation 80_000;
    /// A ledger transfer.
    transfers: Transfer(TransferId => Transfer) by |r| r.id, generation 60_000;
    /// Money on its way to another shard.
    crossings: Crossing(TransferId => Crossing) by |r| r.id, generation 20_000;
}

impl Tables {
    /// Forgets what only the first shard writes: the others read it anew from time to time.
    pub fn forget_shared(&mut self) {
        self.merchants.forget_all();
        self.certificates.forget_all();
        self.applications.forget_all();
        self.limits.forget_all();
        self.key_rings.forget_all();
        self.fees.forget_all();
        self.receivers.forget_all();
        self.staff.forget_all();
        self.staff_sessions.forget_all();
    }
}
