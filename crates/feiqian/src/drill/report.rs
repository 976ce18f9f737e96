//! What the drill found, for people and for machines.

use super::judge::Verdict;
use serde::Serialize;
use std::fmt;

/// The longest service may be away (R-FIN-67: 30 minutes).
pub(super) const RTO_MAX_MS: u64 = 30 * 60 * 1000;

/// A kill and what came after.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Killed {
    /// From the kill to the first payment that succeeded again.
    pub(super) rto_ms: u64,
    pub(super) verdict: Verdict,
}

/// A stop under load.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Drained {
    /// From the signal to the end of the process.
    pub(super) took_ms: u64,
    /// It ended with status 0.
    pub(super) clean: bool,
    /// Requests that were let in and not answered.
    pub(super) broken: u64,
    pub(super) verdict: Verdict,
}

/// A backup under load, restored after the machine was lost.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RestoredFrom {
    pub(super) backup_ms: u64,
    pub(super) bytes: u64,
    /// From the loss to the first payment on the restored store.
    pub(super) rto_ms: u64,
    /// Payments acknowledged after the backup began: not in it, and found by other means on the real day.
    pub(super) after_backup: usize,
    /// From the backup's begin to the loss.
    pub(super) after_backup_ms: u64,
    /// Over the payments acknowledged before the backup began.
    pub(super) verdict: Verdict,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) killed: Vec<Killed>,
    pub(super) drained: Option<Drained>,
    pub(super) restored: Option<RestoredFrom>,
    /// Acknowledged payments lost: 0, or the drill has failed.
    pub(super) rpo_payments: usize,
    /// The longest time from a blow to the first payment after it.
    pub(super) rto_ms: u64,
    /// Nothing lost, every proof held, back in time, stopped cleanly.
    pub(super) passed: bool,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            killed: Vec::new(),
            drained: None,
            restored: None,
            rpo_payments: 0,
            rto_ms: 0,
            passed: false,
        }
    }
    fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        let killed = self.killed.iter().map(|killed| &killed.verdict);
        let drained = self.drained.iter().map(|drained| &drained.verdict);
        killed.chain(drained).chain(self.restored.iter().map(|restored| &restored.verdict))
    }
    /// Sums up.
    pub(super) fn close(&mut self) {
        self.rpo_payments = self.verdicts().map(|verdict| verdict.lost).max().unwrap_or(0);
        let times = self.killed.iter().map(|killed| killed.rto_ms);
        self.rto_ms = times.chain(self.restored.iter().map(|restored| restored.rto_ms)).max().unwrap_or(0);
        let clean = self.drained.as_ref().is_some_and(|drained| drained.clean && drained.broken == 0);
        let all = self.restored.is_some() && !self.killed.is_empty();
        self.passed = all && clean && self.verdicts().all(Verdict::passed) && self.rto_ms <= RTO_MAX_MS;
    }
}

struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} s", self.0 / 1000, self.0 % 1000 / 10)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} acknowledged payments, {} lost, ", self.acknowledged, self.lost)?;
        f.write_str(if self.failures.is_empty() { "proved" } else { "NOT proved" })?;
        self.lost_orders.iter().try_for_each(|order| write!(f, "\n      LOST {order}"))?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n      BROKEN {failure}"))
    }
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "killed: paid again after {}; {}", Seconds(self.rto_ms), self.verdict)
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.clean { "status 0" } else { "a FAILURE status" };
        let (took, broken) = (Seconds(self.took_ms), self.broken);
        write!(
            f,
            "stopped under load: {end} after {took}, {broken} requests left unanswered; {}",
            self.verdict
        )
    }
}

impl fmt::Display for RestoredFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lost and restored: backup of {} KiB under load in {}; paid again after {}; {}; {} payments of the {} \
             between backup and loss are not in it",
            self.bytes / 1024,
            Seconds(self.backup_ms),
            Seconds(self.rto_ms),
            self.verdict,
            self.after_backup,
            Seconds(self.after_backup_ms)
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        write!(
            f,
            "RPO {} payments (must be 0), RTO {} (must be below {}): {verdict}",
            self.rpo_payments,
            Seconds(self.rto_ms),
            Seconds(RTO_MAX_MS)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed() -> Report {
        let mut report = Report::new(1);
        report.killed.push(Killed { rto_ms: 900, verdict: Verdict::default() });
        report.drained = Some(Drained { took_ms: 1, clean: true, broken: 0, verdict: Verdict::default() });
        report.restored = Some(RestoredFrom {
            backup_ms: 1,
            bytes: 1,
            rto_ms: 1_200,
            after_backup: 3,
            after_backup_ms: 1,
            verdict: Verdict::default(),
        });
        report
    }

    #[test]
    fn one_loss_or_broken_proof_or_late_return_fails_the_drill() {
        let mut good = passed();
        good.close();
        assert!(good.passed && good.rpo_payments == 0 && good.rto_ms == 1_200);
        let spoil: [fn(&mut Report); 6] = [
            |report| report.killed[0].verdict.lost = 1,
            |report| report.killed[0].verdict.failures.push("conservation".into()),
            |report| report.killed[0].rto_ms = RTO_MAX_MS + 1,
            |report| report.drained = None,
            |report| report.restored = None,
            |report| report.drained.iter_mut().for_each(|drained| drained.broken = 1),
        ];
        for change in spoil {
            let mut report = passed();
            change(&mut report);
            report.close();
            assert!(!report.passed, "{report:?}");
        }
    }
}
