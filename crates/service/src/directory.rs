//! The merchant directory: merchants with their certificates and keys parsed, cached until they change.

use crypto::{ApiV3Key, Certificate, Purpose, Sealed, Vault, platform::KeyMode};
use domain::{Event, merchant::Merchant};
use engine::{Fault, Queries};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use types::{MerchantId, Time};

/// A merchant as the edges use it.
#[derive(Debug)]
pub struct MerchantEntry {
    /// The record.
    pub merchant: Merchant,
    /// Its API certificates that are not revoked, parsed, newest first.
    pub certificates: Vec<Certificate>,
    /// Its APIv3 key; none until set.
    pub apiv3_key: Option<ApiV3Key>,
}

impl MerchantEntry {
    /// The certificate of that serial (upper-case hex), if it is valid now.
    #[must_use]
    pub fn certificate(&self, serial: &str, now: Time) -> Option<&Certificate> {
        self.certificates.iter().find(|c| c.serial() == serial && c.valid_at(now))
    }
    /// The certificate that fields of answers are encrypted for when the request names none.
    #[must_use]
    pub fn newest_certificate(&self, now: Time) -> Option<&Certificate> {
        self.certificates.iter().find(|c| c.valid_at(now))
    }
    /// How the merchant takes the platform's signatures (wire §1.8).
    #[must_use]
    pub const fn key_mode(&self) -> KeyMode {
        if self.merchant.public_key_mode { KeyMode::Both } else { KeyMode::Certificate }
    }
}

/// What an APIv3 key is bound to in the vault.
#[must_use]
pub fn apiv3_binding(merchant: MerchantId) -> String {
    format!("merchant:{merchant}")
}

/// Merchants held at most; beyond it the cache starts anew.
const ENTRIES_MAX: usize = 10_000;

/// Cached merchants. An unknown merchant is not cached.
pub struct Directory {
    queries: Arc<dyn Queries>,
    vault: Arc<Vault>,
    entries: RwLock<HashMap<MerchantId, Arc<MerchantEntry>>>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Directory")
    }
}

impl Directory {
    /// An empty cache over a store.
    #[must_use]
    pub fn new(queries: Arc<dyn Queries>, vault: Arc<Vault>) -> Self {
        Self { queries, vault, entries: RwLock::default() }
    }
    /// The merchant, or none.
    ///
    /// # Errors
    /// The store's fault.
    pub fn find(&self, id: MerchantId) -> Result<Option<Arc<MerchantEntry>>, Fault> {
        if let Some(entry) = self.entries.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Some(Arc::clone(entry)));
        }
        let Some(merchant) = self.queries.merchant(id)? else { return Ok(None) };
        let mut certificates = Vec::new();
        for kept in self.queries.certificates(id)? {
            if kept.revoked_at.is_some() {
                continue;
            }
            match Certificate::from_pem(&kept.pem) {
                Ok(certificate) => certificates.push(certificate),
                Err(error) => {
                    tracing::error!(merchant = %id, serial = %kept.serial, %error, "unreadable certificate")
                }
            }
        }
        let apiv3_key = merchant.apiv3_key.as_deref().and_then(Sealed::from_bytes).and_then(|sealed| {
            let opened = self.vault.open_text(Purpose::MerchantSecret, &apiv3_binding(id), &sealed);
            let key = opened.ok().and_then(|text| ApiV3Key::parse(text.expose()).ok());
            if key.is_none() {
                tracing::error!(merchant = %id, "the APIv3 key can't be opened; was the master key changed?");
            }
            key
        });
        let entry = Arc::new(MerchantEntry { merchant, certificates, apiv3_key });
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(id, Arc::clone(&entry));
        Ok(Some(entry))
    }
    /// Forgets everything: what is asked for next is read anew.
    pub fn forget(&self) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
    /// Forgets a merchant that changed.
    pub fn hear(&self, events: &[Event]) {
        for event in events {
            if let Event::MerchantChanged(id) = event {
                self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(id);
            }
        }
    }
}
