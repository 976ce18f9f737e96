//! Where a request comes from.

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap},
};
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address. A proxy on this machine is believed about the last address of `X-Forwarded-For`, which
/// is the one it wrote itself; nobody else is. None when the server was started without connection info.
#[must_use]
pub fn of_caller(extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer(extensions)?;
    if !peer.is_loopback() {
        return Some(peer);
    }
    let forwarded = headers.get_all(FORWARDED_FOR).iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    Some(last.map_or(peer, |address: IpAddr| address.to_canonical()))
}

/// True when the request was made on this machine, and not passed on by a proxy on it.
#[must_use]
pub fn is_local(extensions: &Extensions, headers: &HeaderMap) -> bool {
    peer(extensions).is_some_and(|peer| peer.is_loopback()) && !forwarded(headers)
}

/// One subscriber: an IPv4 address, or the first 64 bits of an IPv6 one, which one household has.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
        four @ IpAddr::V4(_) => four,
    }
}

/// The other end of the connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical())
}

fn forwarded(headers: &HeaderMap) -> bool {
    [FORWARDED_FOR, "forwarded", "x-real-ip"].iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn parts(peer: Option<&str>, headers: &[(&'static str, &'static str)]) -> (Extensions, HeaderMap) {
        let (mut extensions, mut map) = (Extensions::new(), HeaderMap::new());
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        if let Some(peer) = peer {
            extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        }
        (extensions, map)
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        type Case<'a> = (Option<&'a str>, &'a [(&'static str, &'static str)], Option<&'a str>);
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
            let (extensions, map) = parts(peer, headers);
            assert_eq!(of_caller(&extensions, &map), expected, "{peer:?} {headers:?}");
        }
    }

    #[test]
    fn a_request_passed_on_by_a_local_proxy_is_not_local() {
        let local = |peer, headers: &[(&'static str, &'static str)]| {
            let (extensions, map) = parts(peer, headers);
            is_local(&extensions, &map)
        };
        assert!(local(Some("127.0.0.1:1"), &[]));
        assert!(local(Some("[::1]:1"), &[]));
        assert!(!local(Some("192.0.2.1:1"), &[]));
        assert!(!local(None, &[]));
        for name in [FORWARDED_FOR, "forwarded", "x-real-ip"] {
            assert!(!local(Some("127.0.0.1:1"), &[(name, "192.0.2.9")]), "{name}");
        }
    }

    #[test]
    fn a_household_is_one() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
    }
}
