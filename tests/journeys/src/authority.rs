//! Certificates for the stories, and who says whose name is whose.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use reqwest::Certificate;
use tempfile::TempDir;

/// How many were made.
static AUTHORITIES: AtomicU32 = AtomicU32::new(0);

/// Somebody who says whose name is whose, and a folder for what is said.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    folder: TempDir,
}

/// A certificate and its key, in files.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate in PEM.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one, which nobody trusts yet.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Another one has another name, or its certificates would be taken for forgeries of this one's.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name = named(&format!("Authority {number} of the story"));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").der().to_vec();
        Self { issuer: Issuer::new(params, key), certificate, folder: tempfile::tempdir().expect("a folder") }
    }

    /// A certificate for a name, which ends in that year.
    ///
    /// # Panics
    /// When it cannot be made or written.
    pub fn certify(&self, name: &str, ends: i32) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2_000, 1, 1);
        params.not_after = date_time_ymd(ends, 1, 1);
        params.distinguished_name = named(name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let pair = self.pair(&format!("{name}-{ends}"));
        write_pem(&pair.certificate, "CERTIFICATE", certificate.der());
        write_pem(&pair.key, "PRIVATE KEY", &key.serialize_der());
        pair
    }

    /// Where a certificate of this name and its key would be.
    pub fn pair(&self, name: &str) -> Pair {
        let file = |kind| self.folder.path().join(format!("{name}.{kind}"));
        Pair { certificate: file("crt"), key: file("key") }
    }

    /// The file with its own certificate.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn ca(&self) -> PathBuf {
        let file = self.folder.path().join("ca.crt");
        write_pem(&file, "CERTIFICATE", &self.certificate);
        file
    }

    /// A client that trusts nobody else.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn client(&self) -> reqwest::Client {
        // Only a second call in one process is an error, and harmless.
        let _set_before = rustls::crypto::ring::default_provider().install_default();
        let own = Certificate::from_der(&self.certificate).expect("a certificate");
        reqwest::Client::builder().tls_certs_only([own]).build().expect("an HTTP client")
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn write_pem(file: &Path, what: &str, der: &[u8]) {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let text = format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"));
    fs::write(file, text).expect("a file can be written");
}
