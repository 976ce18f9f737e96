//! What the machine is and what this process has used, read from the kernel.

use serde::Serialize;
use std::fs;

/// The machine.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Processor name.
    pub(crate) cpu: String,
    /// Logical processors.
    pub(crate) cores: usize,
    /// Memory in MiB.
    pub(crate) memory_mib: u64,
    /// Kernel.
    pub(crate) kernel: String,
}

/// Reads the machine; unknown parts are empty or zero.
pub(crate) fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &&str| line.starts_with("model name");
    let cpu = cpuinfo.lines().find(named).and_then(|line| line.split_once(':')).map(|(_, name)| name.trim());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Machine {
        cpu: cpu.unwrap_or_default().to_owned(),
        cores: crate::cores(),
        memory_mib: kib / 1024,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
    }
}

/// Microseconds of CPU (user and system, all threads) this process has used; resolution 10 ms.
pub(crate) fn cpu_us() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |n: usize| after_name.split_whitespace().nth(n).and_then(|text| text.parse::<u64>().ok());
    // Fields 14 and 15 of the whole line, in ticks of 1/100 s.
    (field(11).unwrap_or(0) + field(12).unwrap_or(0)) * 10_000
}

/// Microseconds of CPU that everything on this machine has used, a database's server among it; resolution 10 ms.
pub(crate) fn machine_cpu_us() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq
    [0, 1, 2, 5, 6].into_iter().filter_map(|place| ticks.get(place)).sum::<u64>() * 10_000
}

/// Resident memory in KiB.
pub(crate) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse().ok()).unwrap_or(0)
}
