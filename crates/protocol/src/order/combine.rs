//! Combined orders (合单): placed and closed, with the limits of wire §3.9 and, where that says nothing, §3.2.

use super::{LIMIT_PAY, Parameters, Product, Sub, extra, notify_url, owned, party, prepay, shape, time};
use crate::error::ApiError;
use crate::field::{self, OUT_TRADE_NO};
use crate::issue;
use crate::json::{Body, Fields, Members, Node};
use crate::language::Text;
use types::{AppId, Currency, MerchantId, Money, Secret, Time};

/// A request to place several orders that are paid as one, checked against wire §3.9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combine {
    /// Which endpoint it came to; never [`Product::CodePay`].
    pub product: Product,
    /// `combine_appid`, to be compared with those bound to who signs.
    pub appid: AppId,
    /// `combine_mchid`, to be compared with the signer.
    pub mchid: MerchantId,
    /// `combine_out_trade_no`; 6 to 32 of digits, letters, `_ - | *`.
    pub out_trade_no: String,
    /// The orders.
    pub orders: Vec<SubOrder>,
    /// The payer, for JSAPI only.
    pub payer: Option<CombinePayer>,
    /// Whether `combine_payer_info.identity` is there.
    pub identity: bool,
    /// When the merchant's own order began.
    pub time_start: Option<Time>,
    /// Payment deadline as asked for.
    pub time_expire: Option<Time>,
    /// Absolute URL, at most 255 characters.
    pub notify_url: String,
    /// Ways of paying to be left out.
    pub limit_pay: Vec<String>,
    /// `scene_info.device_id`.
    pub device_id: Option<String>,
    /// `scene_info`, `limit_pay` and `time_start` as canonical JSON, kept for the record.
    pub extra: Option<String>,
}

/// The payer of a JSAPI order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CombinePayer {
    /// As `combine_appid` knows them.
    Own(String),
    /// As the `sub_appid` of an order knows them.
    Sub(AppId, String),
}

/// One of the orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubOrder {
    /// The merchant, or the partner in whose name the number is.
    pub mchid: MerchantId,
    /// The sub-merchant whose money it is, when there is one.
    pub sub: Option<Sub>,
    /// The number of the order; 6 to 32 of digits, letters, `_ - | *`.
    pub out_trade_no: String,
    /// What the payer sees in the bill; 1 to 127 characters.
    pub description: String,
    /// Given back once paid; 1 to 128 characters.
    pub attach: String,
    /// At least 1 fen, CNY.
    pub amount: Money,
    /// Matches promotions; at most 32 characters.
    pub goods_tag: Option<String>,
    /// Keep the money for sharing; false when left out.
    pub profit_sharing: bool,
    /// A subsidy of the platform; 0 when left out.
    pub subsidy_amount: i64,
    /// `detail` and `goods_tag` as canonical JSON, kept for the record.
    pub extra: Option<String>,
}

const NOT_LATER: Text = Text::fixed("晚于 time_start 的时间", "a time after time_start");
const ONE_PAYER: Text = Text::fixed("与 openid 只能传其一", "can't be given beside openid");

impl Combine {
    /// Reads a request for `product`, one of [`Product::PREPAY`], with 2 to `most` orders.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(product: Product, most: usize, bytes: &[u8]) -> Result<Self, ApiError> {
        let body = Body::parse(bytes)?;
        let fields = body.fields();
        let orders = fields.objects("sub_orders", 2..=most)?.ok_or_else(|| fields.missing("sub_orders"))?;
        let orders: Vec<SubOrder> = orders.iter().map(SubOrder::read).collect::<Result<_, _>>()?;
        let (time_start, time_expire) = (time("time_start", &fields)?, time("time_expire", &fields)?);
        if time_start.zip(time_expire).is_some_and(|(start, end)| end <= start) {
            return Err(fields.fault("time_expire", field::form(NOT_LATER)));
        }
        let limit_pay = fields.words("limit_pay", 0..=LIMIT_PAY.len(), &LIMIT_PAY)?.unwrap_or_default();
        let payer = fields.object("combine_payer_info")?;
        let identity = match &payer {
            Some(payer) => payer.object("identity")?.is_some(),
            None => false,
        };
        let mut kept = Members::new();
        let mut device_id = None;
        if let Some(scene) = prepay::scene_info(product, &fields)? {
            if let Node::Object(members) = &scene
                && let Some(Node::Text(device)) = members.get("device_id")
            {
                device_id = Some(device.clone());
            }
            kept.insert("scene_info".into(), scene);
        }
        if !limit_pay.is_empty() {
            let words = limit_pay.iter().map(|word| Node::Text((*word).into())).collect();
            kept.insert("limit_pay".into(), Node::List(words));
        }
        if let Some(start) = time_start {
            kept.insert("time_start".into(), Node::Text(start.rfc3339()));
        }
        Ok(Self {
            product,
            appid: party::appid("combine_appid", &fields)?,
            mchid: party::number("combine_mchid", &fields)?,
            out_trade_no: number("combine_out_trade_no", &fields)?,
            payer: if product == Product::Jsapi { Some(CombinePayer::read(&fields, &orders)?) } else { None },
            orders,
            identity,
            time_start,
            time_expire,
            notify_url: notify_url(&fields)?,
            limit_pay: limit_pay.into_iter().map(str::to_owned).collect(),
            device_id,
            extra: extra(kept),
        })
    }

    /// All parameters as canonical bytes, as [`super::Prepay::canonical`].
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = self.heading();
        if let Some(time) = self.time_expire {
            parameters.put("time_expire", &Node::Integer(time.0));
        }
        parameters.text("notify_url", Some(&self.notify_url));
        match &self.payer {
            None => {}
            Some(CombinePayer::Own(openid)) => parameters.text("openid", Some(openid)),
            Some(CombinePayer::Sub(app, openid)) => {
                parameters.text("sub_appid", Some(&app.to_string()));
                parameters.text("sub_openid", Some(openid));
            }
        }
        parameters.text("extra", self.extra.as_deref());
        let orders = self.orders.iter().map(|order| {
            let mut parameters = Parameters::default();
            order.put(&mut parameters);
            parameters
        });
        parameters.objects("sub_orders", orders);
        parameters.bytes()
    }

    /// The parameters of one of its orders as canonical bytes, with whose combined order of which number it is for.
    #[must_use]
    pub fn canonical_order(&self, order: &SubOrder) -> Secret<Vec<u8>> {
        let mut parameters = self.heading();
        let mut own = Parameters::default();
        order.put(&mut own);
        parameters.object("sub_order", own);
        parameters.bytes()
    }

    fn heading(&self) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.text("combine", Some(self.product.path()));
        parameters.text("combine_appid", Some(&self.appid.to_string()));
        parameters.text("combine_mchid", Some(&self.mchid.to_string()));
        parameters.text("combine_out_trade_no", Some(&self.out_trade_no));
        parameters
    }
}

impl CombinePayer {
    fn read(fields: &Fields<'_>, orders: &[SubOrder]) -> Result<Self, ApiError> {
        let payer = fields.need_object("combine_payer_info")?;
        let own = owned(payer.text("openid", 1..=128)?);
        let sub = owned(payer.text("sub_openid", 1..=128)?);
        match (own, sub) {
            (Some(_), Some(_)) => Err(payer.fault("sub_openid", ONE_PAYER)),
            (Some(own), None) => Ok(Self::Own(own)),
            (None, None) => Err(payer.missing("openid")),
            (None, Some(openid)) => {
                let app = orders.iter().find_map(|order| order.sub.as_ref().and_then(|sub| sub.appid));
                let missing =
                    || fields.fault("sub_orders", issue::form("含 sub_appid 的子单", "one with a sub_appid"));
                app.map(|app| Self::Sub(app, openid)).ok_or_else(missing)
            }
        }
    }
}

impl SubOrder {
    fn read(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let amount = fields.need_object("amount")?;
        let cny = |text: &str| (text == "CNY").then_some(Currency::CNY);
        let settle = fields.object("settle_info")?;
        let goods_tag = owned(fields.text("goods_tag", 1..=32)?);
        let mut kept = Members::new();
        if let Some(detail) = fields.object("detail")? {
            kept.insert("detail".into(), Node::Object(shape::take(&detail, shape::DETAIL)?));
        }
        if let Some(tag) = &goods_tag {
            kept.insert("goods_tag".into(), Node::Text(tag.clone()));
        }
        Ok(Self {
            mchid: party::number("mchid", fields)?,
            sub: sub(fields)?,
            out_trade_no: number("out_trade_no", fields)?,
            description: fields.need_text("description", 1..=127)?.to_owned(),
            attach: fields.need_text("attach", 1..=128)?.to_owned(),
            amount: Money::new(
                amount.need_integer("total_amount", 1..=i64::MAX)?,
                amount.need_parsed("currency", 1..=16, cny, || issue::one_of(&["CNY"]))?,
            ),
            goods_tag,
            profit_sharing: match &settle {
                Some(settle) => settle.boolean("profit_sharing")?.unwrap_or(false),
                None => false,
            },
            subsidy_amount: match &settle {
                Some(settle) => settle.integer("subsidy_amount", 0..=i64::MAX)?.unwrap_or(0),
                None => 0,
            },
            extra: extra(kept),
        })
    }

    fn put(&self, parameters: &mut Parameters) {
        parameters.text("mchid", Some(&self.mchid.to_string()));
        party::canonical(self.sub.as_ref(), parameters);
        parameters.text("out_trade_no", Some(&self.out_trade_no));
        parameters.text("description", Some(&self.description));
        parameters.text("attach", Some(&self.attach));
        parameters.money(self.amount);
        parameters.flag("profit_sharing", self.profit_sharing);
        if self.subsidy_amount > 0 {
            parameters.put("subsidy_amount", &Node::Integer(self.subsidy_amount));
        }
        parameters.text("extra", self.extra.as_deref());
    }
}

/// The body of a close; the combined number is in the path. The answer is 204 without body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombineClose {
    /// `combine_appid`.
    pub appid: AppId,
    /// `mchid` and `out_trade_no` of each order.
    pub orders: Vec<(MerchantId, String)>,
}

impl CombineClose {
    /// Reads the body; 2 to `most` orders.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(most: usize, bytes: &[u8]) -> Result<Self, ApiError> {
        let body = Body::parse(bytes)?;
        let fields = body.fields();
        let orders = fields.objects("sub_orders", 2..=most)?.ok_or_else(|| fields.missing("sub_orders"))?;
        let order = |fields: &Fields<'_>| {
            sub(fields)?;
            Ok((party::number("mchid", fields)?, number("out_trade_no", fields)?))
        };
        Ok(Self {
            appid: party::appid("combine_appid", &fields)?,
            orders: orders.iter().map(order).collect::<Result<_, ApiError>>()?,
        })
    }
}

/// `sub_mchid` with its `sub_appid`.
fn sub(fields: &Fields<'_>) -> Result<Option<Sub>, ApiError> {
    let appid = party::optional_appid("sub_appid", fields)?;
    match fields.text("sub_mchid", 1..=32)? {
        Some(_) => Ok(Some(Sub { mchid: party::number("sub_mchid", fields)?, appid, openid: None })),
        None if appid.is_some() => Err(fields.missing("sub_mchid")),
        None => Ok(None),
    }
}

fn number(name: &'static str, fields: &Fields<'_>) -> Result<String, ApiError> {
    let read = |text: &str| field::is_out_trade_no(text).then(|| text.to_owned());
    fields.need_parsed(name, 6..=32, read, || field::form(OUT_TRADE_NO))
}
