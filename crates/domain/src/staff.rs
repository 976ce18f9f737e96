//! Staff: people who sign in to a console, of the platform or of a merchant; what each role may do.
//!
//! Two factors, in this order: a password (argon2id, made and compared outside, where it may take its time) and a
//! six-digit code (TOTP, RFC 6238). The first sign-in replaces the password and enrols the code:
//!
//! ```text
//! password ─▶ half session ─[own password, enrol]─ code ─▶ whole session
//!    └ wrong, five in all with wrong codes ─▶ locked for a quarter of an hour
//! ```
//!
//! What is dangerous takes the code again, in the same session and lately ([`STEP_UP_LIFE`]).

mod permission;
mod session;

pub use permission::{Permission, Role};
pub use session::{
    Given, HALF_LIFE, IDLE, NewPassword, SEEN_EVERY, SESSION_LIFE, STEP_UP_LIFE, StaffSession, StaffStep,
};

pub(crate) use permission::authorise;
pub(crate) use session::{change_password, confirm, enrol, seen, sign_in, sign_out, step_up};

use crate::{Context, Rejection, Stop, Tx, context::Actor, journal::Subject, merchant::Merchant, sweep};
use serde::{Deserialize, Serialize};
use types::{JournalId, MerchantId, OperatorId, Secret, Time, time};

/// A person who signs in to a console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Its number, as the journal names it.
    pub id: OperatorId,
    /// Signs in with this; see [`NewStaff::name`].
    pub name: Box<str>,
    /// Works for this merchant; for the platform when none.
    pub merchant: Option<MerchantId>,
    /// What the person may do.
    pub role: Role,
    /// Whether the person may sign in.
    pub active: bool,
    /// The password's argon2id hash in PHC form.
    pub password: Secret<String>,
    /// Whether the password was given by somebody else, so that it must be replaced at the next sign-in.
    pub must_change: bool,
    /// The TOTP secret, sealed by the vault; none until enrolled.
    pub totp: Option<Box<[u8]>>,
    /// The last TOTP step accepted: a code is taken once (RFC 6238 §5.2).
    pub totp_step: i64,
    /// Wrong passwords and codes since the last whole sign-in.
    pub failures: u8,
    /// Until when no sign-in is taken.
    pub locked_until: Option<Time>,
    /// Sessions that began before are over.
    pub sessions_from: Time,
    /// Last whole sign-in.
    pub signed_in_at: Option<Time>,
    /// When the account was made.
    pub created_at: Time,
    /// Newest journal line.
    pub journal: JournalId,
}

/// Whose a sign-in name is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffName {
    /// The name.
    pub name: Box<str>,
    /// Whose.
    pub staff: OperatorId,
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStaff {
    /// Signs in with this: 3 to 40 of `a`–`z`, `0`–`9`, `.`, `-`, `_`, `@`, beginning with a letter or digit; unique.
    pub name: Box<str>,
    /// Works for this merchant; for the platform when none.
    pub merchant: Option<MerchantId>,
    /// A merchant's role for a merchant's staff, one of the platform's else.
    pub role: Role,
    /// Hash of the first password, which must be replaced at the first sign-in.
    pub password: Secret<String>,
}

/// Wrong passwords and codes in a row after which the account is locked.
pub const FAILURES_MAX: u8 = 5;
/// How long it is locked.
pub const LOCK: i64 = 15 * time::MINUTE;
/// Characters of a hash in PHC form at most.
const HASH_MAX: usize = 256;
/// Bytes of a sealed TOTP secret at most.
const SEALED_MAX: usize = 512;

impl Staff {
    /// Whether the person may do this with what belongs to `merchant`; none for what belongs to the platform.
    #[must_use]
    pub fn may(&self, what: Permission, merchant: Option<MerchantId>) -> bool {
        self.active && self.role.has(what) && self.merchant.is_none_or(|own| merchant == Some(own))
    }
    /// Whether a sign-in is refused at `now` for too many wrong ones.
    #[must_use]
    pub fn locked(&self, now: Time) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
    fn unlocked(self) -> Self {
        Self { failures: 0, locked_until: None, ..self }
    }
}

/// Whether a text can be a sign-in name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (3..=40).contains(&name.len())
        && plain(name.as_bytes()[0])
        && name.bytes().all(|b| plain(b) || b".-_@".contains(&b))
}

/// Makes an account. Errors: `StaffNameWrong`, `StaffNameUsed`, `StaffRoleWrong`, `MerchantNotFound`.
pub(crate) fn create(new: &NewStaff, ctx: &Context, tx: &mut Tx<'_>) -> Result<OperatorId, Stop> {
    if !is_name(&new.name) {
        return Err(Rejection::StaffNameWrong.into());
    }
    check_hash(&new.password)?;
    if new.role.is_platforms() != new.merchant.is_none() {
        return Err(Rejection::StaffRoleWrong.into());
    }
    tx.expect::<StaffName>(&new.name);
    if let Some(merchant) = new.merchant {
        tx.need::<Merchant>(&merchant, Rejection::MerchantNotFound(merchant))?;
    }
    if tx.get::<StaffName>(&new.name)?.is_some() {
        return Err(Rejection::StaffNameUsed.into());
    }
    let id = OperatorId(sweep::next("staff", tx)?);
    tx.get::<Staff>(&id)?;
    tx.about(Subject::Staff(id), None);
    tx.note(format!("{} as {}", new.name, new.role.name()));
    tx.put(StaffName { name: new.name.clone(), staff: id });
    tx.put(Staff {
        id,
        name: new.name.clone(),
        merchant: new.merchant,
        role: new.role,
        active: true,
        password: new.password.clone(),
        must_change: true,
        totp: None,
        totp_step: 0,
        failures: 0,
        locked_until: None,
        sessions_from: ctx.now,
        signed_in_at: None,
        created_at: ctx.now,
        journal: ctx.journal,
    });
    Ok(id)
}

/// Gives an account a new first password: all sessions end, the code is enrolled anew, a lock is lifted.
/// Errors: `StaffNotFound`, `StaffSelf` for one's own account.
pub(crate) fn reset(
    id: OperatorId,
    password: &Secret<String>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    check_hash(password)?;
    let staff = other(id, ctx, tx)?.unlocked();
    tx.put(Staff {
        password: password.clone(),
        must_change: true,
        totp: None,
        sessions_from: ctx.now,
        journal: ctx.journal,
        ..staff
    });
    Ok(())
}

/// Lets a person sign in, or ends every session and lets nobody (R-CLERK-04, R-CLERK-12: at once).
/// Errors: `StaffNotFound`, `StaffSelf` for one's own account.
pub(crate) fn set_active(id: OperatorId, active: bool, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let staff = other(id, ctx, tx)?;
    let sessions_from = if active { staff.sessions_from } else { ctx.now };
    tx.note(if active { "may sign in" } else { "may not sign in" });
    tx.put(Staff { active, sessions_from, journal: ctx.journal, ..staff });
    Ok(())
}

/// The account, which must not be the caller's own.
fn other(id: OperatorId, ctx: &Context, tx: &mut Tx<'_>) -> Result<Staff, Stop> {
    let staff = find(id, tx)?;
    if ctx.caller.actor == Actor::Operator(id) {
        return Err(Rejection::StaffSelf.into());
    }
    Ok(staff)
}

fn find(id: OperatorId, tx: &mut Tx<'_>) -> Result<Staff, Stop> {
    let staff = tx.need::<Staff>(&id, Rejection::StaffNotFound)?.clone();
    tx.about(Subject::Staff(id), Some(staff.journal));
    Ok(staff)
}

fn check_hash(hash: &Secret<String>) -> Result<(), Rejection> {
    let hash = hash.expose();
    let right = hash.starts_with("$argon2id$") && hash.len() <= HASH_MAX && hash.is_ascii();
    if right { Ok(()) } else { Err(Rejection::PasswordWrong) }
}
