//! TLS: verified always, refused when the server can't be trusted.

use crate::place::{self, options};
use engine::Fault;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::fs;
use store::{PostgresTarget, postgres};

#[test]
fn a_server_is_believed_only_with_a_certificate_of_a_named_authority() {
    let Some(cluster) = place::cluster(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        let path = folder.path().join(format!("{name}.pem"));
        fs::write(&path, certificate.pem()).unwrap();
        (path, Issuer::new(params, key))
    };
    let (ours, issuer) = authority("ours");
    let (others, _) = authority("others");
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let (cert, secret) = (cluster.path().join("server.crt"), cluster.path().join("server.key"));
    for (path, text) in [(&cert, server.pem()), (&secret, key.serialize_pem())] {
        fs::write(path, text).unwrap();
        cluster.hand_over(path).unwrap();
    }
    let certificate = format!("ssl_cert_file = '{}'", cert.display());
    let secret = format!("ssl_key_file = '{}'", secret.display());
    cluster.reload(&["ssl = on", &certificate, &secret]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));

    let url = cluster.url("postgres").replace("127.0.0.1", "localhost");
    let open = |url: String| postgres(&url.parse::<PostgresTarget>().unwrap(), options());
    let store = open(format!("{url}?sslmode=verify-full&sslrootcert={}", ours.display())).unwrap();
    assert_eq!(store.queries.counts().unwrap().batch, 0);
    let encrypted = place::sql(
        &cluster.url("postgres"),
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'feiqian %'",
    );
    assert_eq!(encrypted, [["t"]]);
    for (what, query) in [
        ("another authority", format!("sslmode=require&sslrootcert={}", others.display())),
        ("public authorities", "sslmode=require".to_owned()),
    ] {
        match open(format!("{url}?{query}")) {
            Err(Fault::Failed(why)) => assert!(why.contains("certificate"), "{what}: {why}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let other_name = cluster.url("postgres");
    let wrong_name = open(format!("{other_name}?sslmode=require&sslrootcert={}", ours.display()));
    assert!(wrong_name.is_err(), "the certificate is for localhost, not for 127.0.0.1");
}
