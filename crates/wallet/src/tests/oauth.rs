use super::world::{APP, PIN, World};
use axum::http::{StatusCode, header};
use url::Url;

const PHONE: &str = "13812345678";

fn ask(redirect: &str, scope: &str, more: &str) -> String {
    let redirect: String = url::form_urlencoded::byte_serialize(redirect.as_bytes()).collect();
    format!(
        "/connect/oauth2/authorize?appid={APP}&redirect_uri={redirect}&response_type=code&scope={scope}{more}"
    )
}

#[tokio::test]
async fn base_scope_is_silent_and_state_comes_back() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let path = ask("https://shop.test/login?from=menu", "snsapi_base", "&state=a%26b%20%E9%A3%9E");
    let to = Url::parse(&browser.get(&path).await.location()).unwrap();
    assert_eq!(to.host_str(), Some("shop.test"));
    let pairs: Vec<(String, String)> = to.query_pairs().into_owned().collect();
    assert_eq!(pairs[0], ("from".into(), "menu".into()));
    assert_eq!(pairs[1].0, "code");
    assert_eq!(pairs[1].1.len(), 32);
    assert_eq!(pairs[2], ("state".into(), "a&b 飞".into()));
    // Two codes are never alike.
    assert_ne!(browser.get(&path).await.location(), to.as_str());
}

#[tokio::test]
async fn userinfo_scope_asks_first() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let page = browser.get(&ask("http://127.0.0.1:3000/back", "snsapi_userinfo", "&state=s")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("茶铺") && page.body.contains("127.0.0.1:3000"));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:3000;"), "{policy}");
    let agreed = browser.submit(&page, "/connect/oauth2/authorize", &[]).await;
    assert!(agreed.location().starts_with("http://127.0.0.1:3000/back?code="));
}

#[tokio::test]
async fn an_error_is_a_page_and_never_an_open_redirect() {
    let world = World::new().await;
    let browser = world.payer(PHONE).await;
    let good = "https://shop.test/";
    let long = format!("&state={}", "x".repeat(129));
    let other_app = ask(good, "snsapi_base", "").replace(&APP.to_string(), "wx8888888888888888");
    for path in [
        ask("https://evil.test/", "snsapi_base", ""),
        ask("https://shop.test.evil.test/", "snsapi_base", ""),
        ask("https://shop.test:8443/", "snsapi_base", ""),
        ask("javascript://shop.test/%0aalert(1)", "snsapi_base", ""),
        ask("//shop.test/", "snsapi_base", ""),
        ask("https://x@shop.test/", "snsapi_base", ""),
        ask(good, "snsapi_login", ""),
        ask(good, "snsapi_base", "").replace("response_type=code", "response_type=token"),
        ask(good, "snsapi_base", &long),
        ask(good, "snsapi_base", "").replace(&APP.to_string(), "nonsense"),
        other_app,
        "/connect/oauth2/authorize".to_owned(),
    ] {
        let refused = browser.get(&path).await;
        assert!(refused.status.is_client_error(), "{path}: {}", refused.status);
        assert!(!refused.headers.contains_key(header::LOCATION), "{path}");
        assert!(refused.has("problem"));
    }
}

#[tokio::test]
async fn a_visitor_signs_in_and_comes_back_to_the_question() {
    let world = World::new().await;
    let browser = world.browser();
    let path = ask("https://shop.test/", "snsapi_base", "&state=1");
    let sign_in = browser.get(&path).await.location();
    assert!(sign_in.starts_with("/wallet/sign-in?next=%2Fconnect%2Foauth2%2Fauthorize%3Fappid%3D"));
    let ask = browser.get(&sign_in).await;
    let sent = browser.submit(&ask, "/wallet/sign-in/code", &[("phone", PHONE)]).await;
    let done = browser.submit(&sent, "/wallet/sign-in", &[("code", &world.last_code(PHONE))]).await;
    let pin = browser.get(&done.location()).await;
    let next = pin.form("/wallet/pin").into_iter().find(|(name, _)| name == "next").unwrap().1;
    // Setting the PIN is a post; it ends at a page of ours, which the browser leaves by itself.
    let moving = browser.submit(&pin, "/wallet/pin", &[("new", PIN), ("again", PIN)]).await;
    assert_eq!(moving.status, StatusCode::OK);
    assert!(moving.body.contains("http-equiv=\"refresh\" content=\"0;url=/connect/oauth2/authorize?"));
    assert_eq!(moving.href_of("go-on").unwrap(), next);
    assert!(browser.get(&next).await.location().starts_with("https://shop.test/?code="));
}
