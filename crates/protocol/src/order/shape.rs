//! The nested objects of an order that are checked and kept, but steer nothing: as tables of members.
//!
//! Lengths inside `detail`, `scene_info` and `h5_info` are those of wire §3.2.

use crate::error::ApiError;
use crate::issue;
use crate::json::{Fields, Members, Node};
use std::net::IpAddr;

/// One member of an object: its name, whether it is required, and what it holds.
pub(crate) struct Member(&'static str, Need, Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}
use Need::{Optional, Required};

enum Kind {
    /// Text of 1 to so many characters.
    Text(usize),
    /// An integer of at least so much.
    Integer(i64),
    /// An IPv4 or IPv6 address of at most 45 characters.
    Address,
    /// One of these words in any case, kept as written here.
    Word(&'static [&'static str]),
    Object(&'static [Member]),
    /// One to so many objects.
    List(usize, &'static [Member]),
}

/// Goods lines of one order at most (wire §3.2).
pub(crate) const GOODS_MAX: usize = 6000;

/// `detail` of a prepay.
pub(super) const DETAIL: &[Member] = &[
    Member("cost_price", Optional, Kind::Integer(0)),
    Member("invoice_id", Optional, Kind::Text(32)),
    Member("goods_detail", Optional, Kind::List(GOODS_MAX, GOODS)),
];

const GOODS: &[Member] = &[
    Member("merchant_goods_id", Required, Kind::Text(32)),
    Member("wechatpay_goods_id", Optional, Kind::Text(32)),
    Member("goods_name", Optional, Kind::Text(256)),
    Member("quantity", Required, Kind::Integer(1)),
    Member("unit_price", Required, Kind::Integer(0)),
];

/// `detail` of a codepay: goods are required and one name differs (wire §3.8).
pub(super) const CODEPAY_DETAIL: &[Member] = &[
    Member("cost_price", Optional, Kind::Integer(0)),
    Member("invoice_id", Optional, Kind::Text(32)),
    Member("goods_detail", Required, Kind::List(GOODS_MAX, CODEPAY_GOODS)),
];

const CODEPAY_GOODS: &[Member] = &[
    Member("merchant_goods_id", Required, Kind::Text(32)),
    Member("wxpay_goods_id", Optional, Kind::Text(32)),
    Member("goods_name", Optional, Kind::Text(256)),
    Member("quantity", Required, Kind::Integer(1)),
    Member("unit_price", Required, Kind::Integer(0)),
];

/// One line of `goods_detail` of a refund (wire §4).
pub(crate) const REFUND_GOODS: &[Member] = &[
    Member("merchant_goods_id", Required, Kind::Text(32)),
    Member("wechatpay_goods_id", Optional, Kind::Text(32)),
    Member("goods_name", Optional, Kind::Text(256)),
    Member("unit_price", Required, Kind::Integer(0)),
    Member("refund_amount", Required, Kind::Integer(0)),
    Member("refund_quantity", Required, Kind::Integer(1)),
];

/// `scene_info` of a prepay other than H5.
pub(super) const SCENE: &[Member] = &[
    Member("payer_client_ip", Required, Kind::Address),
    Member("device_id", Optional, Kind::Text(32)),
    Member("store_info", Optional, Kind::Object(STORE)),
    Member("h5_info", Optional, Kind::Object(H5)),
];

/// `scene_info` of an H5 prepay: `h5_info` is required.
pub(super) const H5_SCENE: &[Member] = &[
    Member("payer_client_ip", Required, Kind::Address),
    Member("device_id", Optional, Kind::Text(32)),
    Member("store_info", Optional, Kind::Object(STORE)),
    Member("h5_info", Required, Kind::Object(H5)),
];

const STORE: &[Member] = &[
    Member("id", Required, Kind::Text(32)),
    Member("name", Optional, Kind::Text(256)),
    Member("area_code", Optional, Kind::Text(32)),
    Member("address", Optional, Kind::Text(512)),
];

const H5: &[Member] = &[
    Member("type", Required, Kind::Word(&["iOS", "Android", "Wap"])),
    Member("app_name", Optional, Kind::Text(64)),
    Member("app_url", Optional, Kind::Text(128)),
    Member("bundle_id", Optional, Kind::Text(128)),
    Member("package_name", Optional, Kind::Text(128)),
];

/// `scene_info` of a codepay (wire §3.8).
pub(super) const CODEPAY_SCENE: &[Member] = &[
    Member("device_id", Optional, Kind::Text(32)),
    Member("device_ip", Optional, Kind::Address),
    Member("store_info", Required, Kind::Object(CODEPAY_STORE)),
];

const CODEPAY_STORE: &[Member] =
    &[Member("id", Optional, Kind::Text(32)), Member("out_id", Optional, Kind::Text(32))];

/// Checks the members that `shape` names and returns them; others are dropped.
///
/// # Errors
/// `PARAM_ERROR` with the pointer of the first member that is wrong.
pub(crate) fn take(fields: &Fields<'_>, shape: &[Member]) -> Result<Members, ApiError> {
    let mut members = Members::new();
    for member @ Member(name, need, _) in shape {
        match value(fields, member)? {
            Some(node) => drop(members.insert((*name).to_owned(), node)),
            None if *need == Required => return Err(fields.missing(name)),
            None => {}
        }
    }
    Ok(members)
}

fn value(fields: &Fields<'_>, Member(name, need, kind): &Member) -> Result<Option<Node>, ApiError> {
    let text = |length| match need {
        Required => fields.need_text(name, 1..=length).map(Some),
        Optional => fields.text(name, 1..=length),
    };
    Ok(match kind {
        Kind::Text(length) => text(*length)?.map(|t| Node::Text(t.to_owned())),
        Kind::Integer(min) => fields.integer(name, *min..=i64::MAX)?.map(Node::Integer),
        Kind::Address => match text(45)? {
            Some(t) if t.parse::<IpAddr>().is_ok() => Some(Node::Text(t.to_owned())),
            Some(_) => {
                return Err(fields.fault(name, issue::form("IPv4 或 IPv6 地址", "an IPv4 or IPv6 address")));
            }
            None => None,
        },
        Kind::Word(words) => match text(32)? {
            Some(t) => match words.iter().find(|word| word.eq_ignore_ascii_case(t)) {
                Some(word) => Some(Node::Text((*word).to_owned())),
                None => return Err(fields.fault(name, issue::one_of(words))),
            },
            None => None,
        },
        Kind::Object(shape) => match fields.object(name)? {
            Some(object) => Some(Node::Object(take(&object, shape)?)),
            None => None,
        },
        Kind::List(max, shape) => match fields.objects(name, 1..=*max)? {
            Some(list) => {
                let nodes = list.iter().map(|entry| take(entry, shape).map(Node::Object));
                Some(Node::List(nodes.collect::<Result<_, _>>()?))
            }
            None => None,
        },
    })
}
