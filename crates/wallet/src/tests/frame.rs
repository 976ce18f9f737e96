use super::{
    sources,
    world::{Answer, PIN, World, header_of},
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::merchant::Product;

const PHONE: &str = "13812345678";

/// Every page by GET, for a payer who has paid once and has a card.
async fn pages(world: &World, browser: &super::world::Browser<'_>) -> Vec<Answer> {
    let (id, native) = world.native(1_00).await;
    browser.pay(&native, PIN).await;
    let (_, open) = world.native(2_00).await;
    let closed = world.order(Product::Native, 1).await;
    let mut paths: Vec<String> = [
        "/wallet",
        "/wallet/pin",
        "/wallet/cards",
        "/wallet/cards/new",
        "/wallet/top-up",
        "/wallet/identity",
        "/wallet/settings",
        "/wallet/bills",
        "/wallet/code",
        "/pay/scan",
        "/pay/scan?text=x",
        "/wallet/nowhere",
        "/pay/code?pr=x",
    ]
    .map(ToOwned::to_owned)
    .into();
    paths.extend([native, open, format!("/wallet/bills/{id}"), format!("/wallet/code/confirm/{closed}")]);
    let consent = format!(
        "/connect/oauth2/authorize?appid={}&redirect_uri=https%3A%2F%2Fshop.test%2F&response_type=code&scope=snsapi_userinfo",
        super::world::APP
    );
    paths.push(consent);
    let mut out = Vec::new();
    for path in &paths {
        out.push(browser.follow(path).await);
    }
    out
}

#[tokio::test]
async fn every_page_is_in_the_readers_language_and_guarded() {
    let world = World::new().await;
    let mut browser = world.rich_payer(PHONE, 100_00).await;
    for (language, tag, other) in [("zh-CN", "zh-CN", "English"), ("en-GB", "en", "中文")] {
        browser.language = language;
        for page in pages(&world, &browser).await {
            let at = &page.path;
            assert!(page.body.contains(&format!("<html lang=\"{tag}\">")), "{at}");
            assert_eq!(page.text_of("language").unwrap(), other, "{at}");
            assert!(page.has("sandbox-band") && page.body.contains("pay.test"), "{at}");
            let policy = header_of(&page, "content-security-policy");
            assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{at}");
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{at}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "same-origin"),
                ("cache-control", "no-store"),
                ("content-type", "text/html; charset=utf-8"),
            ] {
                assert_eq!(header_of(&page, name), value, "{at}");
            }
            if language == "en-GB" {
                let shown = page.body.split("<main").nth(1).unwrap();
                let ours = shown.replace("山泉茶铺", "").replace("明前龙井", "").replace("50 克", "");
                let ours = ours.replace("中文", "").replace("茶铺", "");
                let chinese: String = ours.chars().filter(|c| ('\u{4e00}'..'\u{9fff}').contains(c)).collect();
                assert_eq!(chinese, "", "{at}");
            }
        }
    }
}

#[tokio::test]
async fn a_language_chosen_stays() {
    let world = World::new().await;
    let browser = world.browser();
    let switched = browser.get("/wallet/sign-in?next=%2Fwallet&lang=en").await;
    assert_eq!(switched.location(), "/wallet/sign-in?next=%2Fwallet");
    assert!(browser.get("/wallet/sign-in").await.body.contains("Sign in to Feiqian"));
    assert!(browser.get("/wallet/nowhere").await.body.contains("There is no such page"));
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let world = World::new().await;
    let mut browser = world.rich_payer(PHONE, 100_00).await;
    let (_, path) = world.native(1_00).await;
    let page = browser.get(&path).await;
    let mut fields = page.form("/pay/confirm");
    fields.push(("pin".into(), PIN.into()));
    let without: Vec<_> = fields.iter().filter(|(name, _)| name != "form").cloned().collect();
    assert_eq!(browser.post("/pay/confirm", &without).await.status, StatusCode::FORBIDDEN);
    let another = world.payer("13912345678").await.get("/wallet/settings").await.form("/wallet/sign-out");
    let swapped = [without.clone(), another].concat();
    assert_eq!(browser.post("/pay/confirm", &swapped).await.status, StatusCode::FORBIDDEN);
    for origin in ["https://evil.test", "null", "http://pay.test.evil", "http://evil.test/pay.test"] {
        browser.origin = Some(origin.to_owned());
        let refused = browser.post("/pay/confirm", &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{origin}");
        assert!(refused.body.contains("没有扣款"));
    }
    // Signing in is no exception.
    let sign_in = browser.post("/wallet/sign-in/code", &[("phone".into(), PHONE.into())]).await;
    assert_eq!(sign_in.status, StatusCode::FORBIDDEN);
    browser.origin = None;
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 303)] {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let request = Request::builder()
            .method(Method::POST)
            .uri("/pay/confirm")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .body(Body::from(body.extend_pairs(&fields).finish()))
            .unwrap();
        assert_eq!(browser.send(request).await.status.as_u16(), status, "{site}");
    }
}

#[tokio::test]
async fn wrong_methods_kinds_and_sizes_are_pages_too() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let send = |method: Method, path: &'static str, kind: &'static str, body: String| {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        browser.send(request.body(Body::from(body)).unwrap())
    };
    let form = "application/x-www-form-urlencoded";
    for (answer, status) in [
        (send(Method::DELETE, "/wallet", form, String::new()).await, 405),
        (send(Method::POST, "/wallet/pin", "application/json", "{}".into()).await, 400),
        (send(Method::POST, "/wallet/pin", form, "a=".to_owned() + &"x".repeat(70_000)).await, 413),
        (send(Method::GET, "/wallet/bills?from=x", form, String::new()).await, 400),
        (send(Method::GET, "/connect/x", form, String::new()).await, 404),
    ] {
        assert_eq!(answer.status.as_u16(), status, "{}", answer.path);
        assert!(answer.has("problem"), "{}: {}", answer.path, answer.body);
    }
}

#[test]
fn templates_carry_no_style_and_no_script_of_their_own() {
    for (file, text) in sources().into_iter().filter(|(file, _)| file.ends_with(".html")) {
        assert!(!text.contains(" style=") && !text.contains("<style"), "{file}");
        for part in text.split("<script").skip(1) {
            assert!(part.trim_start().starts_with("src="), "{file}");
        }
        let handler = text.split(" on").skip(1).any(|rest| {
            let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
            !name.is_empty() && rest[name.len()..].starts_with('=')
        });
        assert!(!handler, "{file}");
        // What is marked safe is our own markup.
        for marked in text.split("|safe").collect::<Vec<_>>().split_last().unwrap().1 {
            let expression = marked.rsplit("{{").next().unwrap().trim();
            let own =
                ["p.icon(", "p.time(", "symbol", "bars"].iter().any(|ours| expression.starts_with(ours));
            assert!(own, "{file}: {expression}");
        }
        for label in text.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let named = ["type=\"hidden\"", "id=\"", "type=\"radio\""].iter().any(|has| label.contains(has));
            assert!(named, "{file}: an input without a label: {label}");
        }
    }
}
