//! Which notification addresses an order may name. In production only `https` to a public host; in a sandbox
//! anything. This is the first of two guards: the worker checks again where the name leads when it delivers.

use protocol::{ApiError, Location, Text};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Checks an address that has the form of one ([`protocol::field::is_notify_url`]).
///
/// # Errors
/// `PARAM_ERROR` at `/notify_url`.
pub(crate) fn check(text: &str, sandbox: bool) -> Result<(), ApiError> {
    if sandbox {
        return Ok(());
    }
    let refused = |issue| ApiError::param("/notify_url", Some(text.to_owned()), issue, Location::Body);
    let host = Text::fixed("须为公网可访问的域名或地址", "must name a host on the public network");
    let Ok(url) = Url::parse(text) else { return Err(refused(host)) };
    if url.scheme() != "https" {
        return Err(refused(Text::fixed("须以 https:// 开头", "must start with https://")));
    }
    let public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    };
    if public { Ok(()) } else { Err(refused(host)) }
}

/// Endings of names that never lead out (RFC 2606, RFC 6761, RFC 8375 and common practice).
const INNER: [&str; 9] =
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "test", "invalid"];

fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    // A name without a dot is one of the local network, `home.arpa` is every home's own.
    name.contains('.') && !INNER.contains(&last) && name != "home.arpa" && !name.ends_with(".home.arpa")
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmark = first == 198 && (second == 18 || second == 19);
    let protocol_assignments = (first, second, third) == (192, 0, 0);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
        || benchmark
        || protocol_assignments)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let IpAddr::V4(mapped) = address.to_canonical() {
        return is_public_v4(mapped);
    }
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is global unicast. Of it: 6to4 and Teredo can wrap a private address, 2001:db8 is for books.
    let global = first & 0xe000 == 0x2000;
    let wrapped = first == 0x2002 || (first == 0x2001 && second == 0);
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    global && !wrapped && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_calls_public_https_only() {
        for good in [
            "https://pay.example.com/notify",
            "https://pay.example.com:8443/n",
            "https://8.8.8.8/n",
            "https://[2400:3200::1]/n",
            "HTTPS://PAY.EXAMPLE.COM",
        ] {
            assert!(check(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://pay.example.com/notify",
            "https://localhost/n",
            "https://localhost./n",
            "https://api.localhost/n",
            "https://printer/n",
            "https://db.internal/n",
            "https://nas.home.arpa/n",
            "https://127.0.0.1/n",
            "https://2130706433/n",
            "https://0x7f.1/n",
            "https://0/n",
            "https://10.1.2.3/n",
            "https://172.16.0.1/n",
            "https://192.168.1.1/n",
            "https://100.64.0.1/n",
            "https://169.254.169.254/latest",
            "https://192.0.0.8/n",
            "https://198.18.0.1/n",
            "https://224.0.0.1/n",
            "https://255.255.255.255/n",
            "https://[::1]/n",
            "https://[::]/n",
            "https://[::ffff:10.0.0.1]/n",
            "https://[fc00::1]/n",
            "https://[fe80::1]/n",
            "https://[2002:7f00:1::]/n",
            "https://[2001:0:1::]/n",
            "https://[2001:db8::1]/n",
            "https://[64:ff9b::a00:1]/n",
        ] {
            let refused = check(bad, false).expect_err(bad);
            assert_eq!(refused.detail.expect("a detail").field, "/notify_url", "{bad}");
        }
    }

    #[test]
    fn a_sandbox_calls_anything() {
        for url in ["http://127.0.0.1:9/notify", "http://localhost/n", "https://10.0.0.1/n"] {
            assert!(check(url, true).is_ok(), "{url}");
        }
    }
}
