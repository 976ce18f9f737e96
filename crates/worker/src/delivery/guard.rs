//! Where a notification may go: never to a machine of our own (server-side request forgery).
//!
//! A merchant chooses the address, so it is checked twice: as written, because the client never asks the
//! resolver about an address that is a number already; and as resolved, at the moment of connecting, because a
//! name may point anywhere and may point elsewhere a second later. Redirects are not followed and no proxy is
//! used (`client.rs`).

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use url::{Host, Url};

/// Characters of an address; the wire allows 255 (wire §3.2).
const URL_MAX: usize = 2048;

/// What may be reached besides public addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allow {
    /// This machine itself: sandboxes only.
    pub loopback: bool,
}

/// An address that was checked as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub url: Url,
    /// Host and port: what is slow or dead as one.
    pub host: Arc<str>,
}

/// Why nothing is sent to an address. Short enough for a record of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Not a URL, or not one to post to.
    #[error("the notify address can't be used: {0}; give an http or https URL with a public host")]
    Address(&'static str),
    /// The host is a number that is not public.
    #[error("{0} is not a public address; nothing is sent there")]
    NotPublic(IpAddr),
    /// The host's name resolves to an address that is not public.
    #[error("{0} resolves to {1}, which is not a public address; nothing is sent there")]
    ResolvesTo(String, IpAddr),
    /// The host's name does not resolve.
    #[error("{0} does not resolve")]
    Unresolved(String),
}

impl Target {
    /// Reads an address and checks its host, as far as it is a number.
    ///
    /// # Errors
    /// [`Forbidden::Address`], [`Forbidden::NotPublic`].
    pub fn parse(text: &str, allow: Allow) -> Result<Self, Forbidden> {
        if text.len() > URL_MAX {
            return Err(Forbidden::Address("it is too long"));
        }
        // Parsing folds 2130706433, 0x7f.1 and their like into the address they mean.
        let url = Url::parse(text).map_err(|_| Forbidden::Address("it is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Forbidden::Address("its scheme is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Address("it carries a user name or password"));
        }
        let address = match url.host() {
            None => return Err(Forbidden::Address("it has no host")),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        };
        if let Some(address) = address.filter(|address| !allow.address(*address)) {
            return Err(Forbidden::NotPublic(address));
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let host = format!("{}:{port}", url.host_str().unwrap_or_default()).into();
        Ok(Self { url, host })
    }
}

impl Allow {
    /// Whether a connection to `address` may be made.
    #[must_use]
    pub fn address(self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        if self.loopback && address.is_loopback() {
            return true;
        }
        match address {
            IpAddr::V4(address) => public_v4(address),
            IpAddr::V6(address) => public_v6(address),
        }
    }

    /// The addresses of a name; none of them unless all may be reached: a name with one foot inside is not
    /// trusted with the other.
    ///
    /// # Errors
    /// [`Forbidden::ResolvesTo`], [`Forbidden::Unresolved`] for an empty list.
    pub fn all(self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Forbidden> {
        if found.is_empty() {
            return Err(Forbidden::Unresolved(shown(name)));
        }
        match found.iter().find(|address| !self.address(address.ip())) {
            Some(inside) => Err(Forbidden::ResolvesTo(shown(name), inside.ip())),
            None => Ok(found),
        }
    }
}

/// A name as it may stand in a record of an attempt.
fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

/// Not in any special-purpose registry (RFC 6890 and its successors at IANA).
fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)        // this network, private, loopback, multicast, reserved
            | (100, 64..=127, _)                // shared by carriers
            | (169, 254, _)                     // link-local, cloud metadata
            | (172, 16..=31, _)                 // private
            | (192, 0, 0 | 2)                   // protocol assignments, documentation
            | (192, 88, 99)                     // 6to4 relays
            | (192, 168, _)                     // private
            | (198, 18 | 19, _)                 // benchmarks
            | (198, 51, 100) | (203, 0, 113) // documentation
    )
}

/// Global unicast, without the ranges that lead elsewhere: Teredo and other protocol assignments, 6to4 and
/// documentation. NAT64, unique local, link-local and multicast lie outside 2000::/3.
fn public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    a & 0xe000 == 0x2000
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

/// Resolves by the machine's resolver and refuses what [`Allow::all`] refuses.
#[derive(Debug)]
pub(crate) struct GuardedResolver(pub(crate) Allow);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = found.map_err(|_| Forbidden::Unresolved(shown(name.as_str())))?;
            let addresses: Addrs = Box::new(allow.all(name.as_str(), found.collect())?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Allow = Allow { loopback: false };
    const SANDBOX: Allow = Allow { loopback: true };

    #[test]
    fn only_public_addresses_are_reached() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in refused {
            assert!(!PUBLIC.address(address.parse().unwrap()), "{address}");
        }
        let reached = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2001:200::1",
            "2400:3200::1",
            "2606:4700:4700::1111",
            "3ffe::1",
        ];
        for address in reached {
            assert!(PUBLIC.address(address.parse().unwrap()), "{address}");
        }
        for (address, may) in
            [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("10.0.0.1", false)]
        {
            assert_eq!(SANDBOX.address(address.parse().unwrap()), may, "{address} in a sandbox");
        }
    }

    #[test]
    fn an_address_is_checked_as_written() {
        let inside = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data",
            "https://10.0.0.1:8443/",
            "http://0/",
            "http://１２７.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http:\\\\127.0.0.1\\",
            "http://127.0.0.1./",
            "http://[64:ff9b::7f00:1]/",
            "http://[fe80::1]/",
        ];
        for text in inside {
            assert!(matches!(Target::parse(text, PUBLIC), Err(Forbidden::NotPublic(_))), "{text}");
        }
        let long = format!("https://shop.example/{}", "a".repeat(URL_MAX));
        let unusable = [
            "",
            "shop.example/notify",
            "ftp://shop.example/",
            "file:///etc/passwd",
            "gopher://shop.example/",
            "http://",
            "https://user@shop.example/",
            "https://user:secret@shop.example/",
            "data:,x",
            &long,
        ];
        for text in unusable {
            assert!(matches!(Target::parse(text, SANDBOX), Err(Forbidden::Address(_))), "{text}");
        }
        for (text, host) in [
            ("https://shop.example/notify?a=b", "shop.example:443"),
            ("http://SHOP.example:8080/", "shop.example:8080"),
            ("http://茶馆.example/", "xn--cl1ay07b.example:80"),
            ("https://[2606:4700::1]/", "[2606:4700::1]:443"),
            ("http://localhost/", "localhost:80"), // a name: the resolver refuses it
        ] {
            assert_eq!(&*Target::parse(text, PUBLIC).unwrap().host, host, "{text}");
        }
        assert!(Target::parse("http://127.0.0.1:9000/n", SANDBOX).is_ok());
    }

    #[test]
    fn a_name_with_one_inner_address_is_refused() {
        let [outer, inner] = ["1.1.1.1:0", "10.0.0.7:0"].map(|text| text.parse::<SocketAddr>().unwrap());
        assert_eq!(PUBLIC.all("shop.example", vec![outer]), Ok(vec![outer]));
        for found in [vec![inner], vec![outer, inner], vec![inner, outer]] {
            let refused = Forbidden::ResolvesTo("shop.example".into(), inner.ip());
            assert_eq!(PUBLIC.all("shop.example", found.clone()), Err(refused.clone()));
            assert_eq!(SANDBOX.all("shop.example", found), Err(refused));
        }
        assert_eq!(PUBLIC.all("shop.example", Vec::new()), Err(Forbidden::Unresolved("shop.example".into())));
        let longest = PUBLIC.all(&"x".repeat(253), vec!["[fe80::1]:0".parse().unwrap()]).unwrap_err();
        assert!(longest.to_string().len() <= 200, "{longest}");
    }

    #[tokio::test]
    async fn the_resolver_refuses_this_machine() {
        let refused = GuardedResolver(PUBLIC).resolve("localhost".parse().unwrap()).await;
        let Err(error) = refused else { panic!("localhost was resolved") };
        assert!(matches!(error.downcast_ref(), Some(Forbidden::ResolvesTo(..))), "{error}");
        assert!(GuardedResolver(SANDBOX).resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
