//! `feiqian reconcile`: a closed day is matched with the channel's bill and the bank's statement, and what differs is listed. People decide it in
//! the console: the command line knows nobody who could sign for a correction.

use crate::{
    Error,
    app::App,
    cli::Data,
    config::{Config, Mode},
    database,
    home::Home,
};
use clap::Args;
use domain::exception::Exception;
use engine::{Clock, Queries, SystemClock};
use reconcile::{Ageing, Suspense, ageing::BANDS};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use types::{BusinessDay, Currency, Money, PageRequest};
use worker::{
    SimulatedBank,
    reconcile::{Bills, Desk, Matched, Statements, Trouble, all_due, check, reconcile, statement},
};

/// How often a server looks for bills.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    data: Data,
    /// The day to match, yyyy-MM-dd, also one that was matched before; every day that is due when not given.
    #[arg(long, value_parser = day)]
    day: Option<BusinessDay>,
    /// The channel's bill of that day; it is checked and kept in DIR/channel in place of an earlier one.
    #[arg(long, value_name = "FILE", requires = "day", conflicts_with = "show")]
    bill: Option<PathBuf>,
    /// The bank's statement of that day, camt.053 (.xml), MT940 (.sta) or CSV; it is checked and kept in the bank's folder
    /// in place of an earlier one.
    #[arg(long, value_name = "FILE", requires = "day", conflicts_with_all = ["show", "bill"])]
    statement: Option<PathBuf>,
    /// Only list what is open: the platform may be running.
    #[arg(long)]
    show: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn day(text: &str) -> Result<BusinessDay, String> {
    BusinessDay::parse(text).ok_or_else(|| format!("`{text}` is not a day such as 2026-11-22"))
}

/// The desk where the card channel's bills come in; a sandbox's channel writes them itself.
///
/// # Errors
/// What is wrong with the configuration of the bank.
pub(crate) fn desk(app: &App, config: &Config, every: Duration) -> Result<Arc<Desk>, String> {
    let bank = Arc::new(SimulatedBank::new(Arc::clone(&app.service.vault)));
    let simulated = config.mode == Mode::Sandbox;
    let desk = Desk::new(Bills::new(app.home.channel()), bank, every, simulated);
    Ok(Arc::new(match crate::desk::statements(&app.home, config)? {
        Some(statements) => desk.with_statements(statements),
        None => desk,
    }))
}

/// Matches what is due, unless only asked to show; then lists what is open. False when anything is.
pub(crate) async fn run(options: &Reconcile) -> Result<bool, Error> {
    let home = Home::new(&options.data.data);
    let config = Config::load(&home, options.data.config.as_deref())?;
    let config = config.with_database(options.data.database.as_deref());
    let statements = crate::desk::statements(&home, &config)?;
    if options.show {
        return show(&*database::snapshot(&home, &config)?, &home, statements.as_ref(), options);
    }
    let app = App::open(&home, &config, crate::nodes::As::Tool).await?;
    let done = matched(&app, &config, options).await;
    let queries = Arc::clone(&app.service.queries);
    app.close();
    done?;
    show(&*queries, &home, statements.as_ref(), options)
}

async fn matched(app: &App, config: &Config, options: &Reconcile) -> Result<(), Error> {
    let desk = desk(app, config, EVERY)?;
    if let (Some(day), Some(bill)) = (options.day, &options.bill) {
        take_in(bill, &desk.bills().bill(day))?;
    }
    if let (Some(day), Some(file)) = (options.day, &options.statement) {
        let statements = desk.statements().ok_or(Trouble::NoBank)?;
        statement::check(statements, day, file)?;
        statements.keep(day, file)?;
    }
    let done = match options.day {
        Some(day) => of_day(app, &desk, day, options).await?,
        None => all_due(&app.service, &desk).await?,
    };
    if !options.json {
        for matched in done {
            writeln!(std::io::stdout(), "{matched}")?;
        }
    }
    Ok(())
}

/// Matches what there is of a day: its bill, its statement, or both. What was named has to be there.
async fn of_day(
    app: &App,
    desk: &Arc<Desk>,
    day: BusinessDay,
    options: &Reconcile,
) -> Result<Vec<Matched>, Error> {
    let mut done = Vec::new();
    if options.statement.is_none() {
        match reconcile(&app.service, desk, day).await {
            Ok(matched) => done.push(matched),
            Err(Trouble::NoBill(..)) if options.bill.is_none() && has_statement(desk, day)? => {}
            Err(trouble) => return Err(trouble.into()),
        }
    }
    if options.statement.is_some() || has_statement(desk, day)? {
        done.push(statement::reconcile(&app.service, desk, day).await?);
    }
    Ok(done)
}

fn has_statement(desk: &Desk, day: BusinessDay) -> Result<bool, Error> {
    let Some(statements) = desk.statements() else { return Ok(false) };
    Ok(statements.all()?.iter().any(|(known, _)| *known == day))
}

/// Puts a bill that can be read into the folder.
fn take_in(bill: &Path, to: &Path) -> Result<(), Error> {
    check(bill)?;
    let part = to.with_extension("part");
    let copied = fs::create_dir_all(to.parent().unwrap_or(Path::new("."))).and_then(|()| {
        fs::copy(bill, &part)?;
        fs::File::open(&part)?.sync_all()?;
        fs::rename(&part, to)
    });
    copied.map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(())
}

/// Lists what is open, oldest first, of one day when it is given, with its age.
fn show(
    queries: &dyn Queries,
    home: &Home,
    statements: Option<&Statements>,
    options: &Reconcile,
) -> Result<bool, Error> {
    let mut out = std::io::stdout();
    let newest = queries.journal(PageRequest::new(1, None))?.rows.first().map(|line| line.at);
    // A sandbox's clock may have been moved ahead of the machine's.
    let today = SystemClock.now().max(newest.unwrap_or_default()).business_day();
    let mut ages = Ageing::new(Currency::CNY);
    let mut open: Vec<Exception> = Vec::new();
    let mut page = PageRequest::new(PageRequest::MAX, None);
    loop {
        let read = queries.exceptions_open(page)?;
        for one in read.rows.into_iter().filter(|one| options.day.is_none_or(|day| day == one.day)) {
            add(&mut ages, &one, today)?;
            if options.json {
                open.push(one);
            } else {
                writeln!(out, "{}", line(&one, today))?;
            }
        }
        if read.next.is_none() {
            break;
        }
        page.after = read.next;
    }
    let count: u64 = ages.bands.iter().flat_map(|band| band.count).sum();
    let bills = Bills::new(home.channel());
    let refused: Vec<String> = bills.days()?.into_iter().filter_map(|day| bills.refused(day)).collect();
    let refused_statements = statements.map(Statements::refused).transpose()?.unwrap_or_default();
    let position = statements.map(Statements::position).transpose()?.flatten();
    let unexplained = position.is_some_and(|one| one.unexplained.is_some_and(|minor| minor != 0));
    if options.json {
        let all = serde_json::json!({
            "today": today.to_string(), "open": open, "ages": ages, "refused": refused,
            "refused_statements": refused_statements, "bank": position,
        });
        writeln!(out, "{all}")?;
    } else {
        writeln!(out, "{count} exceptions are open{}", bands(&ages))?;
        for why in &refused {
            writeln!(out, "a bill was refused: {why}")?;
        }
        for why in &refused_statements {
            writeln!(out, "a statement was refused: {why}")?;
        }
        if let Some(position) = position {
            writeln!(out, "{position}")?;
        }
    }
    Ok(count == 0 && refused.is_empty() && refused_statements.is_empty() && !unexplained)
}

fn add(ages: &mut Ageing, one: &Exception, today: BusinessDay) -> Result<(), Error> {
    let currency = one.against.currency();
    let suspense = one.question.map(|question| match question {
        0.. => Suspense::Owed(Money::new(question, currency)),
        _ => Suspense::Missing(Money::new(question.saturating_neg(), currency)),
    });
    let classes = reconcile::Class::ALL;
    let class = classes.into_iter().find(|class| class.name() == one.class.name());
    let class = class.ok_or_else(|| format!("{}: class {}", one.reference, one.class.name()))?;
    Ok(ages.add(class, suspense, one.since, today)?)
}

fn line(one: &Exception, today: BusinessDay) -> String {
    let age = i64::from(today.0) - i64::from(one.since.0);
    let question = one.question.map_or_else(
        || "not known".to_owned(),
        |question| Money::new(question, one.against.currency()).to_string(),
    );
    let (reference, state, note) = (&one.reference, one.state.name(), &one.note);
    format!("{reference}  {state}, {age} days, in question {question}: {note}")
}

/// Counts by age, those that are not zero.
fn bands(ages: &Ageing) -> String {
    let mut text = String::new();
    for (nth, band) in ages.bands.iter().enumerate() {
        let count: u64 = band.count.iter().sum();
        if count > 0 {
            let end = BANDS.get(nth).map_or_else(|| "older".to_owned(), |end| format!("up to {end} days"));
            text.push_str(&format!(
                "; {end}: {count}, more outside {}, less outside {}",
                band.owed, band.missing
            ));
        }
    }
    text
}
