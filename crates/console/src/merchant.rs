//! A merchant's profile: settings, products, certificates, fees with a preview, settlement terms, limits, and the bank
//! account it is paid to.

use crate::{
    app::App,
    approval, balance,
    form::Posted,
    list::{Cell, Field},
    merchants::PATH,
    orders, page,
    page::Page,
    partners,
    problem::{Fail, Problem},
    query::Query,
    record::{Action, Record, Section},
    stepup,
    text::show::{escape, money},
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command,
    fee::{self, Fees, PLATFORM, Return, Rounding, Rule},
    limit::Limits,
    merchant::{Merchant, Product},
    settlement::{Payouts, Terms},
    staff::Permission,
};
use service::payout::ClearAccount;
use std::sync::Arc;
use types::{Currency, MerchantId, Money, Secret};

/// Characters of an account holder's name at most.
const HOLDER_MAX: usize = 70;

/// The page of a merchant.
pub(crate) fn path(merchant: MerchantId) -> String {
    format!("{PATH}/{merchant}")
}

fn find(app: &App, signed_in: &SignedIn, id: &str) -> Result<Merchant, Fail> {
    let id: MerchantId = id.parse().map_err(|_| Problem::not_found())?;
    signed_in.must(Permission::SeeMerchants, id)?;
    Ok(app.queries().merchant(id)?.ok_or_else(Problem::not_found)?)
}

/// `GET /console/merchants/{id}`; with `amount` and `product` the fee of such a payment now is worked out.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = find(&app, &signed_in, &id)?;
    record(&app, &signed_in, &merchant, &query).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, merchant: &Merchant, query: &Query) -> Result<Record, Fail> {
    let id = merchant.id;
    let p = Page::new(app, &signed_in.visit).at(&path(id)).of(Some(id));
    let state = Cell::state(&p, "state", if merchant.active { "active" } else { "inactive" });
    let mut record = Record::new(p, "merchant", id.to_string(), ("menu-merchants", PATH), state);
    let p = &record.p;
    let products: Vec<_> = Product::ALL
        .into_iter()
        .filter(|product| merchant.products.has(*product))
        .map(|product| p.word("product", orders::product_name(product)).into_owned())
        .collect();
    let apps: Vec<String> = merchant.apps.iter().map(ToString::to_string).collect();
    let key = if merchant.apiv3_key.is_some() { "yes" } else { "no" };
    let mode = if merchant.public_key_mode { "signs-public-key" } else { "signs-certificate" };
    let facts = vec![
        ("col-name", Cell::text(&merchant.name)),
        ("fact-created", Cell::time(p, merchant.created_at)),
        ("fact-products", Cell::text(&products.join(" · "))),
        ("fact-apps", Cell::code(&apps.join(" · "))),
        ("fact-apiv3-key", Cell::text(&p.t(key))),
        ("fact-signs", Cell::text(&p.t(mode))),
        ("fact-rate", Cell::text(&p.t1("per-second", "n", &merchant.rate_per_s.to_string()))),
        ("fact-refund-days", Cell::text(&p.t1("age-days", "days", &merchant.refund_days.to_string()))),
    ];
    let links = links(p, signed_in, id);
    let (mut sections, bank) = (Vec::new(), bank_account(app, signed_in, p, id)?);
    let own = app.read(move |queries| queries.fees(id)).await?;
    let platform = app.read(|queries| queries.fees(PLATFORM)).await?;
    sections.push(fees(p, own.as_ref(), platform.as_ref(), signed_in.visit.now));
    sections.push(terms(app, p, id)?);
    sections.extend(bank);
    sections.push(certificates(app, p, id)?);
    sections.extend(partners::sections(app, p, merchant)?);
    sections.push(limits(p, app.read(|queries| queries.limits()).await?, signed_in.visit.now));
    let preview = preview(p, id, query, (own.as_ref(), platform.as_ref()), signed_in.visit.now);
    let mut actions = vec![preview];
    if signed_in.may(Permission::SetBankAccount, id) {
        actions.push(bank_form(app, signed_in, p, id)?);
    }
    for (key, cell) in facts {
        record.fact(key, cell);
    }
    record.fact("fact-pages", links);
    record.sections = sections;
    record.actions = actions;
    record.with_timeline(app, merchant.journal).await
}

/// The lists of this merchant.
fn links(p: &Page, signed_in: &SignedIn, id: MerchantId) -> Cell {
    let pages = [
        ("menu-orders", orders::PATH, Permission::SeeOrders),
        ("menu-balance", balance::PATH, Permission::SeeMoney),
        ("menu-people", "/console/people", Permission::SeeStaff),
    ];
    let link = |(key, path, _): (&str, &str, Permission)| {
        let href = web::link::to(path, &[("merchant", &id.to_string())]);
        format!("<a href=\"{}\">{}</a>", escape(&href), escape(&p.t(key)))
    };
    let all = pages.into_iter().filter(|(_, _, what)| signed_in.may(*what, id));
    Cell { html: all.map(link).collect::<Vec<_>>().join(" · "), ..Cell::default() }
}

fn fees(p: &Page, own: Option<&Fees>, platform: Option<&Fees>, now: types::Time) -> Section {
    let mut section =
        Section::new(p, "fees", &["fact-from", "col-product", "col-rule", "col-whose", "col-state"]);
    for (fees, whose) in [(own, "whose-merchant"), (platform, "whose-platform")] {
        let Some(fees) = fees else { continue };
        for version in fees.versions.iter().rev() {
            let product = version.product.map_or_else(
                || Cell::text(&p.t("every-product")),
                |product| Cell::word(p, "product", orders::product_name(product)),
            );
            let rule = version
                .rule
                .as_ref()
                .map_or_else(|| p.t("rule-platform").into_owned(), |rule| words_of_rule(p, rule));
            let newest = fees
                .versions
                .iter()
                .rev()
                .find(|known| known.product == version.product && known.effective_from <= now);
            let state = if version.effective_from > now {
                "planned"
            } else if newest == Some(version) {
                "in_force"
            } else {
                "replaced"
            };
            section.rows.push(vec![
                if version.effective_from.0 <= 0 {
                    Cell::text(&p.t("from-beginning"))
                } else {
                    Cell::time(p, version.effective_from)
                },
                product,
                Cell::text(&rule),
                Cell::text(&p.t(whose)),
                Cell::state(p, "state", state),
            ]);
        }
    }
    if section.rows.is_empty() {
        let rule = words_of_rule(p, &Rule::plain(fee::DEFAULT_RATE));
        section.rows.push(vec![
            Cell::text(&p.t("from-beginning")),
            Cell::text(&p.t("every-product")),
            Cell::text(&rule),
            Cell::text(&p.t("whose-platform")),
            Cell::state(p, "state", "in_force"),
        ]);
    }
    section
}

/// A rule in the reader's language, part by part.
fn words_of_rule(p: &Page, rule: &Rule) -> String {
    let yuan = |fen: i64| money(Money::cny(fen));
    let rate = |rate: types::Rate, fixed: i64| match fixed {
        0 => rate.to_string(),
        fixed => format!("{rate} + {}", yuan(fixed)),
    };
    let mut parts = vec![rate(rule.rate, rule.fixed)];
    for tier in &rule.tiers {
        let words = [("from", yuan(tier.from)), ("rate", rate(tier.rate, tier.fixed))];
        parts.push(p.with("rule-tier", &words.each_ref().map(|(name, value)| (*name, value.as_str()))));
    }
    if rule.least > 0 {
        parts.push(p.t1("rule-least", "amount", &yuan(rule.least)).into_owned());
    }
    if let Some(most) = rule.most {
        parts.push(p.t1("rule-most", "amount", &yuan(most)).into_owned());
    }
    if let Some(promotion) = rule.promotion {
        let words = [
            ("from", promotion.from.local()),
            ("until", promotion.until.local()),
            ("rate", rate(promotion.rate, promotion.fixed)),
        ];
        parts.push(p.with("rule-promotion", &words.each_ref().map(|(name, value)| (*name, value.as_str()))));
    }
    let rounding = match rule.rounding {
        Rounding::HalfUp => "rounding-half-up",
        Rounding::Up => "rounding-up",
        Rounding::Down => "rounding-down",
    };
    let returns = match rule.returns {
        Return::ProRata => "returns-pro-rata",
        Return::None => "returns-none",
        Return::WhenFull => "returns-when-full",
    };
    parts.extend([rounding, returns].map(|key| p.t(key).into_owned()));
    parts.join(" · ")
}

/// What a payment would cost now: nothing is written, and the rule that decides a payment decides here.
fn preview(
    p: &Page,
    id: MerchantId,
    query: &Query,
    (own, platform): (Option<&Fees>, Option<&Fees>),
    now: types::Time,
) -> Action {
    let mut action = Action::new(p, "preview", "preview-fee", path(id));
    action.get = true;
    let text = query.trimmed("amount").unwrap_or_default();
    let product =
        Product::ALL.into_iter().find(|known| Some(orders::product_name(*known)) == query.get("product"));
    let mut choice =
        Field::new(p, "select", "product", "col-product", query.get("product").unwrap_or_default());
    choice.options =
        Product::ALL.map(orders::product_name).map(|name| (name.to_owned(), p.word("product", name))).into();
    action.fields = vec![
        Field::new(p, "text", "amount", "field-amount", text)
            .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
        choice,
    ];
    let amount =
        Money::parse(&text.replace([',', '¥'], ""), Currency::CNY).ok().filter(|amount| amount.is_positive());
    match (amount, product) {
        (Some(amount), Some(product)) if amount.minor <= domain::order::AMOUNT_MAX => {
            let (fee, rule) = fee::preview(own, platform, product, amount, now);
            let net = money(Money { minor: amount.minor - fee.minor, ..amount });
            let words = [
                ("amount", money(amount)),
                ("fee", money(fee)),
                ("net", net),
                ("rule", words_of_rule(p, &rule)),
            ];
            action.effect =
                Some(p.with("previewed", &words.each_ref().map(|(name, value)| (*name, value.as_str()))));
        }
        _ if text.is_empty() => action.effect = Some(p.t("effect-preview").into_owned()),
        _ => action.error = Some(p.t("error-amount").into_owned()),
    }
    action
}

fn terms(app: &App, p: &Page, id: MerchantId) -> Result<Section, Fail> {
    let own = app.queries().plan(id)?.and_then(|plan| plan.terms);
    let terms = match own {
        Some(terms) => terms,
        None => app.queries().plan(PLATFORM)?.and_then(|plan| plan.terms).unwrap_or(Terms::DEFAULT),
    };
    let mut section = Section::new(p, "terms", &["col-term", "col-value"]);
    let payouts = match terms.payouts {
        Payouts::OnRequest => "payouts-on-request",
        Payouts::Automatic => "payouts-automatic",
    };
    let whose = if own.is_some() { "whose-merchant" } else { "whose-platform" };
    for (key, value) in [
        ("term-delay", format!("T+{}", terms.delay)),
        ("term-reserve", terms.reserve.to_string()),
        ("term-reserve-days", p.t1("age-days", "days", &terms.reserve_days.to_string()).into_owned()),
        ("term-payouts", p.t(payouts).into_owned()),
        ("term-payout-least", money(Money::cny(terms.payout_least))),
        ("col-whose", p.t(whose).into_owned()),
    ] {
        section.rows.push(vec![Cell::text(&p.t(key)), Cell::text(&value)]);
    }
    Ok(section)
}

fn certificates(app: &App, p: &Page, id: MerchantId) -> Result<Section, Fail> {
    let mut section =
        Section::new(p, "certificates", &["col-serial", "fact-from", "field-until", "col-state"]);
    let now = p.now;
    for certificate in app.queries().certificates(id)? {
        let state = if certificate.revoked_at.is_some() {
            "revoked"
        } else if now >= certificate.not_after {
            "expired"
        } else {
            "active"
        };
        section.rows.push(vec![
            Cell::code(&certificate.serial),
            Cell::time(p, certificate.not_before),
            Cell::time(p, certificate.not_after),
            Cell::state(p, "state", state),
        ]);
    }
    Ok(section)
}

fn limits(p: &Page, limits: Option<Limits>, now: types::Time) -> Section {
    let table = limits.map_or(domain::limit::LimitTable::of_law(), |limits| limits.at(now));
    let mut section = Section::new(p, "limits", &["col-term", "col-value"]);
    for (key, fen) in [
        ("limit-balance-two", table.balance_day_two_factors),
        ("limit-balance-one", table.balance_day_one_factor),
        ("limit-barcode-b", table.barcode_b_day),
        ("limit-barcode-c", table.barcode_c_day),
        ("limit-barcode-d", table.barcode_d_day),
        ("limit-free", table.free_amount),
        ("limit-refund-automatic", table.refund.automatic),
        ("limit-payout-automatic", table.payout.automatic),
    ] {
        section.rows.push(vec![Cell::text(&p.t(key)), Cell::money(p, Money::cny(fen))]);
    }
    section
}

/// The account that payouts go to, masked; only for those who may see money or change it.
fn bank_account(app: &App, signed_in: &SignedIn, p: &Page, id: MerchantId) -> Result<Option<Section>, Fail> {
    if !signed_in.may(Permission::SeeMoney, id) && !signed_in.may(Permission::SetBankAccount, id) {
        return Ok(None);
    }
    let mut section =
        Section::new(p, "bank-account", &["col-bank-name", "col-bank-number", "col-account", "col-since"]);
    if let Some(known) = app.queries().bank_account(id)? {
        section.rows.push(vec![
            Cell::text(&known.account.bank_name),
            Cell::code(&known.account.bank),
            Cell::code(&format!("**** {}", known.account.tail)),
            Cell::time(p, known.since),
        ]);
    }
    Ok(Some(section))
}

fn bank_form(app: &App, signed_in: &SignedIn, p: &Page, id: MerchantId) -> Result<Action, Fail> {
    let mut action = Action::new(p, "bank-account", "set-bank-account", format!("{}/bank-account", path(id)));
    action.effect = Some(p.t("effect-bank-account").into_owned());
    let text = |name, key| Field::new(p, "text", name, key, "");
    action.fields = vec![
        text("holder", "field-holder").more("maxlength=\"70\" autocomplete=\"off\" required"),
        text("number", "field-account")
            .hint(p, "hint-account")
            .more("minlength=\"5\" maxlength=\"34\" pattern=\"[0-9A-Za-z ]*\" autocomplete=\"off\" required"),
        text("bank", "col-bank-number").hint(p, "hint-bank-number").more(
            "inputmode=\"numeric\" pattern=\"[0-9]{12}\" maxlength=\"12\" autocomplete=\"off\" required",
        ),
        text("bank_name", "col-bank-name").more("maxlength=\"60\" autocomplete=\"off\" required"),
    ];
    action.fields.extend(stepup::field(app, signed_in, p)?);
    Ok(action)
}

/// `POST /console/merchants/{id}/bank-account`. What was typed is sealed at once and never shown again.
pub(crate) async fn set_bank_account(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Fail> {
    let merchant = find(&app, &signed_in, &id)?;
    signed_in.must(Permission::SetBankAccount, merchant.id)?;
    let number: String = posted.text("number").chars().filter(|c| !c.is_whitespace()).collect();
    let holder = posted.trimmed("holder");
    let fits = (5..=34).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (1..=HOLDER_MAX).contains(&holder.chars().count());
    let refused = if fits {
        match stepup::take(&app, &signed_in, &posted).await? {
            None => {
                let clear = ClearAccount {
                    holder: Secret::new(holder.to_owned()),
                    number: Secret::new(number),
                    bank: posted.trimmed("bank").to_owned(),
                    bank_name: posted.trimmed("bank_name").to_owned(),
                };
                let sealed = service::payout::seal(&app.service().vault, merchant.id, &clear)
                    .map_err(|error| Problem::fault(&error.to_string()))?;
                let command = Command::SetBankAccount(merchant.id, Arc::new(sealed));
                approval::decide(&app, &signed_in, command).await?
            }
            refused => refused,
        }
    } else {
        Some(Page::new(&app, &signed_in.visit).t("error-account").into_owned())
    };
    match refused {
        None => Ok(page::see_other(&path(merchant.id))),
        Some(why) => {
            record(&app, &signed_in, &merchant, &Query::default()).await?.refused("bank-account", why)
        }
    }
}
