//! Staff: signing in with two factors, what each role may do, and what ends when somebody leaves.

use crate::world::{World, digest};
use domain::{
    Actor, Caller, Command, Key, Rejection, Reply,
    hold::{HoldReason, NewHold},
    staff::{
        FAILURES_MAX, Given, HALF_LIFE, IDLE, LOCK, NewPassword, NewStaff, Permission, Role, SESSION_LIFE,
        STEP_UP_LIFE, Staff, StaffSession, StaffStep,
    },
};
use types::{MerchantId, OperatorId, Secret, time};

const FIRST: &str = "$argon2id$first";
const OWN: &str = "$argon2id$own";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn new(name: &str, merchant: Option<MerchantId>, role: Role) -> NewStaff {
    NewStaff { name: name.into(), merchant, role, password: secret(FIRST) }
}

fn given(hash: &str, right: bool) -> Given {
    Given { compared: secret(hash), right }
}

fn password(staff: OperatorId, hash: &str, right: bool, token: &str) -> Command {
    Command::SignInStaff { staff, given: given(hash, right), token: digest(token) }
}

fn code(session: &str, step: Option<i64>, token: &str) -> Command {
    Command::ConfirmTotp { session: digest(session), step, token: digest(token) }
}

impl World {
    fn employ(&mut self, new: NewStaff) -> OperatorId {
        match self.ok(Command::CreateStaff(Box::new(new))) {
            Reply::Staff(id) => id,
            other => panic!("{other:?}"),
        }
    }
    fn person(&self, id: OperatorId) -> Staff {
        self.queries.staff(id).unwrap().unwrap()
    }
    fn session_of(&self, token: &str) -> Option<StaffSession> {
        self.queries.staff_session(digest(token)).unwrap()
    }
    fn step(&mut self, command: Command) -> StaffStep {
        match self.ok(command) {
            Reply::StaffStep(step) => step,
            other => panic!("{other:?}"),
        }
    }
    /// Signs in for the first time: own password, code enrolled at step 100. The session's token is `whole`.
    fn settle_in(&mut self, id: OperatorId) {
        assert_eq!(self.step(password(id, FIRST, true, "half")), StaffStep::Right);
        assert_eq!(self.step(change("half", FIRST, "own")), StaffStep::Right);
        assert_eq!(self.step(enrol("own", Some(100), "whole")), StaffStep::Right);
    }
}

fn change(session: &str, old: &str, token: &str) -> Command {
    Command::ChangeStaffPassword(Box::new(NewPassword {
        session: digest(session),
        old: given(old, true),
        new: secret(OWN),
        token: digest(token),
    }))
}

fn enrol(session: &str, step: Option<i64>, token: &str) -> Command {
    Command::EnrolTotp { session: digest(session), secret: [1, 2, 3].into(), step, token: digest(token) }
}

#[test]
fn the_first_sign_in_replaces_the_password_and_enrols_the_code() {
    let mut world = World::new();
    let id = world.employ(new("kim", None, Role::Administrator));
    assert_eq!(world.step(password(id, FIRST, true, "half")), StaffStep::Right);
    assert!(!world.session_of("half").unwrap().whole);
    world.refuses([
        ("code before own password", code("half", Some(100), "x"), Rejection::PasswordMustChange),
        ("enrolment before own password", enrol("half", Some(100), "x"), Rejection::PasswordMustChange),
        ("a password that is no hash", change_to("half", "secret"), Rejection::PasswordWrong),
        ("no session", change("nobody", FIRST, "x"), Rejection::SessionEnded),
    ]);
    assert_eq!(world.step(change("half", FIRST, "own")), StaffStep::Right);
    assert_eq!(world.session_of("half"), None, "the token changes with the password");
    assert_eq!(world.no(code("own", Some(100), "x")), Rejection::TotpMissing);
    assert_eq!(world.step(enrol("own", None, "x")), StaffStep::Wrong);
    assert_eq!(world.step(enrol("own", Some(100), "whole")), StaffStep::Right);
    let session = world.session_of("whole").unwrap();
    assert!(session.whole && session.holds(&world.person(id), world.now));
    assert_eq!(world.no(enrol("whole", Some(101), "x")), Rejection::TotpEnrolled);
    let person = world.person(id);
    assert_eq!((person.must_change, person.failures, person.totp_step), (false, 0, 100));
    world.prove();
}

fn change_to(session: &str, hash: &str) -> Command {
    let Command::ChangeStaffPassword(mut change) = change(session, FIRST, "x") else { unreachable!() };
    change.new = secret(hash);
    Command::ChangeStaffPassword(change)
}

/// RFC 6238 §5.2: a code is accepted once.
#[test]
fn a_code_is_taken_once() {
    let mut world = World::new();
    let id = world.employ(new("kim", None, Role::Auditor));
    world.settle_in(id);
    assert_eq!(world.step(password(id, OWN, true, "again")), StaffStep::Right);
    for used in [100, 99] {
        assert_eq!(world.step(code("again", Some(used), "x")), StaffStep::Wrong, "step {used}");
    }
    assert_eq!(world.step(code("again", Some(101), "new")), StaffStep::Right);
    assert_eq!(world.session_of("again"), None, "the half session is spent");
}

/// Passwords and codes count together, and a right password does not start the count anew: whoever has it can't try codes
/// for ever.
#[test]
fn five_wrong_ones_lock_the_account_for_a_quarter_of_an_hour() {
    let mut world = World::new();
    let id = world.employ(new("kim", None, Role::Auditor));
    world.settle_in(id);
    for _ in 0..3 {
        assert_eq!(world.step(password(id, OWN, false, "x")), StaffStep::Wrong);
    }
    assert_eq!(world.step(password(id, OWN, true, "half")), StaffStep::Right);
    assert_eq!(world.step(code("half", None, "x")), StaffStep::Wrong);
    assert_eq!(world.person(id).failures, FAILURES_MAX - 1);
    assert_eq!(world.step(code("half", None, "x")), StaffStep::Wrong);
    let until = world.now.plus(LOCK);
    for (after, wanted) in [(0, true), (LOCK - 1, true), (LOCK, false)] {
        world.now = until.plus(after - LOCK);
        let outcome = world.run(password(id, OWN, true, &format!("late {after}")));
        assert_eq!(outcome == Err(Rejection::StaffLocked(until)), wanted, "{after} µs after");
    }
}

/// Two sign-ins at once: the one compared with the password of before does not count as right.
#[test]
fn a_password_replaced_meanwhile_is_wrong() {
    let mut world = World::new();
    let id = world.employ(new("kim", None, Role::Auditor));
    world.settle_in(id);
    assert_eq!(world.step(password(id, FIRST, true, "x")), StaffStep::Wrong);
}

#[test]
fn sessions_end_idle_old_or_from_elsewhere() {
    let mut world = World::new();
    let id = world.employ(new("kim", None, Role::Auditor));
    world.settle_in(id);
    let (session, person, start) = (world.session_of("whole").unwrap(), world.person(id), world.now);
    for (after, holds) in [(0, true), (IDLE - 1, true), (IDLE, false)] {
        assert_eq!(session.holds(&person, start.plus(after)), holds, "idle for {after} µs");
    }
    let mut busy = session.clone();
    for after in [SESSION_LIFE - 1, SESSION_LIFE] {
        busy.seen_at = start.plus(after);
        assert_eq!(busy.holds(&person, start.plus(after)), after < SESSION_LIFE);
    }
    world.advance(IDLE - 1);
    world.ok(Command::SeeStaffSession(digest("whole")));
    world.advance(IDLE - 1);
    assert!(world.session_of("whole").unwrap().holds(&person, world.now), "seen meanwhile");
    world.advance(1);
    assert_eq!(world.no(Command::SeeStaffSession(digest("whole"))), Rejection::SessionEnded);
    // A half session lives minutes.
    assert_eq!(world.step(password(id, OWN, true, "half")), StaffStep::Right);
    world.advance(HALF_LIFE);
    assert_eq!(world.no(code("half", Some(200), "x")), Rejection::SessionEnded);
    // A new password ends the sessions that were there.
    assert_eq!(world.step(password(id, OWN, true, "one")), StaffStep::Right);
    assert_eq!(world.step(code("one", Some(300), "kept")), StaffStep::Right);
    world.advance(1);
    assert_eq!(world.step(password(id, OWN, true, "two")), StaffStep::Right);
    assert_eq!(world.step(change("two", OWN, "other")), StaffStep::Right);
    assert!(!world.session_of("kept").unwrap().holds(&world.person(id), world.now));
    world.ok(Command::SignOutStaff(digest("other")));
    world.ok(Command::SignOutStaff(digest("other")));
    assert_eq!(world.session_of("other"), None);
    // The sweep takes what is over.
    world.advance(2 * time::DAY);
    assert_eq!(
        world.ok(Command::Sweep(types::Shard::FIRST, vec![Key::StaffSession(digest("kept"))])),
        Reply::Count(1)
    );
}

/// R-SEC: what is dangerous takes the code again, lately and in the session that asks for it.
#[test]
fn r_sec_what_is_dangerous_takes_the_code_again() {
    let mut world = World::new();
    let shop = world.shop();
    let admin = world.employ(new("admin", None, Role::Administrator));
    let clerk = world.employ(new("clerk", Some(shop.id), Role::Clerk));
    world.settle_in(admin);
    world.advance(1);
    let through = |token: &str| Caller { session: Some(digest(token)), ..Caller::of(Actor::Operator(admin)) };
    let close = |active| Command::SetStaffActive(clerk, active);
    let again = |session: &str, step| Command::StepUp { session: digest(session), step };
    let needed = Err(Rejection::StepUpNeeded);
    assert_eq!(world.run_as(through("whole"), close(false)), needed, "signing in is not enough");
    assert!(world.person(clerk).active);
    world.refuses([("no session", again("nobody", Some(101)), Rejection::SessionEnded)]);
    assert_eq!(world.step(again("whole", None)), StaffStep::Wrong);
    assert_eq!(world.step(again("whole", Some(100))), StaffStep::Wrong, "the step of the sign-in is used");
    assert_eq!(world.run_as(through("whole"), close(false)), needed);
    assert_eq!(world.person(admin).failures, 2);
    assert_eq!(world.step(again("whole", Some(101))), StaffStep::Right);
    assert_eq!(world.person(admin).failures, 0);
    assert_eq!(world.run_as(through("whole"), close(false)), Ok(Reply::Done));
    assert_eq!(world.step(again("whole", Some(101))), StaffStep::Wrong, "a step is taken once");
    // Another session of the same person has its own, and a half one has none.
    assert_eq!(world.step(password(admin, OWN, true, "second-half")), StaffStep::Right);
    assert_eq!(world.run_as(through("second-half"), close(true)), needed);
    assert_eq!(world.no(again("second-half", Some(102))), Rejection::SessionEnded);
    assert_eq!(world.step(code("second-half", Some(102), "second")), StaffStep::Right);
    assert_eq!(world.run_as(through("second"), close(true)), needed);
    // Somebody else's session is of no use, and what is not dangerous asks for nothing.
    let stranger = Caller { session: Some(digest("whole")), ..Caller::of(Actor::Operator(clerk)) };
    assert_eq!(world.run_as(stranger, close(true)), Err(Rejection::NotAllowed));
    let terms = Command::SetSettlementTerms(shop.id, None);
    assert_eq!(world.run_as(through("second"), terms), Ok(Reply::Done));
    world.advance(STEP_UP_LIFE);
    assert_eq!(world.run_as(through("whole"), close(true)), needed, "ten minutes are over");
    assert_eq!(world.step(again("whole", Some(103))), StaffStep::Right);
    assert_eq!(world.run_as(through("whole"), close(true)), Ok(Reply::Done));
    // Wrong ones lock as at sign-in.
    for _ in 0..FAILURES_MAX {
        assert_eq!(world.step(again("whole", None)), StaffStep::Wrong);
    }
    assert!(matches!(world.no(again("whole", Some(104))), Rejection::StaffLocked(_)));
    world.prove();
}

/// R-CLERK-12: what a leaver signed in with is of no use at once.
#[test]
fn r_clerk_04_a_leaver_is_out_at_once() {
    let mut world = World::new();
    let shop = world.shop();
    let owner = world.employ(new("owner", Some(shop.id), Role::Owner));
    let clerk = world.employ(new("clerk", Some(shop.id), Role::Clerk));
    world.settle_in(clerk);
    world.advance(1);
    let as_owner = Caller::of(Actor::Operator(owner));
    let leave = |active| Command::SetStaffActive(clerk, active);
    assert_eq!(world.run_as(as_owner.clone(), leave(false)), Ok(Reply::Done));
    assert!(!world.session_of("whole").unwrap().holds(&world.person(clerk), world.now));
    assert_eq!(world.no(password(clerk, OWN, true, "x")), Rejection::StaffNotFound);
    assert_eq!(world.run_as(as_owner.clone(), leave(true)), Ok(Reply::Done));
    assert!(!world.session_of("whole").unwrap().holds(&world.person(clerk), world.now), "ended for good");
    // A reset takes password and code, and lifts a lock.
    let reset = Command::ResetStaff { staff: clerk, password: secret(FIRST) };
    assert_eq!(world.run_as(as_owner.clone(), reset), Ok(Reply::Done));
    let person = world.person(clerk);
    assert!(person.must_change && person.totp.is_none() && person.active);
    let own = Command::ResetStaff { staff: owner, password: secret(FIRST) };
    assert_eq!(world.run_as(as_owner.clone(), own), Err(Rejection::StaffSelf));
    assert_eq!(world.run_as(as_owner, Command::SetStaffActive(owner, false)), Err(Rejection::StaffSelf));
}

#[test]
fn an_account_needs_a_name_of_its_own_and_a_role_of_its_place() {
    let mut world = World::new();
    let shop = world.shop();
    world.employ(new("kim", None, Role::Finance));
    let create = |name, merchant, role| Command::CreateStaff(Box::new(new(name, merchant, role)));
    world.refuses([
        ("taken", create("kim", None, Role::Auditor), Rejection::StaffNameUsed),
        ("too short", create("ki", None, Role::Auditor), Rejection::StaffNameWrong),
        ("upper case", create("Kim", None, Role::Auditor), Rejection::StaffNameWrong),
        ("a sign in front", create("-kim", None, Role::Auditor), Rejection::StaffNameWrong),
        ("a merchant's role", create("lee", None, Role::Owner), Rejection::StaffRoleWrong),
        ("the platform's", create("lee", Some(shop.id), Role::Finance), Rejection::StaffRoleWrong),
        (
            "nobody's",
            create("lee", Some(MerchantId(1)), Role::Owner),
            Rejection::MerchantNotFound(MerchantId(1)),
        ),
    ]);
}

/// R-CLERK-06, R-CLERK-34: three tiers of a merchant's people and four roles of the platform's, by what each may do.
#[test]
fn r_clerk_06_each_role_may_do_what_the_table_says() {
    use Permission::*;
    let everything = [
        SeeOrders,
        SeeMoney,
        SeeStaff,
        SeeMerchants,
        SeeJournal,
        Refund,
        ApproveRefund,
        Resend,
        RequestPayout,
        ApprovePayout,
        SetBankAccount,
        Hold,
        Reconcile,
        ManageMerchants,
        SetTerms,
        ManageStaff,
    ];
    let written_out = [
        (Role::Owner, "11110 111 1000 0001"),
        (Role::Manager, "11000 111 0000 0000"),
        (Role::Clerk, "10000 000 0000 0000"),
        (Role::Administrator, "10111 000 0010 0111"),
        (Role::Finance, "11010 111 1101 1000"),
        (Role::Support, "10010 001 0000 0000"),
        (Role::Auditor, "11111 000 0000 0000"),
    ];
    for (role, row) in written_out {
        let row: Vec<bool> = row.chars().filter(|c| *c != ' ').map(|c| c == '1').collect();
        for (what, may) in everything.into_iter().zip(row) {
            assert_eq!(role.has(what), may, "{} {what:?}", role.name());
        }
    }
}

/// The command itself asks, whatever page it comes from; and nobody reaches into another merchant.
#[test]
fn r_clerk_34_a_command_asks_for_the_right_of_whoever_gives_it() {
    let mut world = World::new();
    let (shop, other) = (world.shop(), world.shop());
    let mut person = |name, merchant, role| world.employ(new(name, merchant, role));
    let owner = person("owner", Some(shop.id), Role::Owner);
    let stranger = person("stranger", Some(other.id), Role::Owner);
    let clerk = person("clerk", Some(shop.id), Role::Clerk);
    let admin = person("admin", None, Role::Administrator);
    let finance = person("finance", None, Role::Finance);
    let gone = OperatorId(99);
    let hold = Command::HoldMoney(Box::new(NewHold {
        merchant: shop.id,
        amount: 0,
        reason: HoldReason::ALL[0],
        note: "".into(),
        until: None,
    }));
    let hire = Command::CreateStaff(Box::new(new("lee", Some(shop.id), Role::Clerk)));
    let ours = Command::CreateStaff(Box::new(new("boss", None, Role::Administrator)));
    let expire = Command::Sweep(types::Shard::FIRST, vec![]);
    for (command, may) in
        [(hold, vec![finance]), (hire, vec![owner, admin]), (ours, vec![admin]), (expire, vec![])]
    {
        for by in [owner, stranger, clerk, admin, finance, gone] {
            let caller = Caller::of(Actor::Operator(by));
            let outcome = world.ask(&[&crate::world::asked(caller, command.clone())]).remove(0);
            assert_eq!(outcome != Err(Rejection::NotAllowed), may.contains(&by), "{by:?} {command:?}");
        }
    }
    world.prove();
}
