//! What a read costs beyond the server's own answer: the same row asked for through the store, whose sockets are
//! on a thread of their own, and directly on a runtime. `cargo run --release --example round_trip -- URL`
#![allow(clippy::print_stdout, reason = "a measurement is read on standard output")]

use ledger::AccountId;
use std::time::Instant;
use store::{PostgresOptions, PostgresTarget, postgres_queries};
use types::{Currency, PayerId};

const TIMES: u32 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("name a database that holds a store")?;
    let queries = postgres_queries(&url.parse::<PostgresTarget>()?, PostgresOptions::default())?;
    let account = AccountId::payer_balance(PayerId(3), Currency::CNY);
    for _ in 0..3 {
        let started = Instant::now();
        for _ in 0..TIMES {
            queries.account(account)?;
        }
        println!("through the store   {:?} a read", started.elapsed() / TIMES);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let direct = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            let statement = client.prepare("SELECT * FROM accounts WHERE id = $1").await?;
            let started = Instant::now();
            for _ in 0..TIMES {
                client.query(&statement, &[&account.0]).await?;
            }
            Ok::<_, tokio_postgres::Error>(started.elapsed() / TIMES)
        })?;
        println!("directly            {direct:?} a read");
    }
    Ok(())
}
