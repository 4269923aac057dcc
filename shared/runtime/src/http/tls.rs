//! TLS of the listener: a certificate and its key from files, which may be replaced while connections are served.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use berth_proto::Timestamp;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use rustls::{
    ServerConfig,
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use x509_cert::{Certificate, der::Decode as _};

use crate::config::TlsFiles;

/// Days before its end from which a certificate is warned of.
const NEAR_END_DAYS: i64 = 14;
/// What is spoken inside.
const PROTOCOL: &[u8] = b"http/1.1";

const ENDS: &str = "berth_http_certificate_not_after_seconds";
const RELOADS: &str = "berth_http_certificate_reloads_total";

/// The certificate or its key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file with the certificate has none in PEM.
    #[error("{} has no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// The file with the key has none in PEM.
    #[error("{} has no private key in PEM", .0.display())]
    NoKey(PathBuf),
    /// They cannot be used together: the key is another certificate's, or of a kind that is not supported.
    #[error("the certificate and the key cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// The certificate that connections are served with. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    /// The name under which clients reach the gateways, if it is known.
    name: Option<String>,
    /// Written when the files are read again.
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

/// What the files have.
struct Loaded {
    config: ServerConfig,
    /// None of a certificate that says it in a way that nobody reads.
    ends: Option<Timestamp>,
    has_name: bool,
}

// === impl Tls ===

impl Tls {
    /// Reads the files; `public_url` is what clients ask for.
    pub fn load(files: &TlsFiles, public_url: Option<&str>, now: Timestamp) -> Result<Self, TlsError> {
        describe_gauge!(ENDS, Unit::Seconds, "When the certificate of the listener ends, since 1970");
        describe_counter!(
            RELOADS,
            Unit::Count,
            "Certificates that were read again, by outcome (taken, refused: the former one is served on)."
        );
        for outcome in ["taken", "refused"] {
            counter!(RELOADS, "outcome" => outcome).increment(0);
        }
        let name = public_url.and_then(host_of);
        let loaded = load(files, name.as_deref())?;
        loaded.tell(name.as_deref(), now);
        let config = Arc::new(RwLock::new(Arc::new(loaded.config)));
        Ok(Self { files: files.clone(), name, config })
    }

    /// Reads the files again: connections that come from now on are served with what they have. If that cannot be used, all
    /// stays as it is.
    pub fn reload(&self, now: Timestamp) -> Result<(), TlsError> {
        let loaded = load(&self.files, self.name.as_deref()).inspect_err(|_| {
            counter!(RELOADS, "outcome" => "refused").increment(1);
        })?;
        loaded.tell(self.name.as_deref(), now);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded.config);
        counter!(RELOADS, "outcome" => "taken").increment(1);
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

// === impl Loaded ===

impl Loaded {
    /// Tells the operator what clients will refuse: nothing here can mend it.
    fn tell(&self, name: Option<&str>, now: Timestamp) {
        if let Some(ends) = self.ends {
            // A float has room for seconds of far longer than certificates last.
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
            gauge!(ENDS).set(ends.seconds() as f64);
            let at = ends.to_rfc3339();
            if ends <= now {
                tracing::error!(at, "the certificate of the listener has ended: clients refuse it");
            } else if ends < now.plus_seconds(NEAR_END_DAYS * 86_400) {
                tracing::warn!(at, "the certificate of the listener ends soon");
            }
        }
        if let (false, Some(name)) = (self.has_name, name) {
            tracing::warn!(name, "the certificate of the listener is not for the name in `public_url`");
        }
    }
}

fn load(files: &TlsFiles, name: Option<&str>) -> Result<Loaded, TlsError> {
    let chain = read(&files.certificate)?;
    let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NoCertificate(files.certificate.clone()))?;
    let key = zeroize::Zeroizing::new(read(&files.key)?);
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoKey(files.key.clone()))?;
    let own = chain.first().cloned();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    let ends = own.as_ref().and_then(ends);
    let has_name = name.is_none_or(|name| own.as_ref().is_some_and(|own| is_for(own, name)));
    Ok(Loaded { config, ends, has_name })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

fn ends(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let ends = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    i64::try_from(ends.as_micros()).ok().map(Timestamp)
}

fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let (Ok(parsed), Ok(name)) = (ParsedCertificate::try_from(certificate), ServerName::try_from(name))
    else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}

fn host_of(url: &str) -> Option<String> {
    let host = url::Url::parse(url).ok()?.host_str()?.to_owned();
    // An address of IPv6 has brackets in a URL.
    Some(host.trim_matches(['[', ']']).to_owned())
}
