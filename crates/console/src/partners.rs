//! Partners and sub-merchants as pages show them.

use crate::{app::App, list::Cell, page::Page, problem::Fail, record::Section, visit::SignedIn};
use domain::{
    merchant::Merchant,
    order::Order,
    partner::{Partnership, Permission},
};
use types::MerchantId;

/// Sub-merchants shown on a merchant's page.
const SHOWN: usize = 100;

/// Whether a merchant is or was a partner.
pub(crate) fn is_partner(app: &App, merchant: Option<MerchantId>) -> Result<bool, Fail> {
    let Some(merchant) = merchant else { return Ok(false) };
    Ok(!app.queries().sub_merchants(merchant, None, 1)?.is_empty())
}

/// The merchant as whose an order or refund is looked at: the partner that made it, for the partner's own people, else
/// whose money it is.
pub(crate) fn seen_as(signed_in: &SignedIn, signer: MerchantId, owner: MerchantId) -> MerchantId {
    if signed_in.staff().merchant == Some(signer) { signer } else { owner }
}

/// As [`seen_as`], of an order.
pub(crate) fn order_seen_as(signed_in: &SignedIn, order: &Order) -> MerchantId {
    seen_as(signed_in, order.terms.signer(), order.terms.merchant)
}

/// Whose sub-merchant a merchant is, and who its own sub-merchants are.
pub(crate) fn sections(app: &App, p: &Page, merchant: &Merchant) -> Result<Vec<Section>, Fail> {
    let mut sections = Vec::new();
    let columns = ["col-name", "col-permissions", "fact-from", "field-until"];
    if let Some(known) = &merchant.partnership {
        let name = app.queries().merchant(known.partner)?.map(|partner| partner.name).unwrap_or_default();
        let mut section =
            Section::new(p, "partner", &["col-merchant", columns[0], columns[1], columns[2], columns[3]]);
        section.rows.push(row(p, known.partner, &name, known));
        sections.push(section);
    }
    let subs = app.queries().sub_merchants(merchant.id, None, SHOWN)?;
    if !subs.is_empty() {
        let mut section = Section::new(
            p,
            "sub-merchants",
            &["col-merchant", columns[0], columns[1], columns[2], columns[3]],
        );
        for sub in &subs {
            if let Some(known) = &sub.partnership {
                section.rows.push(row(p, sub.id, &sub.name, known));
            }
        }
        sections.push(section);
    }
    Ok(sections)
}

fn row(p: &Page, id: MerchantId, name: &str, known: &Partnership) -> Vec<Cell> {
    let may: Vec<_> = known
        .permissions
        .iter()
        .map(|one| p.word("partner-may", Permission::name(one)).into_owned())
        .collect();
    vec![
        Cell::link(&id.to_string(), &crate::merchant::path(id)),
        Cell::text(name),
        Cell::text(&may.join(" · ")),
        Cell::time(p, known.since),
        known.ended_at.map_or_else(Cell::none, |at| Cell::time(p, at)),
    ]
}
