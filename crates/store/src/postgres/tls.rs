//! TLS to the server: rustls on the provider the whole binary uses, chain and host name always verified.

use super::target::Roots;
use engine::Fault;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::{TlsConnector, client};

/// Makes TLS connections that believe the given authorities.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads the authorities.
    ///
    /// # Errors
    /// [`Fault::Failed`] when their file can't be read or holds no certificate.
    pub(super) fn new(roots: &Roots) -> Result<Self, Fault> {
        let mut store = RootCertStore::empty();
        match roots {
            Roots::Public => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::File(path) => {
                let fault = |error: String| Fault::Failed(format!("{}: {error}", path.display()));
                let found = CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))?;
                for certificate in found {
                    let certificate = certificate.map_err(|error| fault(error.to_string()))?;
                    store.add(certificate).map_err(|error| fault(error.to_string()))?;
                }
                if store.is_empty() {
                    return Err(fault("holds no certificate; sslrootcert names a PEM file".into()));
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::Failed(format!("TLS: {error}")))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Connect;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Connect, Self::Error> {
        Ok(Connect(TlsConnector::from(Arc::clone(&self.0)), ServerName::try_from(domain)?.to_owned()))
    }
}

/// One handshake to come.
pub(super) struct Connect(TlsConnector, ServerName<'static>);

impl TlsConnect<Socket> for Connect {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let Self(connector, name) = self;
        Box::pin(async move { Ok(Stream(connector.connect(name, socket).await?)) })
    }
}

/// An encrypted connection.
pub(super) struct Stream(client::TlsStream<Socket>);

impl TlsStream for Stream {
    // The certificate is verified against named authorities, which channel binding would only repeat.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
