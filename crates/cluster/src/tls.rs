//! Who is at the other end: each node makes a key and a certificate when it starts and publishes the certificate's
//! fingerprint in the database's list of nodes. Both ends prove that they have the key, and each compares the other's
//! fingerprint with the list. No authority signs anything, so nothing has to be handed out or renewed.

use ::aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
    version::TLS13,
};
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The name in every node's certificate and handshake; the fingerprint is what counts.
const NAME: &str = "node.feiqian";

/// A node's key could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Making it failed.
    #[error("this node's key could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS does not take it.
    #[error("this node's key could not be used: {0}")]
    Use(#[from] Error),
}

/// This process's key and certificate. The key never leaves its memory.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    fingerprint: String,
}

/// SHA-256 of a certificate, lower-case hex.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    HEXLOWER.encode(digest(&SHA256, certificate).as_ref())
}

impl Identity {
    pub(crate) fn make() -> Result<Self, IdentityError> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Ok(Self { fingerprint: fingerprint(&certificate), certificate, key })
    }
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
    /// For connections from other nodes. Whoever calls must compare the certificate shown with the list before it
    /// reads a word.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let anybody = Arc::new(Anybody(provider.signature_verification_algorithms));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(anybody)
            .with_single_cert(vec![self.certificate.clone()], self.key())?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
    /// For connections to the node with that fingerprint and no other.
    pub(crate) fn connector(&self, fingerprint: &str) -> Result<TlsConnector, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let pinned = Arc::new(Pinned { fingerprint: fingerprint.to_owned(), algorithms });
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(pinned)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key())?;
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// The name to ask for.
pub(crate) fn name() -> ServerName<'static> {
    // A constant that is a host name.
    ServerName::try_from(NAME).unwrap_or(ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()))
}

fn only_13() -> Error {
    Error::General("nodes speak TLS 1.3".into())
}

/// Takes the one certificate that is expected.
#[derive(Debug)]
struct Pinned {
    fingerprint: String,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if fingerprint(shown) == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General("the certificate is not the one in the list of nodes".into()))
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_13())
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Takes any certificate whose key the caller has; which one it is, the door looks up.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_13())
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
