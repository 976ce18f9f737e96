//! Signing in and out of a console.

use super::{FAILURES_MAX, LOCK, SEALED_MAX, Staff, check_hash, find};
use crate::{Context, Rejection, Stop, Tx, journal::Subject, records::Digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use types::{OperatorId, Secret, Time, time};

/// How long a session may go without a request (R-SEC: idle logout).
pub const IDLE: i64 = 30 * time::MINUTE;
/// How long a session lives at most, however busy.
pub const SESSION_LIFE: i64 = 12 * time::HOUR;
/// How long there is between the password and the code.
pub const HALF_LIFE: i64 = 10 * time::MINUTE;
/// How often a request of a session is noted; a session's idle time is known to this.
pub const SEEN_EVERY: i64 = 2 * time::MINUTE;
/// How long a code that was given again counts for what is dangerous: money that leaves, corrections of the books, bank
/// accounts, people.
pub const STEP_UP_LIFE: i64 = 10 * time::MINUTE;
/// Characters of an address or a device that a session keeps.
const DEVICE_MAX: usize = 120;

/// A session of a console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffSession {
    /// Hash of its token.
    pub token: Digest,
    /// Whose.
    pub staff: OperatorId,
    /// Whether both factors were given; with the password alone nothing but the second can be done.
    pub whole: bool,
    /// Since when.
    pub created_at: Time,
    /// The last request that was noted.
    pub seen_at: Time,
    /// Until when at most.
    pub expires_at: Time,
    /// The device, as it named itself.
    pub device: Box<str>,
    /// The network address.
    pub address: Box<str>,
    /// When the code was given again, for what is dangerous; see [`STEP_UP_LIFE`].
    pub stepped_up_at: Option<Time>,
}

impl StaffSession {
    /// Whether it holds at `now` for an account: neither too old, nor idle for too long, nor ended from elsewhere.
    #[must_use]
    pub fn holds(&self, staff: &Staff, now: Time) -> bool {
        self.staff == staff.id
            && staff.active
            && self.created_at >= staff.sessions_from
            && now < self.expires_at
            && now < self.seen_at.plus(IDLE)
    }
    /// Whether the code was given again lately enough for what is dangerous. Signing in does not count: the session may
    /// have been left open since.
    #[must_use]
    pub fn stepped_up(&self, now: Time) -> bool {
        self.whole && self.stepped_up_at.is_some_and(|at| now < at.plus(STEP_UP_LIFE))
    }
}

/// What became of a step of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffStep {
    /// Wrong; it was counted.
    Wrong,
    /// Right; the session goes on under the new token.
    Right,
}

/// A password given to sign in or to be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The hash it was compared with: if that is no longer the account's, it counts as wrong.
    pub compared: Secret<String>,
    /// Whether it was the right one.
    pub right: bool,
}

impl Given {
    fn holds_for(&self, staff: &Staff) -> bool {
        let same = self.compared.expose().as_bytes().ct_eq(staff.password.expose().as_bytes());
        self.right && bool::from(same)
    }
}

/// A password to be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPassword {
    /// Hash of the session's token.
    pub session: Digest,
    /// The old password.
    pub old: Given,
    /// Hash of the new one.
    pub new: Secret<String>,
    /// Hash of the token under which the session goes on.
    pub token: Digest,
}

/// Takes a password: a half session begins. Errors: `StaffNotFound` (no such account, or not active), `StaffLocked`.
pub(crate) fn sign_in(
    id: OperatorId,
    given: &Given,
    token: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<StaffStep, Stop> {
    tx.expect::<StaffSession>(&token);
    let staff = find(id, tx)?;
    check_open(&staff, ctx)?;
    if !given.holds_for(&staff) {
        return Ok(wrong(staff, "wrong password", ctx, tx));
    }
    begin(&staff, token, false, ctx, tx)?;
    tx.note("password");
    tx.put(Staff { journal: ctx.journal, ..staff });
    Ok(StaffStep::Right)
}

/// Replaces the password of a session's account; every other session ends.
/// Errors: `SessionEnded`, `StaffLocked`, `PasswordWrong` for a hash of another kind.
pub(crate) fn change_password(
    change: &NewPassword,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<StaffStep, Stop> {
    check_hash(&change.new)?;
    tx.expect::<StaffSession>(&change.token);
    let (session, staff) = held(change.session, ctx, tx)?;
    check_open(&staff, ctx)?;
    if !change.old.holds_for(&staff) {
        return Ok(wrong(staff, "wrong password", ctx, tx));
    }
    go_on(session, change.token, ctx, tx)?;
    tx.note("password changed");
    tx.put(Staff {
        password: change.new.clone(),
        must_change: false,
        sessions_from: ctx.now,
        journal: ctx.journal,
        ..staff
    });
    Ok(StaffStep::Right)
}

/// Enrols the second factor of an account that has none; `step` is the step of the code given, if it was right.
/// Errors: `SessionEnded`, `StaffLocked`, `PasswordMustChange` first, `TotpEnrolled`.
pub(crate) fn enrol(
    session: Digest,
    secret: &[u8],
    step: Option<i64>,
    token: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<StaffStep, Stop> {
    let (session, staff) = before_code(session, token, ctx, tx)?;
    if staff.totp.is_some() || secret.is_empty() || secret.len() > SEALED_MAX {
        return Err(Rejection::TotpEnrolled.into());
    }
    let Some(step) = step else { return Ok(wrong(staff, "wrong code", ctx, tx)) };
    let staff = Staff { totp: Some(secret.into()), ..staff };
    complete(session, staff, step, token, "code enrolled, signed in", ctx, tx)
}

/// Takes a code: the session becomes whole; `step` is the step it belongs to, if it was right. A step is taken once.
/// Errors: `SessionEnded`, `StaffLocked`, `PasswordMustChange`, `TotpMissing` before it is enrolled.
pub(crate) fn confirm(
    session: Digest,
    step: Option<i64>,
    token: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<StaffStep, Stop> {
    let (session, staff) = before_code(session, token, ctx, tx)?;
    if staff.totp.is_none() {
        return Err(Rejection::TotpMissing.into());
    }
    match step {
        Some(step) if step > staff.totp_step => complete(session, staff, step, token, "signed in", ctx, tx),
        Some(_) => Ok(wrong(staff, "code used before", ctx, tx)),
        None => Ok(wrong(staff, "wrong code", ctx, tx)),
    }
}

/// Takes a code again, before something dangerous: it counts for [`STEP_UP_LIFE`] in this session. `step` is the step the
/// code belongs to, if it was right; a step is taken once, and wrong ones lock the account as at sign-in.
/// Errors: `SessionEnded`, also for a half session; `StaffLocked`, `TotpMissing`.
pub(crate) fn step_up(
    session: Digest,
    step: Option<i64>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<StaffStep, Stop> {
    let (session, staff) = held(session, ctx, tx)?;
    check_open(&staff, ctx)?;
    if !session.whole {
        return Err(Rejection::SessionEnded.into());
    }
    if staff.totp.is_none() {
        return Err(Rejection::TotpMissing.into());
    }
    let step = match step {
        Some(step) if step > staff.totp_step => step,
        Some(_) => return Ok(wrong(staff, "code used before", ctx, tx)),
        None => return Ok(wrong(staff, "wrong code", ctx, tx)),
    };
    tx.note("code given again");
    tx.put(StaffSession { stepped_up_at: Some(ctx.now), seen_at: ctx.now, ..session });
    tx.put(Staff { totp_step: step, journal: ctx.journal, ..staff.unlocked() });
    Ok(StaffStep::Right)
}

/// Notes that a session is in use. Errors: `SessionEnded`.
pub(crate) fn seen(session: Digest, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let (session, _) = held(session, ctx, tx)?;
    tx.put(StaffSession { seen_at: ctx.now, ..session });
    Ok(())
}

/// Ends a session; one that is unknown is ended already.
pub(crate) fn sign_out(session: Digest, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if let Some(held) = tx.get::<StaffSession>(&session)? {
        let staff = held.staff;
        tx.about(Subject::Staff(staff), None);
        tx.delete::<StaffSession>(session);
    }
    Ok(())
}

fn complete(
    session: StaffSession,
    staff: Staff,
    step: i64,
    token: Digest,
    note: &str,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<StaffStep, Stop> {
    tx.delete::<StaffSession>(session.token);
    begin(&staff, token, true, ctx, tx)?;
    tx.note(note);
    let signed_in_at = Some(ctx.now);
    tx.put(Staff { totp_step: step, signed_in_at, journal: ctx.journal, ..staff.unlocked() });
    Ok(StaffStep::Right)
}

fn begin(staff: &Staff, token: Digest, whole: bool, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let cut = |text: String| text.chars().take(DEVICE_MAX).collect::<String>().into_boxed_str();
    let (device, address) = (ctx.caller.device.as_deref(), ctx.caller.address);
    let session = StaffSession {
        token,
        staff: staff.id,
        whole,
        created_at: ctx.now,
        seen_at: ctx.now,
        expires_at: ctx.now.plus(if whole { SESSION_LIFE } else { HALF_LIFE }),
        device: cut(device.unwrap_or_default().to_owned()),
        address: cut(address.map(|address| address.to_string()).unwrap_or_default()),
        stepped_up_at: None,
    };
    put_new(session, tx)
}

/// Moves a session to a fresh token, so that one known before is of no use after.
fn go_on(session: StaffSession, token: Digest, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.delete::<StaffSession>(session.token);
    put_new(StaffSession { token, created_at: ctx.now, seen_at: ctx.now, ..session }, tx)
}

fn put_new(session: StaffSession, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if tx.get::<StaffSession>(&session.token)?.is_some() {
        return Err(Rejection::SessionEnded.into()); // a token is used once
    }
    tx.put(session);
    Ok(())
}

fn held(token: Digest, ctx: &Context, tx: &mut Tx<'_>) -> Result<(StaffSession, Staff), Stop> {
    let session = tx.need::<StaffSession>(&token, Rejection::SessionEnded)?.clone();
    let staff = find(session.staff, tx)?;
    if session.holds(&staff, ctx.now) { Ok((session, staff)) } else { Err(Rejection::SessionEnded.into()) }
}

/// The session that a code is given to, and its account; `token` is the one under which it is to go on.
/// Errors: `SessionEnded`, `StaffLocked`, `PasswordMustChange`.
fn before_code(
    session: Digest,
    token: Digest,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(StaffSession, Staff), Stop> {
    tx.expect::<StaffSession>(&token);
    let (session, staff) = held(session, ctx, tx)?;
    check_open(&staff, ctx)?;
    if staff.must_change {
        return Err(Rejection::PasswordMustChange.into());
    }
    Ok((session, staff))
}

fn check_open(staff: &Staff, ctx: &Context) -> Result<(), Rejection> {
    match staff.locked_until {
        _ if !staff.active => Err(Rejection::StaffNotFound),
        Some(until) if ctx.now < until => Err(Rejection::StaffLocked(until)),
        _ => Ok(()),
    }
}

fn wrong(staff: Staff, note: &str, ctx: &Context, tx: &mut Tx<'_>) -> StaffStep {
    let failures = staff.failures.saturating_add(1);
    let locks = failures >= FAILURES_MAX;
    tx.note(if locks { format!("{note}; locked") } else { note.to_owned() });
    tx.put(Staff {
        failures: if locks { 0 } else { failures },
        locked_until: if locks { Some(ctx.now.plus(LOCK)) } else { staff.locked_until },
        journal: ctx.journal,
        ..staff
    });
    StaffStep::Wrong
}
