//! The binary.

mod bench;
mod seed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let path = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or("/tmp/bench.db".into()));
    let callers = std::env::args().nth(2).and_then(|v| v.parse().ok()).unwrap_or(2000);
    let seconds = std::env::args().nth(3).and_then(|v| v.parse().ok()).unwrap_or(10);
    for s in ["", "-wal", "-shm"] { let mut p = path.clone().into_os_string(); p.push(s); let _ = std::fs::remove_file(p); }
    let store = store::sqlite(&path, store::Options::default())?;
    let load = bench::in_process::Load { seconds, callers, payers: 20_000, merchants: 100 };
    let t = std::time::Instant::now();
    let out = runtime.block_on(bench::in_process::run("sqlite", store, load))?;
    println!("{} total {:?} rss {} {:?}", serde_json::to_string(&out)?, t.elapsed(), bench::machine::resident_kib(), bench::machine::machine());
    Ok(())
}
