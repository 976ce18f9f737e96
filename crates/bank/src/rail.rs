//! Rails as banks' files name them (D13).

use serde::{Deserialize, Serialize};

/// The system that carries a payment between banks; a local instrument (`LclInstrm/Prtry`) of pain.001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rail {
    /// The central bank's large-value system: one by one, at once.
    Hvps,
    /// The central bank's small-value system: in batches.
    Beps,
    /// NetsUnion (网联).
    Netsunion,
    /// UnionPay (银联).
    Unionpay,
}

impl Rail {
    /// Every rail.
    pub const ALL: [Self; 4] = [Self::Hvps, Self::Beps, Self::Netsunion, Self::Unionpay];

    /// The code in messages.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Hvps => "HVPS",
            Self::Beps => "BEPS",
            Self::Netsunion => "NETSUNION",
            Self::Unionpay => "UNIONPAY",
        }
    }

    /// The rail of this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rail| rail.code() == code)
    }
}
