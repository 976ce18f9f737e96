//! What waits for other people's approval, a refund or a payout: who has approved, and the two forms to decide with
//! (R-FIN-53).

use crate::{
    app::App,
    form::Posted,
    list::{Cell, Field},
    page::Page,
    problem::{Fail, words_of},
    record::{Action, Record, Section},
    stepup,
    visit::SignedIn,
};
use domain::{
    Command, Rejection,
    approval::{self, Approval},
};
use engine::Refusal;
use types::{Money, OperatorId};

/// Characters of a reason at most.
const REASON_MAX: usize = 80;

/// What approvals are asked for.
pub(crate) struct Asked<'a> {
    pub(crate) amount: Money,
    pub(crate) maker: Option<OperatorId>,
    pub(crate) given: &'a [Approval],
    pub(crate) needed: u8,
    /// Whether it still waits and whoever looks may decide.
    pub(crate) decides: bool,
    /// Keys of the words for what approving and rejecting do.
    pub(crate) effects: [&'static str; 2],
}

impl Asked<'_> {
    /// Puts approvals and forms on the record's page at `here`.
    pub(crate) fn put(
        &self,
        app: &App,
        signed_in: &SignedIn,
        here: &str,
        record: &mut Record,
    ) -> Result<(), Fail> {
        if self.needed > 0 {
            record.sections.push(self.section(app, &record.p)?);
        }
        if self.decides {
            let [mut approve, reject] = self.forms(&record.p, here);
            approve.fields.extend(stepup::field(app, signed_in, &record.p)?);
            if self.maker == Some(signed_in.staff().id) {
                record.notes.push(record.p.t("note-own"));
            } else {
                record.actions.push(approve);
            }
            record.actions.push(reject);
        }
        Ok(())
    }

    /// Who asked, who approved, and how many are missing.
    fn section(&self, app: &App, p: &Page) -> Result<Section, Fail> {
        let name = |id: OperatorId| -> Result<Cell, Fail> {
            let staff = app.queries().staff(id)?;
            Ok(staff.map_or_else(|| Cell::code(&id.to_string()), |staff| Cell::text(&staff.name)))
        };
        let mut section = Section::new(p, "approvals", &["col-what", "col-who", "col-time"]);
        if let Some(maker) = self.maker {
            section.rows.push(vec![Cell::text(&p.t("asked-for")), name(maker)?, Cell::none()]);
        }
        for approval in self.given {
            let row = vec![Cell::text(&p.t("approved")), name(approval.by)?, Cell::time(p, approval.at)];
            section.rows.push(row);
        }
        let missing = approval::missing(self.given, self.needed);
        if missing > 0 {
            let row = vec![Cell::text(&p.t("approval-missing")), Cell::number(missing), Cell::none()];
            section.rows.push(row);
        }
        Ok(section)
    }

    /// The two forms of whoever decides: to approve, the amount is typed.
    fn forms(&self, p: &Page, here: &str) -> [Action; 2] {
        let shown = crate::text::show::money(self.amount);
        let [yes, no] = self.effects;
        let mut approve = Action::new(p, "approve", "approve", format!("{here}/approve"));
        approve.effect = Some(p.t1(yes, "amount", &shown).into_owned());
        approve.fields = vec![
            Field::new(p, "text", "typed", "field-typed", "")
                .hint(p, "hint-typed")
                .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
        ];
        approve.primary = true;
        let mut reject = Action::new(p, "reject", "reject", format!("{here}/reject"));
        reject.effect = Some(p.t1(no, "amount", &shown).into_owned());
        reject.fields = vec![
            Field::new(p, "text", "reason", "field-reason", "")
                .more("maxlength=\"80\" autocomplete=\"off\" required"),
        ];
        [approve, reject]
    }
}

/// Approves if the amount typed is the one that is decided on and a code was given lately or with the form. Gives why not, in words, when it was refused.
pub(crate) async fn approve(
    app: &App,
    signed_in: &SignedIn,
    posted: &Posted,
    amount: Money,
    command: Command,
) -> Result<Option<String>, Fail> {
    if !typed(posted, amount) {
        return Ok(Some(Page::new(app, &signed_in.visit).t("error-typed").into_owned()));
    }
    match stepup::take(app, signed_in, posted).await? {
        None => decide(app, signed_in, command).await,
        refused => Ok(refused),
    }
}

/// Whether the amount typed is the one that is decided on.
pub(crate) fn typed(posted: &Posted, amount: Money) -> bool {
    let text = posted.trimmed("typed").replace([',', '¥', ' '], "");
    Money::parse(&text, amount.currency).is_ok_and(|typed| typed == amount)
}

/// Decides by `command`. Gives why not, in words, when it was refused.
pub(crate) async fn decide(
    app: &App,
    signed_in: &SignedIn,
    command: Command,
) -> Result<Option<String>, Fail> {
    match app.run(&signed_in.visit, command).await {
        Ok(_) => Ok(None),
        Err(Refusal::Rejected(why)) if why != Rejection::NotAllowed => {
            Ok(Some(words_of(signed_in.visit.language, &why)))
        }
        Err(why) => Err(why.into()),
    }
}

/// The reason given for rejecting.
pub(crate) fn reason(posted: &Posted) -> Box<str> {
    posted.trimmed("reason").chars().take(REASON_MAX).collect()
}
