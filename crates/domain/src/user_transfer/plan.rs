//! What a merchant may transfer to users: its scenes, and what it has transferred today.

use crate::{Context, Rejection, Stop, Tx, context::Event, journal::Subject, merchant::Merchant};
use serde::{Deserialize, Serialize};
use types::{BusinessDay, JournalId, MerchantId, Money};

use super::scene;

/// The rules on transfers to users. Amounts are fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTransferRules {
    /// The least of one transfer.
    pub least: i64,
    /// The most of one transfer.
    pub most: i64,
    /// The most a merchant transfers in a day.
    pub merchant_day: i64,
    /// The most a user receives in a day.
    pub payer_day: i64,
    /// From this amount on the user's name must be given.
    pub name_from: i64,
    /// Seconds in which the user must confirm, and in which the merchant's money must come.
    pub confirm_s: i64,
}

impl UserTransferRules {
    /// What the wire says (§8.1): at least 0.1 yuan, a name from 2 000 yuan on, a day to confirm; and the product's own
    /// usual quotas, 20 000 yuan to a user and 100 000 yuan from a merchant in a day.
    #[must_use]
    pub const fn of_wire() -> Self {
        Self {
            least: 10,
            most: 20_000_00,
            merchant_day: 100_000_00,
            payer_day: 20_000_00,
            name_from: 2_000_00,
            confirm_s: 24 * 3600,
        }
    }
    /// Checks the amount of one transfer, and that a name is given where one must be. Errors: `TransferAmount`,
    /// `TransferNameMissing`.
    pub(super) fn check(&self, amount: Money, named: bool) -> Result<(), Rejection> {
        if !(self.least..=self.most).contains(&amount.minor) {
            let (least, most) = (Money::cny(self.least), Money::cny(self.most));
            return Err(Rejection::TransferAmount { least, most });
        }
        if amount.minor >= self.name_from && !named {
            return Err(Rejection::TransferNameMissing(Money::cny(self.name_from)));
        }
        Ok(())
    }
}

/// A merchant's scenes and what it has transferred today. Only the first shard writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferPlan {
    /// Whose.
    pub merchant: MerchantId,
    /// Scenes that are open, by id.
    pub scenes: Vec<u16>,
    /// The day counted.
    pub day: BusinessDay,
    /// Asked for on that day, fen; what came back counts, too.
    pub day_total: i64,
    /// Newest journal line.
    pub journal: JournalId,
}

impl TransferPlan {
    /// Whether the scene is open. Errors: `SceneClosed`.
    pub(super) fn check_open(&self, scene: u16) -> Result<(), Rejection> {
        if self.scenes.contains(&scene) { Ok(()) } else { Err(Rejection::SceneClosed(scene)) }
    }
    /// Counts `amount` on `day`. Errors: `TransferDay` with what is left.
    pub(super) fn count(
        mut self,
        amount: i64,
        day: BusinessDay,
        rules: &UserTransferRules,
    ) -> Result<Self, Rejection> {
        if self.day != day {
            (self.day, self.day_total) = (day, 0);
        }
        let left = rules.merchant_day.saturating_sub(self.day_total);
        if amount > left {
            return Err(Rejection::TransferDay { left: Money::cny(left.max(0)) });
        }
        self.day_total += amount;
        Ok(self)
    }
}

/// A merchant's plan; nothing open when none was made.
pub(super) fn plan_of(merchant: MerchantId, ctx: &Context, tx: &mut Tx<'_>) -> Result<TransferPlan, Stop> {
    let none = TransferPlan {
        merchant,
        scenes: Vec::new(),
        day: BusinessDay(0),
        day_total: 0,
        journal: ctx.journal,
    };
    Ok(tx.get::<TransferPlan>(&merchant)?.cloned().unwrap_or(none))
}

/// Opens just these scenes for a merchant. Errors: `MerchantNotFound`, `SceneUnknown`.
pub(crate) fn set_scenes(
    merchant: MerchantId,
    scenes: &[u16],
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    tx.expect::<TransferPlan>(&merchant);
    let known = tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?.clone();
    tx.about(Subject::Merchant(merchant), Some(known.journal));
    if let Some(unknown) = scenes.iter().find(|id| scene::find(**id).is_none()) {
        return Err(Rejection::SceneUnknown(*unknown).into());
    }
    let mut scenes = scenes.to_vec();
    scenes.sort_unstable();
    scenes.dedup();
    let text: Vec<String> = scenes.iter().map(u16::to_string).collect();
    tx.note(format!("transfer scenes: {}", text.join(", ")));
    let plan = plan_of(merchant, ctx, tx)?;
    tx.put(TransferPlan { scenes, journal: ctx.journal, ..plan });
    tx.put(Merchant { journal: ctx.journal, ..known });
    tx.tell(Event::MerchantChanged(merchant));
    Ok(())
}
