//! Where a request comes from.

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
};
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address. A proxy on this machine is believed about the last address of `X-Forwarded-For`, which
/// is the one it wrote itself; nobody else is.
pub(crate) fn of_caller(parts: &Parts) -> Option<IpAddr> {
    let peer = peer(parts)?;
    if !peer.is_loopback() {
        return Some(peer);
    }
    let forwarded = parts.headers.get_all(FORWARDED_FOR).iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    Some(last.map_or(peer, |address: IpAddr| address.to_canonical()))
}

/// True when the request was made on this machine, and not passed on by a proxy on it.
pub(crate) fn is_local(parts: &Parts) -> bool {
    peer(parts).is_some_and(|peer| peer.is_loopback()) && !forwarded(&parts.headers)
}

/// The other end of the connection; none when the server was started without connection info.
fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

fn forwarded(headers: &HeaderMap) -> bool {
    [FORWARDED_FOR, "forwarded", "x-real-ip"].iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(peer: Option<&str>, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        if let Some(peer) = peer {
            parts.extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        }
        parts
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], Option<&'a str>);
        let cases: [Case<'_>; 6] = [
            (None, &[(FORWARDED_FOR, "192.0.2.9")], None),
            (Some("192.0.2.1:1"), &[(FORWARDED_FOR, "192.0.2.9")], Some("192.0.2.1")),
            (Some("127.0.0.1:1"), &[], Some("127.0.0.1")),
            (Some("127.0.0.1:1"), &[(FORWARDED_FOR, "10.0.0.1, 192.0.2.9")], Some("192.0.2.9")),
            (Some("[::ffff:127.0.0.1]:1"), &[(FORWARDED_FOR, "evil")], Some("127.0.0.1")),
            (Some("[::1]:1"), &[(FORWARDED_FOR, "1.1.1.1"), (FORWARDED_FOR, "192.0.2.9")], Some("192.0.2.9")),
        ];
        for (peer, headers, expected) in cases {
            let expected = expected.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(of_caller(&parts(peer, headers)), expected, "{peer:?} {headers:?}");
        }
    }

    #[test]
    fn a_request_passed_on_by_a_local_proxy_is_not_local() {
        assert!(is_local(&parts(Some("127.0.0.1:1"), &[])));
        assert!(is_local(&parts(Some("[::1]:1"), &[])));
        assert!(!is_local(&parts(Some("192.0.2.1:1"), &[])));
        assert!(!is_local(&parts(None, &[])));
        for name in [FORWARDED_FOR, "forwarded", "x-real-ip"] {
            assert!(!is_local(&parts(Some("127.0.0.1:1"), &[(name, "192.0.2.9")])), "{name}");
        }
    }
}
