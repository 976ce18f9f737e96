//! What an address says: filters, cursors, and whose.

use crate::problem::{Fail, Problem};
use axum::{extract::FromRequestParts, http::request::Parts};
use domain::staff::{Permission, Staff};
use types::{BusinessDay, Currency, MerchantId, Money, Time, first_id_at};
use web::{Pairs, link};

/// The pairs of an address. Empty values are absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Pairs);

impl Query {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fail> {
        Pairs::parse(bytes).map(Self).ok_or_else(|| Problem::malformed().into())
    }
    /// A value; none when absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).filter(|value| !value.is_empty())
    }
    /// A value without the spaces around it.
    pub(crate) fn trimmed(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }
    /// An id; what is none is absent.
    pub(crate) fn id(&self, name: &str) -> Option<i64> {
        self.trimmed(name)?.parse().ok().filter(|id| *id >= 0)
    }
    /// An amount in yuan.
    pub(crate) fn amount(&self, name: &str) -> Option<Money> {
        Money::parse(&self.trimmed(name)?.replace(',', ""), Currency::CNY).ok()
    }
    /// A business day.
    pub(crate) fn day(&self, name: &str) -> Option<BusinessDay> {
        BusinessDay::parse(self.trimmed(name)?)
    }
    /// The ids of the days `from` to `to`, both whole: the first, and the first after.
    pub(crate) fn ids(&self) -> (i64, i64) {
        let from = self.day("from").map_or(0, |day| first_id_at(day.start()));
        let to = self.day("to").map_or(i64::MAX, |day| first_id_at(day.next().start()));
        (from, to)
    }
    /// The same with another place to go on from.
    pub(crate) fn going_on(&self, before: i64) -> Self {
        let before = before.to_string();
        let kept = self.0.iter().filter(|(name, _)| *name != "before");
        Self(Pairs::of(kept.chain([("before", before.as_str())])))
    }
    /// This address with one value set anew, or taken out.
    pub(crate) fn with(&self, path: &str, name: &str, value: Option<&str>) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .0
            .iter()
            .filter(|(known, value)| *known != name && !value.is_empty() && *known != "lang")
            .collect();
        pairs.extend(value.map(|value| (name, value)));
        link::to(path, &pairs)
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fail> {
        Self::parse(parts.uri.query().unwrap_or_default().as_bytes())
    }
}

/// Whose things a person looks at: the own merchant's; for the platform's people the one that the address names, or
/// everybody's when none.
///
/// # Errors
/// A page that says no.
pub(crate) fn scope(staff: &Staff, what: Permission, query: &Query) -> Result<Option<MerchantId>, Fail> {
    let named =
        query.trimmed("merchant").map(|text| text.parse::<MerchantId>().map_err(|_| Problem::malformed()));
    let named = named.transpose()?;
    let merchant = staff.merchant.or(named);
    if staff.may(what, merchant) { Ok(merchant) } else { Err(Problem::forbidden().into()) }
}

/// The days that the presets stand for, as `from` and `to`.
pub(crate) fn presets(now: Time) -> [(&'static str, BusinessDay, BusinessDay); 4] {
    let today = now.business_day();
    [
        ("preset-today", today, today),
        ("preset-yesterday", today.previous(), today.previous()),
        ("preset-week", today.plus(-6), today),
        ("preset-month", today.plus(-29), today),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_filters_when_one_changes() {
        let query = Query::parse("state=paid&before=7&number=飞 1&least=&lang=en".as_bytes()).ok().unwrap();
        assert_eq!(query.with("/a", "before", Some("5")), "/a?state=paid&number=%E9%A3%9E+1&before=5");
        assert_eq!(query.with("/a", "before", None), "/a?state=paid&number=%E9%A3%9E+1");
        assert_eq!((query.get("least"), query.id("before"), query.id("state")), (None, Some(7), None));
        assert!(Query::parse("a=1&".repeat(65).as_bytes()).is_err());
    }

    #[test]
    fn days_are_whole() {
        let query = Query::parse(b"from=2026-11-20&to=2026-11-20").ok().unwrap();
        let (from, to) = query.ids();
        let day = BusinessDay::parse("2026-11-20").unwrap();
        assert_eq!((types::id_time(from), types::id_time(to)), (day.start(), day.next().start()));
        assert_eq!(Query::default().ids(), (0, i64::MAX));
    }
}
