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
//! files, and none is forgotten. Of several nodes the owner of the first shard does it: the folder has to be one for all.
//! Statements (camt.053) stay where they are for reconciliation.

pub mod file;

use crate::{insist::insist, settlement};
use bank::{AccountNumber, BankNumber, Name, Party, simulated};
use domain::{Caller, Command, payout::Payout};
use engine::{Fault, Refusal};
use file::Answers;
use service::{Service, payout::OpenError};
use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use types::{PageRequest, PayoutId};

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
        if !settlement::is_ours(&service) {
            continue;
        }
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
        let Some(kind) = file::Kind::of(&file) else { continue };
        let (reader, path) = (Arc::clone(service), desk.folder.join("out").join(&file));
        let told = tokio::task::spawn_blocking(move || {
            let input = fs::File::open(&path).map_err(|error| io(&path, error))?;
            kind.read(&*reader.queries, &path.display().to_string(), BufReader::new(input))
        });
        let told = told.await.map_err(stopped)?;
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
        if let Some((command, count)) = file::to_send(&read.rows) {
            sent += count;
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
    let missing = file::unwritten(&*service.queries, &mut |file| is_written(desk, file))?;
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
    let bytes = file::order(file, payouts, &desk.debtor, &mut |payout| creditor(service, payout))?;
    for path in [desk.folder.join("in").join(format!("{file}.xml")), kept(desk, file)] {
        let beside = path.with_extension("part");
        fs::write(&beside, &bytes).map_err(|error| io(&beside, error))?;
        fs::File::open(&beside).and_then(|file| file.sync_all()).map_err(|error| io(&beside, error))?;
        fs::rename(&beside, &path).map_err(|error| io(&path, error))?;
    }
    Ok(())
}

/// Tells the engine what the bank said. What is refused is left to reconciliation; gives how much that is.
pub(crate) async fn take_in(service: &Arc<Service>, answers: Answers) -> Result<usize, Trouble> {
    let mut refused = 0;
    for answer in answers {
        let command = file::command(&*service.queries, answer)?;
        match insist(&service.engine, &command, &Caller::of(domain::Actor::Channel)).await {
            Ok(_) => {}
            Err(Refusal::Rejected(why)) => {
                let (payout, amount) = match &command {
                    Command::AnswerPayout { payout, amount, .. } => (*payout, *amount),
                    _ => continue,
                };
                tracing::error!(%payout, %amount, %why, "what the bank says does not fit the payout");
                refused += 1;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(refused)
}

/// Whom a payout goes to, in clear.
fn creditor(service: &Service, payout: &Payout) -> Result<Party, Trouble> {
    let clear = service::payout::open(&service.vault, payout.merchant, &payout.to)?;
    let unfit = |part| move || Trouble::Unfit(part, payout.id);
    Ok(Party {
        name: Name::parse(clear.holder.expose()).ok_or_else(unfit("holder"))?,
        account: AccountNumber::parse(clear.number.expose()).ok_or_else(unfit("number"))?,
        bank: BankNumber::parse(&clear.bank).ok_or_else(unfit("bank"))?,
        bank_name: Some(clear.bank_name),
    })
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
