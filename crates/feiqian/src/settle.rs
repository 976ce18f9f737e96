//! `feiqian settle` and `feiqian calendar`: days, what they came to, and which days are worked.

use crate::{Error, app::App, cli::Data, config::Config, database, home::Home};
use clap::{Args, Subcommand};
use domain::{Caller, Command, calendar::Calendar, settlement::Settlement};
use engine::Queries;
use std::{io::Write, path::PathBuf};
use types::{BusinessDay, Money, PageRequest};

#[derive(Debug, Args)]
pub(crate) struct Settle {
    #[command(flatten)]
    data: Data,
    /// The day to show, yyyy-MM-dd; the newest closed one when not given.
    #[arg(long, value_parser = day)]
    day: Option<BusinessDay>,
    /// Only show: the platform may be running.
    #[arg(long)]
    show: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    /// Print the calendar in the form that `set` reads.
    Show(Data),
    /// Replace the calendar while the platform is stopped.
    Set(CalendarSet),
}

#[derive(Debug, Args)]
pub(crate) struct CalendarSet {
    #[command(flatten)]
    data: Data,
    /// The calendar: lines such as `2026-10-01 off`, `2026-10-10 work`, `covers-to 2026-12-31`, `cut-off 24:00` and
    /// `release 09:00`; what follows # is left out.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

fn day(text: &str) -> Result<BusinessDay, String> {
    BusinessDay::parse(text).ok_or_else(|| format!("`{text}` is not a day such as 2026-11-22"))
}

/// Closes the days that are over and releases what is due, unless only asked to show; then prints a day.
pub(crate) async fn run(options: &Settle) -> Result<bool, Error> {
    let home = Home::new(&options.data.data);
    let config = Config::load(&home, options.data.config.as_deref())?;
    let config = config.with_database(options.data.database.as_deref());
    if options.show {
        return show(&*database::snapshot(&home, &config)?, options);
    }
    let app = App::open(&home, &config, crate::nodes::As::Tool).await?;
    let done = close_all(&app, options).await;
    let queries = std::sync::Arc::clone(&app.service.queries);
    app.close();
    done?;
    show(&*queries, options)
}

async fn close_all(app: &App, options: &Settle) -> Result<(), Error> {
    let mut out = std::io::stdout();
    while let Some(closed) = worker::settlement::close_next(&app.service).await? {
        if !options.json {
            let (merchants, totals, ms) = (closed.merchants, closed.totals, closed.took.as_millis());
            writeln!(
                out,
                "{} closed: {merchants} merchants, {} payments, {ms} ms",
                closed.day, totals.count
            )?;
        }
    }
    let due = worker::settlement::do_due(&app.service).await?;
    if due > 0 && !options.json {
        writeln!(out, "{due} releases and payouts that were due are done")?;
    }
    Ok(())
}

/// Prints a day with its settlements, a page at a time.
fn show(queries: &dyn Queries, options: &Settle) -> Result<bool, Error> {
    let mut out = std::io::stdout();
    let newest = queries.days(PageRequest::new(1, None))?.rows.into_iter().next();
    let found = match options.day {
        Some(day) => queries.day(day)?,
        None => newest,
    };
    let Some(found) = found else {
        let which = options.day.map_or("no day".to_owned(), |day| day.to_string());
        writeln!(out, "{which} has begun to close; a day closes once it is over")?;
        return Ok(false);
    };
    if !options.json {
        let (state, totals) = (found.state.name(), found.totals);
        let net = Money::cny(totals.net());
        writeln!(
            out,
            "{} {state}: {} merchants, {} payments, net {net}",
            found.day, found.merchants, totals.count
        )?;
    }
    let mut page = PageRequest::new(PageRequest::MAX, None);
    let mut settlements = Vec::new();
    loop {
        let read = queries.settlements_of_day(found.day, page)?;
        for settlement in read.rows {
            if options.json {
                settlements.push(settlement);
            } else {
                writeln!(out, "{}", line(&settlement))?;
            }
        }
        if read.next.is_none() {
            break;
        }
        page.after = read.next;
    }
    if options.json {
        let day =
            serde_json::json!({ "day": found.day.to_string(), "record": found, "settlements": settlements });
        writeln!(out, "{day}")?;
    }
    Ok(true)
}

fn line(settlement: &Settlement) -> String {
    let (totals, yuan) = (&settlement.totals, Money::cny);
    format!(
        "  {} {:<8} gross {} fees {} refunds {} net {} released {} reserve {} at {}",
        settlement.id.merchant(),
        settlement.state.name(),
        yuan(totals.gross),
        yuan(totals.fees - totals.fees_returned),
        yuan(totals.refunds),
        yuan(totals.net()),
        yuan(settlement.released),
        yuan(settlement.reserve),
        settlement.released_at.unwrap_or(settlement.release_at)
    )
}

/// Shows or replaces the calendar.
pub(crate) async fn calendar(command: &CalendarCommand) -> Result<bool, Error> {
    match command {
        CalendarCommand::Show(data) => {
            let home = Home::new(&data.data);
            let config = Config::load(&home, data.config.as_deref())?;
            let queries = database::snapshot(&home, &config.with_database(data.database.as_deref()))?;
            write!(std::io::stdout(), "{}", text(&queries.calendar()?))?;
        }
        CalendarCommand::Set(options) => {
            let read = std::fs::read_to_string(&options.file);
            let read = read.map_err(|error| format!("{}: {error}", options.file.display()))?;
            let new = parse(&read).map_err(|why| format!("{}: {why}", options.file.display()))?;
            let home = Home::new(&options.data.data);
            let config = Config::load(&home, options.data.config.as_deref())?;
            let app = App::open(
                &home,
                &config.with_database(options.data.database.as_deref()),
                crate::nodes::As::Tool,
            )
            .await?;
            let set = Command::SetCalendar(Box::new(new.clone()));
            let done = app.service.engine.run(set, Caller::platform()).await;
            app.close();
            done?;
            writeln!(
                std::io::stdout(),
                "{} days off and {} worked, to {}",
                new.holidays.len(),
                new.make_up.len(),
                new.covers_to
            )?;
        }
    }
    Ok(true)
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let part = |text: &str| if text.len() == 2 { text.parse::<u16>().ok() } else { None };
    let (hours, minutes) = (part(hours)?, part(minutes)?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// A calendar in the form that [`parse`] reads.
fn text(calendar: &Calendar) -> String {
    let mut days: Vec<(BusinessDay, &str)> = calendar.holidays.iter().map(|day| (*day, "off")).collect();
    days.extend(calendar.make_up.iter().map(|day| (*day, "work")));
    days.sort_unstable();
    let mut text = format!(
        "covers-to {}\ncut-off {}\nrelease {}\n",
        calendar.covers_to,
        clock(calendar.cut_off),
        clock(calendar.release)
    );
    for (day, kind) in days {
        text.push_str(&format!("{day} {kind}\n"));
    }
    text
}

/// Reads a calendar; what is not named has the default, but for days.
fn parse(text: &str) -> Result<Calendar, String> {
    let mut calendar = Calendar { holidays: Vec::new(), make_up: Vec::new(), ..Calendar::china() };
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let bad = || format!("line {number}: `{line}` is not such as `2026-10-01 off` or `cut-off 24:00`");
        let (what, value) = line.split_once(char::is_whitespace).ok_or_else(bad)?;
        let value = value.trim();
        match what {
            "covers-to" => calendar.covers_to = BusinessDay::parse(value).ok_or_else(bad)?,
            "cut-off" => calendar.cut_off = minutes(value).ok_or_else(bad)?,
            "release" => calendar.release = minutes(value).ok_or_else(bad)?,
            date => {
                let day = BusinessDay::parse(date).ok_or_else(bad)?;
                match value {
                    "off" => calendar.holidays.push(day),
                    "work" => calendar.make_up.push(day),
                    _ => return Err(bad()),
                }
            }
        }
    }
    calendar.holidays.sort_unstable();
    calendar.make_up.sort_unstable();
    Ok(calendar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_reads_back() {
        let china = Calendar { cut_off: 23 * 60 + 30, ..Calendar::china() };
        assert_eq!(parse(&text(&china)), Ok(china));
        let read = parse("# ours\n\n2026-10-10 work # made up\n2026-10-01\toff\n").unwrap();
        assert_eq!((read.holidays.len(), read.make_up.len(), read.cut_off), (1, 1, 1440));
        for bad in
            ["2026-10-01", "2026-13-01 off", "2026-10-01 maybe", "cut-off 9:00", "cut-off 25:00", "noon"]
        {
            let told = parse(&format!("\n{bad}")).unwrap_err();
            assert!(told.starts_with("line 2: "), "{told}");
        }
    }
}
