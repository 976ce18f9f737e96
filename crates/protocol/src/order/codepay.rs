//! 付款码: the merchant scans the payer's code (wire §3.8).

use super::{Mode, Parameters, Sub, amount, extra, out_trade_no, owned, party, shape};
use crate::error::ApiError;
use crate::field::AuthCode;
use crate::issue;
use crate::json::{Body, Members, Node};
use types::{AppId, Masked, MerchantId, Money, Secret};

/// A codepay request, checked against wire §3.8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePay {
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
    /// Given back once paid; at most 128 characters.
    pub attach: Option<String>,
    /// Matches promotions; at most 32 characters.
    pub goods_tag: Option<String>,
    /// Show an invoice entry; false when left out.
    pub support_fapiao: bool,
    /// Keep the money for sharing; false when left out.
    pub profit_sharing: bool,
    /// At least 1 fen, CNY.
    pub amount: Money,
    /// The code that was scanned.
    pub auth_code: AuthCode,
    /// `scene_info.device_id`, which the transaction object repeats; at most 32 characters.
    pub device_id: Option<String>,
    /// `detail` and `scene_info` as canonical JSON, kept for the record.
    pub extra: Option<String>,
}

impl CodePay {
    /// Reads a codepay.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong; the code itself never appears in it.
    pub fn read(mode: Mode, bytes: &[u8]) -> Result<Self, ApiError> {
        let body = Body::parse(bytes)?;
        let fields = body.fields();
        let payer = fields.hidden().need_object("payer")?;
        let digits = || issue::form("18 位数字付款码", "a payment code of 18 digits");
        let settle = fields.object("settle_info")?;
        let scene = fields.need_object("scene_info")?;
        let party = mode.party(&fields)?;
        let mut kept = Members::new();
        let codepay = Self {
            appid: party.appid,
            mchid: party.mchid,
            sub: party.sub,
            description: fields.need_text("description", 1..=127)?.to_owned(),
            out_trade_no: out_trade_no(&fields)?,
            attach: owned(fields.text("attach", 1..=128)?),
            goods_tag: owned(fields.text("goods_tag", 1..=32)?),
            support_fapiao: fields.boolean("support_fapiao")?.unwrap_or(false),
            profit_sharing: match &settle {
                Some(settle) => settle.boolean("profit_sharing")?.unwrap_or(false),
                None => false,
            },
            amount: amount(&fields)?,
            auth_code: payer.need_parsed("auth_code", 1..=64, AuthCode::parse, digits)?,
            device_id: owned(scene.text("device_id", 1..=32)?),
            extra: None,
        };
        kept.insert("scene_info".into(), Node::Object(shape::take(&scene, shape::CODEPAY_SCENE)?));
        if let Some(detail) = fields.object("detail")? {
            kept.insert("detail".into(), Node::Object(shape::take(&detail, shape::CODEPAY_DETAIL)?));
        }
        Ok(Self { extra: extra(kept), ..codepay })
    }

    /// All parameters as canonical bytes, as [`super::Prepay::canonical`]. They hold the payment code: another
    /// code under the same number is another request.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("product", Some(super::Product::CodePay.path()));
        parameters.text("appid", Some(&self.appid.to_string()));
        parameters.text("mchid", Some(&self.mchid.to_string()));
        party::canonical(self.sub.as_ref(), &mut parameters);
        parameters.text("description", Some(&self.description));
        parameters.text("out_trade_no", Some(&self.out_trade_no));
        parameters.text("attach", self.attach.as_deref());
        parameters.text("goods_tag", self.goods_tag.as_deref());
        parameters.flag("support_fapiao", self.support_fapiao);
        parameters.flag("profit_sharing", self.profit_sharing);
        parameters.money(self.amount);
        parameters.text("auth_code", Some(self.auth_code.expose()));
        parameters.text("extra", self.extra.as_deref());
        parameters.bytes()
    }
}
