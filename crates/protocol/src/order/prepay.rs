//! Placing an order for a payer to pay: JSAPI, APP, H5, Native.

use super::{
    LIMIT_PAY, Mode, Parameters, Product, Sub, amount, extra, notify_url, out_trade_no, owned, party, shape,
    time,
};
use crate::error::ApiError;
use crate::issue;
use crate::json::{Body, Fields, Members, Node};
use crate::language::Text;
use serde::Serialize;
use types::{AppId, MerchantId, Money, Secret, Time};

/// A prepay request, checked against wire §3.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepay {
    /// Which endpoint it came to; never [`Product::CodePay`].
    pub product: Product,
    /// The application, to be compared with those bound to who signs.
    pub appid: AppId,
    /// The merchant or partner, to be compared with the signer.
    pub mchid: MerchantId,
    /// The sub-merchant, in the partner's form.
    pub sub: Option<Sub>,
    /// What the payer sees in the bill; 1 to 127 characters.
    pub description: String,
    /// The merchant's order number; 6 to 32 of digits, letters, `_ - | *`.
    pub out_trade_no: String,
    /// Payment deadline as asked for; clamping (wire §3.5) needs the clock and is done elsewhere.
    pub time_expire: Option<Time>,
    /// Given back once paid; at most 128 characters.
    pub attach: Option<String>,
    /// Absolute URL, at most 255 characters.
    pub notify_url: String,
    /// Matches promotions; at most 32 characters.
    pub goods_tag: Option<String>,
    /// Show an invoice entry; false when left out.
    pub support_fapiao: bool,
    /// Keep the money for sharing; false when left out.
    pub profit_sharing: bool,
    /// At least 1 fen, CNY.
    pub amount: Money,
    /// The payer as [`Prepay::appid`] knows them, for JSAPI only; at most 128 characters. Other products ignore the
    /// member. A partner may name the payer as the sub-merchant's application knows them instead: [`Sub::openid`].
    pub openid: Option<String>,
    /// Who must be paying, if the merchant demands it.
    pub identity: Option<Identity>,
    /// `detail`, `scene_info`, `limit_pay` and `subsidy_amount` as canonical JSON, kept for the record.
    pub extra: Option<String>,
}

/// `payer.identity`: only this person may pay. Number and name come encrypted for the platform key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The kind of document.
    pub kind: IdentityKind,
    /// Its number. Cipher text as read; replace it by the clear text before [`Prepay::canonical`].
    pub number: Secret<String>,
    /// The person's name. Cipher text as read, as above.
    pub name: Secret<String>,
}

macro_rules! identity_kinds {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        /// The `type` of an identity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum IdentityKind {
            $($(#[$doc])* $name,)*
        }
        impl IdentityKind {
            const WORDS: &'static [&'static str] = &[$($wire,)*];
            /// The word of the wire.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }
            fn parse(text: &str) -> Option<Self> {
                match text { $($wire => Some(Self::$name),)* _ => None }
            }
        }
    };
}

identity_kinds! {
    /// Mainland identity card.
    IdCard = "IDCARD";
    /// Hong Kong and Macao travel permit.
    HongKongMacao = "HONGKONG_MACAO";
    /// Residence permit of Hong Kong and Macao residents.
    HongKongMacaoResident = "HONGKONG_MACAO_RESIDENT";
    /// Residence permit of Taiwan residents.
    TaiwanResident = "TAIWAN_RESIDENT";
    /// Foreigner's permanent residence card.
    ForeignResident = "FOREIGN_RESIDENT";
    /// Passport.
    OverseaPassport = "OVERSEA_PASSPORT";
    /// Mobile number.
    PhoneNumber = "PHONE_NUMBER";
}

/// The most characters of an encrypted field: Base64 of one RSA-4096 block fits.
const CIPHERTEXT_MAX: usize = 1024;

impl Prepay {
    /// Reads a prepay of `product`, one of [`Product::PREPAY`].
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(product: Product, mode: Mode, bytes: &[u8]) -> Result<Self, ApiError> {
        debug_assert!(product != Product::CodePay, "a codepay is read by CodePay::read");
        let body = Body::parse(bytes)?;
        let fields = body.fields();
        let mut kept = Members::new();
        let party = mode.party(&fields)?;
        let payer = openid(product, mode, &party, &fields)?;
        let settle = fields.object("settle_info")?;
        let prepay = Self {
            product,
            appid: party.appid,
            mchid: party.mchid,
            sub: party.sub.map(|sub| Sub { openid: payer.sub, ..sub }),
            description: fields.need_text("description", 1..=127)?.to_owned(),
            out_trade_no: out_trade_no(&fields)?,
            time_expire: time("time_expire", &fields)?,
            attach: owned(fields.text("attach", 1..=128)?),
            notify_url: notify_url(&fields)?,
            goods_tag: owned(fields.text("goods_tag", 1..=32)?),
            support_fapiao: fields.boolean("support_fapiao")?.unwrap_or(false),
            profit_sharing: match &settle {
                Some(settle) => settle.boolean("profit_sharing")?.unwrap_or(false),
                None => false,
            },
            amount: amount(&fields)?,
            openid: payer.own,
            identity: identity(&fields)?,
            extra: None,
        };
        if let Some(detail) = fields.object("detail")? {
            kept.insert("detail".into(), Node::Object(shape::take(&detail, shape::DETAIL)?));
        }
        if let Some(scene) = scene_info(product, &fields)? {
            kept.insert("scene_info".into(), scene);
        }
        if let Some(words) = fields.words("limit_pay", 0..=LIMIT_PAY.len(), &LIMIT_PAY)? {
            kept.insert(
                "limit_pay".into(),
                Node::List(words.into_iter().map(|w| Node::Text(w.into())).collect()),
            );
        }
        if let Some(settle) = &settle
            && let Some(subsidy) = settle.integer("subsidy_amount", 0..=i64::MAX)?
        {
            kept.insert("subsidy_amount".into(), Node::Integer(subsidy));
        }
        Ok(Self { extra: extra(kept), ..prepay })
    }

    /// All parameters as canonical bytes: two requests are the same request exactly when these are equal,
    /// whatever the order of members, spacing, escapes, spelled-out defaults or unknown members (wire §3.6).
    /// For a digest only: with an identity they hold its clear text. Cipher text differs on every retry, so
    /// decrypt [`Prepay::identity`] in place first.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("product", Some(self.product.path()));
        parameters.text("appid", Some(&self.appid.to_string()));
        parameters.text("mchid", Some(&self.mchid.to_string()));
        party::canonical(self.sub.as_ref(), &mut parameters);
        parameters.text("description", Some(&self.description));
        parameters.text("out_trade_no", Some(&self.out_trade_no));
        if let Some(time) = self.time_expire {
            parameters.put("time_expire", &Node::Integer(time.0));
        }
        parameters.text("attach", self.attach.as_deref());
        parameters.text("notify_url", Some(&self.notify_url));
        parameters.text("goods_tag", self.goods_tag.as_deref());
        parameters.flag("support_fapiao", self.support_fapiao);
        parameters.flag("profit_sharing", self.profit_sharing);
        parameters.money(self.amount);
        parameters.text("openid", self.openid.as_deref());
        if let Some(identity) = &self.identity {
            let parts = [identity.kind.wire(), identity.number.expose(), identity.name.expose()];
            parameters.put("identity", &Node::List(parts.map(|p| Node::Text(p.to_owned())).into()));
        }
        parameters.text("extra", self.extra.as_deref());
        parameters.bytes()
    }
}

/// The payer of a JSAPI order, by whichever application.
#[derive(Default)]
struct Openid {
    own: Option<String>,
    sub: Option<String>,
}

fn openid(
    product: Product,
    mode: Mode,
    party: &party::Party,
    fields: &Fields<'_>,
) -> Result<Openid, ApiError> {
    if product != Product::Jsapi {
        return Ok(Openid::default());
    }
    let payer = fields.need_object("payer")?;
    if mode == Mode::Merchant {
        return Ok(Openid { own: Some(payer.need_text("openid", 1..=128)?.to_owned()), sub: None });
    }
    let own = owned(payer.text("sp_openid", 1..=128)?);
    let sub = owned(payer.text("sub_openid", 1..=128)?);
    match (&own, &sub) {
        (None, None) => Err(payer.missing("sp_openid")),
        (Some(_), Some(_)) => {
            let issue = Text::fixed("与 sp_openid 只能传其一", "can't be given beside sp_openid");
            Err(payer.fault("sub_openid", issue))
        }
        (None, Some(_)) if party.sub.as_ref().is_none_or(|sub| sub.appid.is_none()) => {
            Err(fields.missing("sub_appid"))
        }
        _ => Ok(Openid { own, sub }),
    }
}

fn identity(fields: &Fields<'_>) -> Result<Option<Identity>, ApiError> {
    let Some(payer) = fields.object("payer")? else { return Ok(None) };
    let Some(identity) = payer.hidden().object("identity")? else { return Ok(None) };
    let sealed = |name| identity.need_text(name, 1..=CIPHERTEXT_MAX).map(|text| Secret::new(text.to_owned()));
    let unknown = || issue::one_of(IdentityKind::WORDS);
    Ok(Some(Identity {
        kind: identity.need_parsed("type", 1..=32, IdentityKind::parse, unknown)?,
        number: sealed("number")?,
        name: sealed("name")?,
    }))
}

pub(super) fn scene_info(product: Product, fields: &Fields<'_>) -> Result<Option<Node>, ApiError> {
    let (scene, shape) = match product {
        Product::H5 => (Some(fields.need_object("scene_info")?), shape::H5_SCENE),
        _ => (fields.object("scene_info")?, shape::SCENE),
    };
    scene.map(|scene| shape::take(&scene, shape).map(Node::Object)).transpose()
}

/// What a prepay answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum PrepayAnswer {
    /// JSAPI and APP; at most 64 characters, valid 2 hours.
    #[serde(rename = "prepay_id")]
    PrepayId(String),
    /// H5; at most 512 characters, valid 5 minutes.
    #[serde(rename = "h5_url")]
    H5Url(String),
    /// Native; at most 512 characters, valid 2 hours.
    #[serde(rename = "code_url")]
    CodeUrl(String),
}

impl PrepayAnswer {
    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        crate::body(self)
    }
}
