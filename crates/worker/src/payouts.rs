//! Payouts go to the bank in files, and the bank's reports and notices come back, over a folder.
//!
//! ```text
//! FOLDER/in/FQ….xml      pain.001, for the bank to take
//! FOLDER/sent/FQ….xml    the same, kept: what is here was written
//! FOLDER/out/            what the bank wrote; reports and notices move to out/done or, unreadable, to out/bad
//! ```
//!
//! A payout is marked as sent in a file before the file is written, and the file is named by its message id. After a crash
//! it is written again from the same records under the same id, which the bank tells as a repeat: no payout is ever in two
//! files, and none is forgotten. Statements (camt.053) stay where they are for reconciliation.

use crate::insist::insist;
use bank::{
    AccountNumber, BankNumber, Direction, Entry, Limits, Name, Party, Remittance, Statements, camt, pain001,
    pain002, simulated, statement,
};
use domain::{
    Caller, Command,
    payout::{BankAnswer, FILE_MAX, Payout, PayoutState, Rail},
};
use engine::{Fault, Refusal};
use service::{Service, payout::OpenError};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use types::{Masked, Money, PageRequest, PayoutId};

/// The desk at which files are exchanged with the platform's bank.
pub struct Desk {
    /// The folder shared with the bank.
    pub folder: PathBuf,
    /// The platform's account, from which payouts are made.
    pub debtor: Party,
    /// How often the folder is looked at.
    pub every: Duration,
    /// The sandbox's bank on the other side of the folder, if there is no other.
    pub simulated: Option<Mutex<simulated::Bank>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({})", self.folder.display())
    }
}

/// Why files could not be exchanged; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The engine refused a command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] Fault),
    /// A bank account can't be opened.
    #[error(transparent)]
    Account(#[from] OpenError),
    /// A bank account holds what a file can't carry.
    #[error("the {0} of payout {1} does not fit a payment order; set the merchant's bank account again")]
    Unfit(&'static str, PayoutId),
    /// A file can't be written or read.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// A payment order can't be made.
    #[error(transparent)]
    File(#[from] intake::Fault),
}

/// What an exchange came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Exchanged {
    /// Payouts that went into a new file.
    pub sent: usize,
    /// Files written, those after a crash too.
    pub written: usize,
    /// Files of the bank read.
    pub read: usize,
    /// Answers that a payout contradicted or did not know; reconciliation sees to them.
    pub refused: usize,
}

/// Exchanges files until the task is dropped.
pub(crate) async fn run(service: Arc<Service>, desk: Arc<Desk>) {
    let mut timer = tokio::time::interval(desk.every);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        match exchange(&service, &desk).await {
            Ok(done) if done == Exchanged::default() => {}
            Ok(Exchanged { sent, written, read, refused }) => {
                tracing::info!(sent, written, read, refused, "files exchanged with the bank");
            }
            Err(Trouble::Refused(Refusal::Stopped)) => return,
            Err(trouble) => {
                tracing::error!(%trouble, "files could not be exchanged with the bank; trying again")
            }
        }
    }
}

/// Sends what is to be sent, writes files that are missing, lets the simulated bank work, and takes in what the bank says.
///
/// # Errors
/// [`Trouble`]; what was done by then stays, and the next call goes on from there.
pub async fn exchange(service: &Arc<Service>, desk: &Arc<Desk>) -> Result<Exchanged, Trouble> {
    let mut done = Exchanged { sent: send(service).await?, ..Exchanged::default() };
    let (reader, at) = (Arc::clone(service), Arc::clone(desk));
    let written = tokio::task::spawn_blocking(move || {
        let written = write_missing(&reader, &at)?;
        if let Some(bank) = &at.simulated {
            let mut bank = bank.lock().unwrap_or_else(PoisonError::into_inner);
            bank.run(reader.now())?;
        }
        Ok::<_, Trouble>(written)
    });
    done.written = written.await.map_err(stopped)??;
    for file in listed(&desk.folder.join("out"))? {
        let read: Reader = if file.starts_with("pain002") {
            report
        } else if file.starts_with("camt054") {
            notice
        } else {
            continue;
        };
        let (reader, path) = (Arc::clone(service), desk.folder.join("out").join(&file));
        let told = tokio::task::spawn_blocking(move || read(&reader, &path)).await.map_err(stopped)?;
        let to = match told {
            Ok(answers) => {
                done.refused += take_in(service, answers).await?;
                done.read += 1;
                "done"
            }
            Err(Trouble::File(why)) => {
                tracing::error!(file, %why, "a file of the bank is not right and was set aside in out/bad");
                "bad"
            }
            Err(other) => return Err(other),
        };
        put_aside(&desk.folder.join("out"), &file, to)?;
    }
    Ok(done)
}

fn stopped(_: tokio::task::JoinError) -> Trouble {
    Trouble::Refused(Refusal::Stopped)
}

fn io(path: &Path, error: std::io::Error) -> Trouble {
    Trouble::Io(path.display().to_string(), error)
}

/// Marks what is to be sent, a file at a time.
async fn send(service: &Arc<Service>) -> Result<usize, Trouble> {
    let mut sent = 0;
    let mut page = PageRequest::new(PageRequest::MAX, None);
    loop {
        let (queries, asked) = (Arc::clone(&service.queries), page);
        let read = tokio::task::spawn_blocking(move || queries.payouts_open(None, asked));
        let read = read.await.map_err(stopped)??;
        let created = read.rows.iter().filter(|payout| payout.state == PayoutState::Created);
        let payouts: Vec<PayoutId> = created.map(|payout| payout.id).take(FILE_MAX).collect();
        if let Some(first) = payouts.first() {
            sent += payouts.len();
            let command = Command::SendPayouts { file: format!("FQ{first}").into(), payouts };
            insist(&service.engine, &command, &Caller::platform()).await?;
        }
        match read.next {
            Some(next) => page.after = Some(next),
            None => return Ok(sent),
        }
    }
}

/// Writes the files of payouts that are sent and whose file is not there.
fn write_missing(service: &Service, desk: &Desk) -> Result<usize, Trouble> {
    for sub in ["in", "sent", "out/done", "out/bad"] {
        let folder = desk.folder.join(sub);
        fs::create_dir_all(&folder).map_err(|error| io(&folder, error))?;
    }
    let mut missing: BTreeMap<Box<str>, Vec<Payout>> = BTreeMap::new();
    let mut page = PageRequest::new(PageRequest::MAX, None);
    let mut there = BTreeSet::new();
    loop {
        let read = service.queries.payouts_open(None, page)?;
        for payout in read.rows.into_iter().filter(|payout| payout.state == PayoutState::Sent) {
            if !there.contains(&payout.file) && !missing.contains_key(&payout.file) {
                if is_written(desk, &payout.file) {
                    there.insert(payout.file.clone());
                    continue;
                }
            } else if there.contains(&payout.file) {
                continue;
            }
            missing.entry(payout.file.clone()).or_default().push(payout);
        }
        match read.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    for (file, payouts) in &missing {
        write_file(service, desk, file, payouts)?;
    }
    Ok(missing.len())
}

/// Whether the bank has had the file, as far as the folder tells.
fn is_written(desk: &Desk, file: &str) -> bool {
    let name = format!("{file}.xml");
    let places = ["in", "in/done"].map(|sub| desk.folder.join(sub).join(&name));
    kept(desk, file).exists() || places.iter().any(|path| path.exists())
}

fn kept(desk: &Desk, file: &str) -> PathBuf {
    desk.folder.join("sent").join(format!("{file}.xml"))
}

/// Writes a payment order: for the bank first, then the copy that says so.
fn write_file(service: &Service, desk: &Desk, file: &str, payouts: &[Payout]) -> Result<(), Trouble> {
    let mut batches: BTreeMap<(Rail, bool), Vec<pain001::Payment>> = BTreeMap::new();
    for payout in payouts {
        batches.entry((payout.rail, payout.urgent)).or_default().push(payment(service, payout)?);
    }
    // The same after a crash: the day on which the first of them was asked for.
    let created = payouts.iter().map(|payout| payout.created_at).min().unwrap_or_default();
    let orders: Vec<pain001::Order> = batches
        .into_iter()
        .map(|((rail, urgent), payments)| pain001::Order {
            id: batch_id(file, rail, urgent),
            rail: wire_rail(rail),
            urgent,
            day: created.business_day(),
            debtor: desk.debtor.clone(),
            payments,
        })
        .collect();
    let bytes = pain001::write(Vec::new(), file, created, desk.debtor.name.expose(), &orders)?;
    for path in [desk.folder.join("in").join(format!("{file}.xml")), kept(desk, file)] {
        let beside = path.with_extension("part");
        fs::write(&beside, &bytes).map_err(|error| io(&beside, error))?;
        fs::File::open(&beside).and_then(|file| file.sync_all()).map_err(|error| io(&beside, error))?;
        fs::rename(&beside, &path).map_err(|error| io(&path, error))?;
    }
    Ok(())
}

/// A batch's id: its file, rail and urgency, at most 33 characters.
fn batch_id(file: &str, rail: Rail, urgent: bool) -> String {
    format!("{file}-{}-{}", rail.name(), if urgent { 'u' } else { 'n' })
}

const fn wire_rail(rail: Rail) -> bank::Rail {
    match rail {
        Rail::Hvps => bank::Rail::Hvps,
        Rail::Beps => bank::Rail::Beps,
        Rail::Netsunion => bank::Rail::Netsunion,
        Rail::Unionpay => bank::Rail::Unionpay,
    }
}

fn payment(service: &Service, payout: &Payout) -> Result<pain001::Payment, Trouble> {
    let clear = service::payout::open(&service.vault, payout.merchant, &payout.to)?;
    let unfit = |part| move || Trouble::Unfit(part, payout.id);
    let creditor = Party {
        name: Name::parse(clear.holder.expose()).ok_or_else(unfit("holder"))?,
        account: AccountNumber::parse(clear.number.expose()).ok_or_else(unfit("number"))?,
        bank: BankNumber::parse(&clear.bank).ok_or_else(unfit("bank"))?,
        bank_name: Some(clear.bank_name),
    };
    let end_to_end = Payout::end_to_end(payout.id);
    let text = Some(format!("settlement of merchant {}", payout.merchant));
    Ok(pain001::Payment {
        instruction: end_to_end.clone(),
        end_to_end,
        amount: payout.amount,
        creditor,
        remittance: Remittance { text, ..Remittance::default() },
    })
}

/// What the bank says of a payout, and of which amount; the payout's own when it names none.
type Answers = Vec<(PayoutId, Option<Money>, BankAnswer)>;
type Reader = fn(&Service, &Path) -> Result<Answers, Trouble>;

/// Reads a status report (pain.002).
fn report(service: &Service, path: &Path) -> Result<Answers, Trouble> {
    let file = fs::File::open(path).map_err(|error| io(path, error))?;
    let name = path.display().to_string();
    let mut reader = pain002::Reader::open(BufReader::new(file), &name, Limits::default())?;
    let mut answers = Answers::new();
    let mut named = BTreeSet::new();
    // What is said of the whole order or of a batch holds for every payout that is not named.
    let (original, mut whole) = (reader.head().original.clone(), Vec::new());
    if let Some(status) = reader.head().status {
        whole.push((None, said(status, reader.head().reason, None)));
    }
    while let Some(part) = reader.next_part()? {
        match part {
            pain002::Part::Batch { id, status, reason } => whole.push((Some(id), said(status, reason, None))),
            pain002::Part::Payment(told) => {
                if let Some(id) = Payout::from_end_to_end(&told.end_to_end) {
                    named.insert(id);
                    let answer = said(told.status, told.reason, told.bank_reference.as_deref());
                    answers.extend(answer.map(|answer| (id, told.amount, answer)));
                }
            }
        }
    }
    if whole.iter().any(|(_, answer)| answer.is_some()) {
        for payout in of_file(service, &original)?.into_iter().filter(|payout| !named.contains(&payout.id)) {
            let batch = batch_id(&payout.file, payout.rail, payout.urgent);
            let of = |id: &Option<String>| id.as_ref().is_none_or(|id| *id == batch);
            let answer = whole.iter().rev().find(|(id, _)| of(id)).and_then(|(_, answer)| answer.clone());
            answers.extend(answer.map(|answer| (payout.id, None, answer)));
        }
    }
    Ok(answers)
}

/// The open payouts of a file.
fn of_file(service: &Service, file: &str) -> Result<Vec<Payout>, Fault> {
    let mut found = Vec::new();
    let mut page = PageRequest::new(PageRequest::MAX, None);
    loop {
        let read = service.queries.payouts_open(None, page)?;
        found.extend(read.rows.into_iter().filter(|payout| &*payout.file == file));
        match read.next {
            Some(next) => page.after = Some(next),
            None => return Ok(found),
        }
    }
}

fn said(
    status: pain002::Status,
    reason: Option<bank::Reason>,
    reference: Option<&str>,
) -> Option<BankAnswer> {
    use pain002::Status;
    match status {
        // A repeat was refused, not the payout: what became of the first is still to be told.
        Status::Rejected if reason == Some(bank::Reason::DUPLICATE) => None,
        Status::Settled | Status::Credited => Some(BankAnswer::Settled(reference.unwrap_or_default().into())),
        Status::Rejected => {
            Some(BankAnswer::Rejected(reason.unwrap_or(bank::Reason::UNSPECIFIED).as_str().into()))
        }
        Status::Formal | Status::Checked | Status::InProcess | Status::Pending => Some(BankAnswer::Accepted),
        // Received says nothing yet, and what is partly so is told by its parts.
        Status::Received | Status::Partly => None,
    }
}

/// Reads a notice of entries (camt.054).
fn notice(_: &Service, path: &Path) -> Result<Answers, Trouble> {
    let file = fs::File::open(path).map_err(|error| io(path, error))?;
    let name = path.display().to_string();
    let mut reader = camt::Reader::open(BufReader::new(file), &name, camt::Kind::Notice, Limits::default())?;
    let mut answers = Answers::new();
    while let Some(part) = reader.next_part()? {
        if let statement::Part::Entry(entry) = part
            && !entry.pending
        {
            booked(&entry, &mut answers);
        }
    }
    Ok(answers)
}

/// What a booked entry says of payouts: a debit paid them, a credit brought them back.
fn booked(entry: &Entry, answers: &mut Answers) {
    let single = entry.details.len() == 1;
    for detail in &entry.details {
        let Some(id) = detail.end_to_end.as_deref().and_then(Payout::from_end_to_end) else { continue };
        let amount = detail.amount.or(single.then_some(entry.amount));
        let reference = entry.bank_reference.clone().unwrap_or_default();
        let answer = match (entry.direction, detail.returned) {
            (Direction::Debit, None) if !entry.reversal => BankAnswer::Settled(reference.into()),
            (Direction::Credit, reason) => {
                BankAnswer::Returned(reason.unwrap_or(bank::Reason::UNSPECIFIED).as_str().into())
            }
            _ => continue,
        };
        answers.push((id, amount, answer));
    }
}

/// Tells the engine what the bank said. What is refused is left to reconciliation; gives how much that is.
async fn take_in(service: &Arc<Service>, answers: Answers) -> Result<usize, Trouble> {
    let mut refused = 0;
    for (payout, amount, answer) in answers {
        let amount = match amount {
            Some(amount) => amount,
            None => match service.queries.payout(payout)? {
                Some(known) => known.amount,
                None => Money::cny(0),
            },
        };
        let command = Command::AnswerPayout { payout, amount, answer };
        match insist(&service.engine, &command, &Caller::of(domain::Actor::Channel)).await {
            Ok(_) => {}
            Err(Refusal::Rejected(why)) => {
                tracing::error!(%payout, %amount, %why, "what the bank says does not fit the payout");
                refused += 1;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(refused)
}

/// The files of a folder, in the order of their names.
fn listed(folder: &Path) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io(folder, error))? {
        let entry = entry.map_err(|error| io(folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".xml") {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn put_aside(folder: &Path, file: &str, to: &str) -> Result<(), Trouble> {
    let (from, to) = (folder.join(file), folder.join(to).join(file));
    fs::rename(&from, &to).map_err(|error| io(&from, error))
}
