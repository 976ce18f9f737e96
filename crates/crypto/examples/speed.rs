//! Prints how many operations a second one thread does: `cargo run -p feiqian-crypto --example speed --release`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use crypto::{
    ApiV3Key, MasterKey, PrivateKey, Purpose, Vault,
    request::{Caller, Credentials, Received, verify},
};
use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};
use types::{AppId, MerchantId, OrderId, PayerId, Time};

const ROUND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate()?;
    let caller = Caller { mchid: MerchantId(1_900_000_001), serial: "5A0B".into(), key: key.clone() };
    let now = Time::from_unix(1_790_000_000);
    let body = vec![b'x'; 400];
    let header = caller.authorization("POST", "/v3/pay/transactions/native", &body, now, "nonce")?;
    let credentials = Credentials::parse(header.as_bytes())?;
    let bases = vec!["https://pay.example.com".to_owned()];
    let received = Received {
        method: "POST",
        target: "/v3/pay/transactions/native",
        host: Some("127.0.0.1:8080"),
        bases: &bases,
        body: &body,
    };
    let wrong = Received { body: b"{}", ..received };
    let vault = Vault::new(1, &MasterKey::generate()?);
    let apiv3 = ApiV3Key::generate()?;
    let tokens = vault.tokens();
    let prepay_id = tokens.prepay_id(OrderId(1), now);
    let openid = tokens.openid(AppId(1), PayerId(1));
    let field = key.public_key().encrypt_field("13800000000")?;

    rate("RSA sign, 400 bytes", || key.sign(&body).is_ok());
    rate("request parse", || Credentials::parse(header.as_bytes()).is_ok());
    rate("request verify, right", || verify(key.public_key(), &received, &credentials).is_ok());
    rate("request verify, wrong", || verify(key.public_key(), &wrong, &credentials).is_err());
    rate("field encrypt", || key.public_key().encrypt_field("13800000000").is_ok());
    rate("field decrypt", || key.decrypt_field(&field).is_ok());
    rate("APIv3 encrypt, 400 bytes", || apiv3.encrypt("transaction", &body).is_ok());
    rate("vault seal, 32 bytes", || vault.seal(Purpose::MerchantSecret, "1/apiv3", &body[..32]).is_ok());
    rate("PIN hash", || vault.hasher().pin(PayerId(1), "258369").as_bytes().len() == 32);
    rate("prepay_id make", || tokens.prepay_id(OrderId(1), now).len() == 56);
    rate("prepay_id read", || tokens.open_prepay_id(&prepay_id).is_some());
    rate("code_url make", || tokens.code_url(OrderId(1), now).len() == 60);
    rate("openid make", || tokens.openid(AppId(1), PayerId(1)).len() == 28);
    rate("openid read", || tokens.open_openid(AppId(1), &openid).is_some());
    Ok(())
}

/// Runs `operation` for [`ROUND`] and prints how often that was a second; a failure ends the line instead.
fn rate(name: &str, mut operation: impl FnMut() -> bool) {
    let start = Instant::now();
    let mut times: u128 = 0;
    while start.elapsed() < ROUND {
        for _ in 0..16 {
            if !black_box(operation()) {
                println!("{name:28} FAILED");
                return;
            }
        }
        times += 16;
    }
    println!("{name:28} {:>10} /s", times * 1_000_000 / start.elapsed().as_micros().max(1));
}
