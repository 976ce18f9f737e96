//! Identity: the account class, what each class allows, and what is used of it (rules §1.1, §1.3).

use crate::{
    app::App,
    form::Posted,
    page::{self, Page, Tab},
    problem::{Fail, Problem},
    settings,
    text::names,
    visit::SignedIn,
};
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    Command,
    limit::{LimitTable, Usage},
    payer::AccountClass,
};
use types::Money;

/// An account class as the table shows it.
struct ClassRow {
    name: &'static str,
    mine: bool,
    needs: &'static str,
    cap: Money,
    /// `cap-lifetime` or `cap-year`.
    cap_kind: &'static str,
}

/// A limit and what is used of it.
struct Meter {
    label: &'static str,
    used: Money,
    left: Money,
    most: Money,
}

impl Meter {
    fn new(label: &'static str, used: i64, most: i64) -> Self {
        let left = Money::cny((most - used).max(0));
        Self { label, used: Money::cny(used), left, most: Money::cny(most) }
    }
}

/// An identity channel.
struct Channel {
    form_name: &'static str,
    label: &'static str,
    passed: bool,
}

#[derive(Template)]
#[template(path = "identity.html")]
struct IdentityPage {
    p: Page,
    class: &'static str,
    passed: u32,
    classes: [ClassRow; 3],
    meters: Vec<Meter>,
    free_count: u32,
    free_used: u32,
    channels: Vec<Channel>,
}

/// Shows class, limits and channels.
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
) -> Result<Response, Fail> {
    let payer = &member.payer;
    let limits = settings::limits_at(app.queries().limits()?, visit.now);
    let usage = app.queries().usage(payer.id.0)?.unwrap_or(Usage::none(payer.id.0));
    let used = usage.on(visit.now.business_day());
    let channel = |(channel, form_name, label): (_, &'static str, &'static str)| Channel {
        form_name,
        label,
        passed: payer.channels & (1 << channel as u8) != 0,
    };
    page::show(&IdentityPage {
        p: Page::new(&app, &visit, Tab::Me),
        class: names::class(payer.class()),
        passed: payer.channels.count_ones(),
        classes: classes(payer.class(), &limits),
        meters: meters(payer.class(), &limits, &used),
        free_count: limits.free_count,
        free_used: used.day_free_count,
        channels: names::CHANNELS.into_iter().map(channel).collect(),
    })
}

fn classes(mine: AccountClass, limits: &LimitTable) -> [ClassRow; 3] {
    let row = |class, needs, cap, cap_kind| ClassRow {
        name: names::class(class),
        mine: class == mine,
        needs,
        cap: Money::cny(cap),
        cap_kind,
    };
    [
        row(AccountClass::One, "class-one-needs", limits.class_1_lifetime, "cap-lifetime"),
        row(AccountClass::Two, "class-two-needs", limits.class_2_year, "cap-year"),
        row(AccountClass::Three, "class-three-needs", limits.class_3_year, "cap-year"),
    ]
}

fn meters(class: AccountClass, limits: &LimitTable, used: &Usage) -> Vec<Meter> {
    let of_class = match class {
        AccountClass::One => Meter::new("meter-lifetime", used.lifetime_total, limits.class_1_lifetime),
        AccountClass::Two => Meter::new("meter-year", used.year_total, limits.class_2_year),
        AccountClass::Three => Meter::new("meter-year", used.year_total, limits.class_3_year),
    };
    vec![
        of_class,
        Meter::new("meter-day", used.day_two_factors, limits.balance_day_two_factors),
        Meter::new("meter-barcode", used.day_barcode_b, limits.barcode_b_day),
        Meter::new("meter-free", used.day_one_factor, limits.balance_day_one_factor),
    ]
}

/// Passes an identity channel, as a sandbox simulates it. Outside a sandbox there is no such page.
pub(crate) async fn confirm(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    if !app.service().settings.sandbox {
        return Err(Problem::not_found().into());
    }
    let wanted = posted.text("channel");
    let channel = names::CHANNELS.into_iter().find(|(_, name, _)| *name == wanted);
    let (channel, ..) = channel.ok_or_else(Problem::malformed)?;
    app.run(&visit, Command::ConfirmIdentity(member.payer.id, channel)).await?;
    Ok(page::see_other("/wallet/identity"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::payer::class_of;

    #[test]
    fn what_the_page_says_of_classes_is_what_the_rules_decide() {
        assert_eq!(class_of(0b1), AccountClass::One);
        assert_eq!(class_of(0b111), AccountClass::Two);
        assert_eq!(class_of(0b1_1111), AccountClass::Three);
        let law = LimitTable::of_law();
        let rows = classes(AccountClass::Two, &law);
        assert_eq!(
            rows.map(|row| (row.mine, row.cap.minor)),
            [(false, 1_000_00), (true, 100_000_00), (false, 200_000_00)]
        );
        let used = Usage { year_total: 99_000_00, day_two_factors: 6_000_00, ..Usage::none(1) };
        let meters = meters(AccountClass::Two, &law, &used);
        assert_eq!(
            meters.iter().map(|m| m.left.minor).collect::<Vec<_>>(),
            [1_000_00, 0, 5_000_00, 1_000_00]
        );
    }
}
