//! Merchants: who may place orders, with which keys, applications, products and fee.

use crate::{
    Context, Rejection, Stop, Tx,
    application::Application,
    combined::COMBINERS_MAX,
    context::Event,
    fee::{self, Fees},
    journal::Subject,
    partner::Partnership,
    refund::{WINDOW_DAYS, WINDOW_DAYS_MAX},
    sharing::Participation,
};
use ledger::AccountId;
use serde::{Deserialize, Serialize};
use types::{AppId, JournalId, MerchantId, Rate, Time};

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    /// `mchid` on the wire; 1 to [`AccountId::OWNER_MAX`].
    pub id: MerchantId,
    /// Name shown to payers, 1 to 64 characters.
    pub name: Box<str>,
    /// Whether it may trade.
    pub active: bool,
    /// Applications bound to it; an order must carry one of them.
    pub apps: Vec<AppId>,
    /// Products switched on.
    pub products: Products,
    /// The APIv3 key, sealed by the vault; none until set.
    pub apiv3_key: Option<Box<[u8]>>,
    /// Whether answers are signed with the platform public key when the request asks (wire §1.8).
    pub public_key_mode: bool,
    /// Requests a second it may make; bursts of the same size.
    pub rate_per_s: u32,
    /// Merchants that may take its orders into a combined order, at most [`COMBINERS_MAX`]; it always may itself.
    pub combined_by: Vec<MerchantId>,
    /// Days after a payment in which it can be refunded (D8): [`WINDOW_DAYS`] unless agreed otherwise.
    pub refund_days: u16,
    /// How it takes part in profit sharing.
    pub sharing: Participation,
    /// Whose sub-merchant it is, or was last.
    pub partnership: Option<Partnership>,
    /// When it was registered.
    pub created_at: Time,
    /// Newest journal line.
    pub journal: JournalId,
}

/// A way of paying that a merchant can be allowed. The number is a bit position and is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Product {
    /// Official account or mini-program page.
    Jsapi = 0,
    /// The merchant's own app.
    App = 1,
    /// A mobile browser.
    H5 = 2,
    /// The payer scans the merchant's code.
    Native = 3,
    /// The merchant scans the payer's code (付款码).
    Code = 4,
}

impl Product {
    /// Every product, in stored order.
    pub const ALL: [Self; 5] = [Self::Jsapi, Self::App, Self::H5, Self::Native, Self::Code];
    /// The product stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|product| *product as i64 == number)
    }
}

/// A set of products, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Products(pub u16);

impl Products {
    /// All of them.
    pub const ALL: Self = Self(0b1_1111);
    /// Whether `product` is on.
    #[must_use]
    pub const fn has(self, product: Product) -> bool {
        self.0 & (1 << product as u8) != 0
    }
    /// With `product` on or off.
    #[must_use]
    pub const fn with(self, product: Product, on: bool) -> Self {
        let bit = 1 << product as u8;
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// A merchant's API certificate. Its public key verifies requests and encrypts fields of answers (wire §1.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Serial number, upper-case hex.
    pub serial: Box<str>,
    /// Whose.
    pub merchant: MerchantId,
    /// The certificate, PEM.
    pub pem: Box<str>,
    /// Start of validity.
    pub not_before: Time,
    /// End of validity.
    pub not_after: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// A merchant to be registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewMerchant {
    /// `mchid`.
    pub id: MerchantId,
    /// Name shown to payers.
    pub name: Box<str>,
    /// Products switched on.
    pub products: Products,
    /// A plain fee for everything; [`crate::fee`] has the other kinds.
    pub fee: Rate,
    /// Requests a second.
    pub rate_per_s: u32,
}

/// A change to a merchant's settings. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MerchantChange {
    /// Allow or stop trading.
    pub active: Option<bool>,
    /// Replace the products switched on.
    pub products: Option<Products>,
    /// Replace the fee for every product without a rule of its own by a plain one; payments made before keep theirs.
    pub fee: Option<Rate>,
    /// Replace the sealed APIv3 key.
    pub apiv3_key: Option<Box<[u8]>>,
    /// Replace the key mode of answers.
    pub public_key_mode: Option<bool>,
    /// Replace the rate limit.
    pub rate_per_s: Option<u32>,
    /// Replace the days in which payments can be refunded, 1 to [`WINDOW_DAYS_MAX`].
    pub refund_days: Option<u16>,
    /// Let a merchant combine its orders.
    #[serde(default)]
    pub allow_combine: Option<MerchantId>,
    /// Let a merchant combine its orders no more; combined orders that were placed can be paid.
    #[serde(default)]
    pub forbid_combine: Option<MerchantId>,
    /// Replace how it takes part in profit sharing.
    pub sharing: Option<Participation>,
    /// Bind an application.
    pub bind: Option<AppId>,
    /// Release an application.
    pub unbind: Option<AppId>,
}

impl Merchant {
    /// Checks that the merchant may place an order of `product` with `app`.
    ///
    /// # Errors
    /// `MerchantSuspended`, `ProductOff`, `AppNotBound`.
    pub fn may(&self, product: Product, app: AppId) -> Result<(), Rejection> {
        if !self.active {
            return Err(Rejection::MerchantSuspended(self.id));
        }
        self.has_app(app)?;
        self.sells_by(product)
    }
    /// Checks that an application is bound to the merchant.
    ///
    /// # Errors
    /// `AppNotBound`.
    pub fn has_app(&self, app: AppId) -> Result<(), Rejection> {
        if self.apps.contains(&app) { Ok(()) } else { Err(Rejection::AppNotBound(app, self.id)) }
    }
    /// Checks that the merchant may trade and may be paid by `product`, whoever places the order.
    ///
    /// # Errors
    /// `MerchantSuspended`, `ProductOff`.
    pub fn sells_by(&self, product: Product) -> Result<(), Rejection> {
        if !self.active {
            return Err(Rejection::MerchantSuspended(self.id));
        }
        if self.products.has(product) { Ok(()) } else { Err(Rejection::ProductOff(product)) }
    }
}

/// A fee above the whole amount could not be taken from it. Errors: `AmountOutOfRange`.
fn check_fee(fee: Rate) -> Result<(), Rejection> {
    if fee > Rate::WHOLE { Err(Rejection::AmountOutOfRange) } else { Ok(()) }
}

/// Registers a merchant. Errors: `NumberOutOfRange`, `MerchantExists`, `AmountOutOfRange` for a fee above 100 %.
pub(crate) fn register(new: &NewMerchant, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.about(Subject::Merchant(new.id), None);
    if !AccountId::can_own(new.id.0) {
        return Err(Rejection::NumberOutOfRange(new.id.0).into());
    }
    check_fee(new.fee)?;
    if tx.get::<Merchant>(&new.id)?.is_some() {
        return Err(Rejection::MerchantExists(new.id).into());
    }
    tx.put(Fees::plain(new.id, new.fee, ctx.journal));
    tx.put(Merchant {
        id: new.id,
        name: new.name.clone(),
        active: true,
        apps: Vec::new(),
        products: new.products,
        apiv3_key: None,
        public_key_mode: true,
        rate_per_s: new.rate_per_s,
        combined_by: Vec::new(),
        refund_days: WINDOW_DAYS,
        sharing: Participation::default(),
        partnership: None,
        created_at: ctx.now,
        journal: ctx.journal,
    });
    tx.tell(Event::MerchantChanged(new.id));
    Ok(())
}

/// Changes a merchant. Errors: `MerchantNotFound`, `TooManyCombiners`, `AppNotFound`, `AmountOutOfRange` for a fee above 100 %,
/// `WindowOutOfRange`, `SharingWrong`.
pub(crate) fn change(
    id: MerchantId,
    change: &MerchantChange,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let mut merchant = tx.need::<Merchant>(&id, Rejection::MerchantNotFound(id))?.clone();
    tx.about(Subject::Merchant(id), Some(merchant.journal));
    if let Some(app) = change.bind {
        tx.need::<Application>(&app, Rejection::AppNotFound(app))?;
        if !merchant.apps.contains(&app) {
            merchant.apps.push(app);
        }
    }
    if let Some(app) = change.unbind {
        merchant.apps.retain(|bound| *bound != app);
    }
    if let Some(other) = change.allow_combine
        && other != id
        && !merchant.combined_by.contains(&other)
    {
        tx.need::<Merchant>(&other, Rejection::MerchantNotFound(other))?;
        if merchant.combined_by.len() >= COMBINERS_MAX {
            return Err(Rejection::TooManyCombiners(COMBINERS_MAX).into());
        }
        merchant.combined_by.push(other);
    }
    if let Some(other) = change.forbid_combine {
        merchant.combined_by.retain(|known| *known != other);
    }
    merchant.active = change.active.unwrap_or(merchant.active);
    merchant.products = change.products.unwrap_or(merchant.products);
    if let Some(rate) = change.fee {
        check_fee(rate)?;
        fee::replace(id, rate, ctx, tx)?;
    }
    merchant.public_key_mode = change.public_key_mode.unwrap_or(merchant.public_key_mode);
    merchant.refund_days = change.refund_days.unwrap_or(merchant.refund_days);
    if !(1..=WINDOW_DAYS_MAX).contains(&merchant.refund_days) {
        return Err(Rejection::WindowOutOfRange(merchant.refund_days).into());
    }
    if let Some(sharing) = &change.sharing {
        sharing.check()?;
        merchant.sharing = sharing.clone();
    }
    merchant.rate_per_s = change.rate_per_s.unwrap_or(merchant.rate_per_s);
    if let Some(key) = &change.apiv3_key {
        merchant.apiv3_key = Some(key.clone());
    }
    merchant.journal = ctx.journal;
    tx.put(merchant);
    tx.tell(Event::MerchantChanged(id));
    Ok(())
}

/// Adds an API certificate. Errors: `MerchantNotFound`, `CertificateExists`.
pub(crate) fn add_certificate(new: &Certificate, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.expect::<Certificate>(&new.serial);
    let merchant = tx.need::<Merchant>(&new.merchant, Rejection::MerchantNotFound(new.merchant))?.clone();
    tx.about(Subject::Merchant(merchant.id), Some(merchant.journal));
    if let Some(known) = tx.get::<Certificate>(&new.serial)? {
        let same = known.pem == new.pem && known.merchant == new.merchant;
        return if same { Ok(()) } else { Err(Rejection::CertificateExists.into()) };
    }
    tx.put(new.clone());
    tx.note(&*new.serial);
    tx.tell(Event::MerchantChanged(merchant.id));
    tx.put(Merchant { journal: ctx.journal, ..merchant });
    Ok(())
}

/// Revokes an API certificate; requests signed with it fail from the commit on. Errors: `CertificateExists`
/// when the serial is not this merchant's.
pub(crate) fn revoke_certificate(serial: &str, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let mut known = tx.need::<Certificate>(&serial.into(), Rejection::NotAllowed)?.clone();
    let merchant = known.merchant;
    let owner = tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?.clone();
    tx.about(Subject::Merchant(merchant), Some(owner.journal));
    known.revoked_at = known.revoked_at.or(Some(ctx.now));
    tx.put(known);
    tx.note(serial);
    tx.put(Merchant { journal: ctx.journal, ..owner });
    tx.tell(Event::MerchantChanged(merchant));
    Ok(())
}
