//! Scanning: the camera where the browser can read codes, else a box to paste into.

use crate::{
    app::App,
    page::{self, Page, Tab},
    problem::Fail,
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

/// What a scanned or pasted text is.
#[derive(Debug, PartialEq, Eq)]
enum Scanned {
    /// A page of ours to go to.
    Page(String),
    /// 18 digits: a payment code, which a till scans.
    PaymentCode,
    /// Nothing that can be paid here.
    Foreign,
}

/// Reads a scanned text: a code_url, its `pr` alone, or an h5_url of this platform.
fn read(app: &App, text: &str) -> Scanned {
    let text = text.trim();
    let tokens = app.service().vault.tokens();
    if tokens.open_code(text).is_some() {
        return Scanned::Page(web::link::to("/pay/code", &[("pr", text)]));
    }
    let settings = &app.service().settings;
    let mut bases = settings.other_bases.iter().chain([&settings.public_base]);
    if let Some(path) = bases.find_map(|base| text.strip_prefix(base.as_str()))
        && path.starts_with("/pay/")
        && page::own_page(path) == path
    {
        return Scanned::Page(path.to_owned());
    }
    let digits = text.chars().filter(|c| *c != ' ').collect::<String>();
    if digits.len() == 18 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Scanned::PaymentCode;
    }
    Scanned::Foreign
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    text: Option<String>,
}

#[derive(Template)]
#[template(path = "pay_scan.html")]
struct ScanPage {
    p: Page,
    error: Option<&'static str>,
}

fn scan_page(app: &App, visit: &Visit, error: Option<&'static str>) -> Result<Response, Fail> {
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::show_as(status, &ScanPage { p: Page::new(app, visit, Tab::None).at("/pay/scan".to_owned()), error })
}

/// Shows the camera and the box, or goes where a text leads.
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn { visit, .. }: SignedIn,
    Query(Asked { text }): Query<Asked>,
) -> Result<Response, Fail> {
    match text.as_deref().map(|text| read(&app, text)) {
        None => scan_page(&app, &visit, None),
        Some(Scanned::Page(to)) => Ok(page::see_other(&to)),
        Some(Scanned::PaymentCode) => scan_page(&app, &visit, Some("scan-payment-code")),
        Some(Scanned::Foreign) => scan_page(&app, &visit, Some("scan-foreign")),
    }
}
