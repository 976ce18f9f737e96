//! Applications (official accounts, mini-programs, apps): what an `appid` names.

use crate::{Stop, Tx, records::Digest};
use serde::{Deserialize, Serialize};
use types::AppId;

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// `appid` on the wire.
    pub id: AppId,
    /// Its name, shown when a payer is asked to authorise.
    pub name: Box<str>,
    /// Hosts (with port, when not the scheme's own) that OAuth may redirect to.
    pub redirect_hosts: Vec<Box<str>>,
    /// Hash of the application secret, for exchanging an authorization code.
    pub secret: Option<Digest>,
}

/// Registers an application, or replaces its settings.
pub(crate) fn register(new: &Application, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.get::<Application>(&new.id)?;
    tx.note(new.id.to_string());
    tx.put(new.clone());
    Ok(())
}
