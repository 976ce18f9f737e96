//! Which database: its URL, its password from elsewhere, and how much the way there is trusted.

use std::{fmt, path::PathBuf, str::FromStr};
use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};
use types::Secret;

/// A PostgreSQL database, read from a URL. Shows itself without the password.
///
/// `postgres://user@host:port/database?sslmode=…`, or a socket's folder as host:
/// `postgres:///database?host=/run/postgresql`. Several hosts, separated by commas, are tried in order and the
/// one that takes writes is used. Besides the options of `tokio-postgres` these are understood:
///
/// - `sslmode`: `disable` for plain text; `require`, `verify-ca` or `verify-full` for TLS, with chain and host
///   name verified in each case. Not given: plain over a socket or the loopback address, TLS to any other host.
///   `prefer` and `allow` are refused, since whoever sits in between could choose plain text.
/// - `sslrootcert`: a PEM file with the authorities to believe instead of the public ones.
#[derive(Clone)]
pub struct PostgresTarget {
    pub(super) config: Config,
    /// Believed authorities for TLS; none for plain text.
    pub(super) tls: Option<Roots>,
    shown: String,
}

/// Who may vouch for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    Public,
    File(PathBuf),
}

/// A URL that names no database we can use. Never carries the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("database URL: {0}")]
pub struct BadTarget(String);

impl FromStr for PostgresTarget {
    type Err = BadTarget;

    fn from_str(url: &str) -> Result<Self, BadTarget> {
        let bad = |text: &str| BadTarget(text.to_owned());
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(bad("must begin with postgres://"));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        if query.contains('@') {
            return Err(bad("write ? and & of a password as %3F and %26, and @ of an option as %40"));
        }
        let (mut mode, mut roots, mut rest) = (None, Roots::Public, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Roots::File(PathBuf::from(value)),
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        // The parser's own message could repeat part of the URL, and so of the password.
        let mut config: Config =
            plain.parse().map_err(|_| bad("can't be read; postgres://user@host:port/database"))?;
        if config.get_hosts().is_empty() {
            return Err(bad("names no host; for a socket add ?host=/run/postgresql"));
        }
        if config.get_dbname().is_none() {
            return Err(bad("names no database"));
        }
        let tls = match mode {
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            None => !config.get_hosts().iter().all(is_near),
            Some("prefer" | "allow") => {
                return Err(bad("sslmode prefer and allow may end in plain text; say require or disable"));
            }
            Some(_) => return Err(bad("sslmode must be disable, require, verify-ca or verify-full")),
        };
        config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        if config.get_hosts().len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(Self { config, tls: tls.then_some(roots), shown: masked(base, query) })
    }
}

impl PostgresTarget {
    /// The same with a password kept elsewhere than in the URL, which it replaces.
    #[must_use]
    pub fn with_password(mut self, password: &Secret<String>) -> Self {
        self.config.password(password.expose().as_bytes());
        self
    }
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    }
}

fn masked(base: &str, query: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let shown = match rest.rsplit_once('@') {
        Some((user, place)) => match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:***@{place}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    let options: Vec<&str> =
        query.split('&').filter(|o| !o.is_empty() && !o.starts_with("password=")).collect();
    if options.is_empty() { shown } else { format!("{shown}?{}", options.join("&")) }
}

/// Without the password.
impl fmt::Display for PostgresTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> PostgresTarget {
        url.parse().unwrap()
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://pay:s3cret@db.example:5432/feiqian",
            "postgres://pay:s3c@cret@db.example/feiqian?sslmode=require",
            "postgres://pay@db.example/feiqian?password=s3cret&connect_timeout=3",
        ] {
            let target = read(url);
            assert!(target.config.get_password().is_some(), "{url}");
            assert!(!format!("{target} {target:?}").contains("cret"), "{target}");
        }
        for url in [
            "postgres://pay:s3cret@",
            "postgres://pay:x?s3cret@db.example/feiqian",
            "postgres://pay:s3cret@db/x?sslmode=s3cret",
            "s3cret",
        ] {
            let error = url.parse::<PostgresTarget>().unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let target = read("postgres://pay@localhost/feiqian").with_password(&Secret::new("s3cret".into()));
        assert_eq!(target.config.get_password(), Some(&b"s3cret"[..]));
        assert!(!format!("{target:?}").contains("s3cret"));
    }

    #[test]
    fn only_the_own_machine_is_reached_without_tls_unless_said() {
        for (url, tls) in [
            ("postgres:///feiqian?host=/run/postgresql", false),
            ("postgres://pay@127.0.0.1/feiqian", false),
            ("postgres://pay@[::1]/feiqian", false),
            ("postgres://pay@localhost/feiqian?sslmode=verify-full", true),
            ("postgres://pay@db.example/feiqian", true),
            ("postgres://pay@127.0.0.1,db.example/feiqian", true),
            ("postgres://pay@db.example/feiqian?sslmode=disable", false),
        ] {
            assert_eq!(read(url).tls.is_some(), tls, "{url}");
        }
        let own = read("postgres://pay@db.example/feiqian?sslrootcert=/etc/ca.pem");
        assert_eq!(own.tls, Some(Roots::File("/etc/ca.pem".into())));
        for url in [
            "postgres://db.example/feiqian?sslmode=prefer",
            "postgres://db.example/feiqian?sslmode=yes",
            "postgres:///feiqian",
            "postgres://db.example",
            "mysql://db.example/feiqian",
            "postgres://db.example/feiqian?colour=red",
        ] {
            assert!(url.parse::<PostgresTarget>().is_err(), "{url}");
        }
    }
}
