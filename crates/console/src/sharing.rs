//! Profit sharing on an order's page: what is left, who got what, what came back.

use crate::{app::App, list::Cell, page::Page, problem::Fail, record::Section};
use domain::{
    order::Order,
    sharing::{Outcome, Party, ReturnState, Share, ShareReturn, Sharing},
};
use types::Money;

/// Returns shown on an order's page; older ones are found by the bills.
const RETURNS_MAX: usize = 200;

/// What an order's page shows of its sharing.
pub(crate) struct Shared {
    sharing: Sharing,
    shares: Vec<Share>,
    returns: Vec<ShareReturn>,
}

/// What there is of an order's sharing; none for an order that is not shared.
pub(crate) async fn of(app: &App, order: &Order) -> Result<Option<Shared>, Fail> {
    if !order.terms.sharing || order.paid_at.is_none() {
        return Ok(None);
    }
    let id = order.id;
    let read = move |queries: &dyn engine::Queries| {
        let Some(sharing) = queries.sharing(id)? else { return Ok(None) };
        let shares = queries.shares_of(&sharing)?;
        let returns = queries.share_returns_of(&sharing, RETURNS_MAX)?;
        Ok(Some(Shared { sharing, shares, returns }))
    };
    Ok(app.read(read).await?)
}

impl Shared {
    /// What is left, and until when it stays aside.
    pub(crate) fn facts(&self, p: &Page) -> Vec<(&'static str, Cell)> {
        let mut facts = vec![("fact-unsplit", Cell::money(p, Money::cny(self.sharing.unsplit)))];
        match (self.sharing.ended_at, self.sharing.due_at) {
            (Some(at), _) => facts.push(("fact-unfrozen", Cell::time(p, at))),
            (None, Some(at)) => facts.push(("fact-aside-until", Cell::time(p, at))),
            (None, None) => {}
        }
        facts
    }

    /// A row for each part of each request, the newest request first; then the returns.
    pub(crate) fn sections(&self, p: &Page) -> Vec<Section> {
        let mut sections = Vec::new();
        if !self.shares.is_empty() {
            let columns = ["col-time", "col-share", "col-receiver", "col-amount", "col-state"];
            let mut section = Section::new(p, "shares", &columns);
            for share in &self.shares {
                for part in &share.parts {
                    let own = part.party == Party::Merchant(share.merchant);
                    let receiver = match part.party {
                        _ if own => Cell::text(&p.t("share-unfrozen")),
                        Party::Merchant(id) => Cell::code(&id.to_string()),
                        Party::Payer(id) => Cell::code(&format!("payer {id}")),
                    };
                    let state = match part.outcome {
                        Outcome::Pending => "pending",
                        Outcome::Succeeded(_) => "succeeded",
                        Outcome::Closed(_) => "closed",
                    };
                    section.rows.push(vec![
                        Cell::time(p, part.ended_at.unwrap_or(share.created_at)),
                        Cell::code(&share.number),
                        receiver,
                        Cell::money(p, Money::cny(part.amount)),
                        Cell::state(p, "state", state),
                    ]);
                }
            }
            sections.push(section);
        }
        if !self.returns.is_empty() {
            let columns = ["col-time", "col-return", "col-returner", "col-amount", "col-state"];
            let mut section = Section::new(p, "share-returns", &columns);
            for one in &self.returns {
                let state = match one.state {
                    ReturnState::Processing => "pending",
                    ReturnState::Succeeded(_) => "succeeded",
                    ReturnState::Failed(_) => "failed",
                };
                section.rows.push(vec![
                    Cell::time(p, one.ended_at.unwrap_or(one.created_at)),
                    Cell::code(&one.number),
                    Cell::code(&one.from.to_string()),
                    Cell::money(p, Money::cny(one.amount)),
                    Cell::state(p, "state", state),
                ]);
            }
            sections.push(section);
        }
        sections
    }
}
