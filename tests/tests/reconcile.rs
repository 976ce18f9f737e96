//! A day is matched with the card channel's bill by the running server, by the command, and on whichever store the tests
//! run: what differs is told, a bill of another format is refused, and nothing of it moves money.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use front_door::{DataDir, Ended, Server, run};
use serde_json::{Value, json};

/// A debug build on a busy machine has matched by then.
const DONE_BY: Duration = Duration::from_secs(60);

struct Sandbox {
    data: DataDir,
}

impl Sandbox {
    fn file(&self, name: &str) -> PathBuf {
        self.data.path().join("channel").join(name)
    }

    /// `feiqian reconcile` here; what it printed, and whether nothing is open.
    fn reconcile(&self, more: &[&str]) -> Ended {
        let data = self.data.text();
        run(&[&["reconcile", "--data", &data], more].concat())
    }

    fn open(&self) -> Vec<Value> {
        let listed = self.reconcile(&["--show", "--json"]);
        let all: Value = serde_json::from_str(&listed.stdout()).unwrap_or_else(|_| panic!("{listed}"));
        all["open"].as_array().unwrap().clone()
    }
}

fn eventually<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(started.elapsed() < DONE_BY, "it never came");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn r_fin_12_a_day_is_matched_with_the_channels_bill() {
    let sandbox = Sandbox { data: DataDir::with_sandbox() };
    let server = Server::start(&sandbox.data);
    let moved =
        server.plain("POST", "/sandbox/v1/clock", Some(&json!({ "advance_seconds": 86_400 }))).unwrap();
    assert_eq!(moved.status, 200, "{moved:?}");
    // The day of the sandbox's making, whose payers were topped up; its bill has a row for each.
    let day = eventually(|| {
        let channel = fs::read_dir(sandbox.file("")).ok()?;
        let names = channel.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        let mut days: Vec<String> =
            names.filter_map(|name| Some(name.strip_suffix(".done")?.to_owned())).collect();
        days.sort();
        days.into_iter()
            .find(|day| fs::read_to_string(sandbox.file(&format!("{day}.csv"))).unwrap().lines().count() > 3)
    });
    let said = fs::read_to_string(sandbox.file(&format!("{day}.done"))).unwrap();
    assert!(said.contains("exceptions 0"), "{said}");
    let busy = sandbox.reconcile(&["--day", &day]);
    assert!(!busy.ok() && busy.to_string().contains("in use"), "{busy}");
    assert!(sandbox.open().is_empty());
    server.stop();
    let whole = fs::read_to_string(sandbox.file(&format!("{day}.csv"))).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let bill = sandbox.data.path().join("bill.csv");
    let given = bill.display().to_string();
    // A row of money that nobody here knows; the summary agrees with it.
    let fields: Vec<&str> = lines[1].split(',').collect();
    let summary: Vec<&str> = lines.last().unwrap().split(',').collect();
    let number = |field: &str| field.trim_start_matches('`').replace('.', "").parse::<i64>().unwrap();
    let sum = number(summary[1]) + 1234;
    let rows =
        format!("`{},`{}.{:02},{},{}", number(summary[0]) + 1, sum / 100, sum % 100, summary[2], summary[3]);
    // At noon: what is near midnight waits for the next day's bill, and this may run near midnight.
    let at = format!("{} 12:00:00", fields[0].split(' ').next().unwrap());
    let extra = [&at, "`77", "`SB77", "`消费", "`成功", "`CNY", "`12.34", "`0.00", fields[8]].join(",");
    let body = &lines[..lines.len() - 2];
    fs::write(&bill, format!("{}\n{extra}\n{}\n{rows}\n", body.join("\n"), lines[lines.len() - 2])).unwrap();
    for _ in 0..2 {
        let found = sandbox.reconcile(&["--day", &day, "--bill", &given]);
        assert!(!found.ok() && found.stdout().contains("long 1"), "{found}");
        let open = sandbox.open();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(
            (&open[0]["reference"], &open[0]["question"]),
            (&json!("card/payment/77/long"), &json!(1234))
        );
    }
    // One column more: refused, told, and the earlier bill stays.
    let kept = fs::read_to_string(sandbox.file(&format!("{day}.csv"))).unwrap();
    fs::write(&bill, whole.replace("清算批次", "清算批次,备注")).unwrap();
    let refused = sandbox.reconcile(&["--day", &day, "--bill", &given]);
    assert!(!refused.ok() && refused.to_string().contains("备注"), "{refused}");
    assert_eq!(fs::read_to_string(sandbox.file(&format!("{day}.csv"))).unwrap(), kept);
    // In the folder it is refused and told too, and opens nothing.
    fs::copy(&bill, sandbox.file(&format!("{day}.csv"))).unwrap();
    let refused = sandbox.reconcile(&[]);
    assert!(!refused.ok() && refused.stdout().contains("a bill was refused"), "{refused}");
    assert_eq!(sandbox.open().len(), 1);
    // The channel takes its row back.
    fs::write(&bill, &whole).unwrap();
    let done = sandbox.reconcile(&["--day", &day, "--bill", &given]);
    assert!(done.ok() && done.stdout().contains("cleared 1"), "{done}");
    assert!(sandbox.open().is_empty());
    // The bank's statement is the third side: another column is refused, a whole one is kept and matched.
    let statement = sandbox.data.path().join("statement.csv");
    let given = statement.display().to_string();
    let columns = "记账日期,银行流水号,收入,支出,余额,端到端标识,对方户名,对方账号,摘要";
    fs::write(&statement, format!("{columns},备注\n合计,0,0.00,0.00,,,,,,\n")).unwrap();
    let refused = sandbox.reconcile(&["--day", &day, "--statement", &given]);
    assert!(!refused.ok() && refused.to_string().contains("not declared `备注`"), "{refused}");
    let rows = format!("{day},N1,5.00,,5.00,,某人,,来款\n合计,1,5.00,0.00,,,,,\n");
    fs::write(&statement, format!("{columns}\n{rows}")).unwrap();
    let found = sandbox.reconcile(&["--day", &day, "--statement", &given]);
    let told = found.stdout();
    assert!(!found.ok() && told.contains("statement 1") && told.contains("long 1"), "{found}");
    assert!(told.contains(&format!("the statement of {day} closes with 5.00")), "{found}");
    assert_eq!(sandbox.open()[0]["reference"], json!(format!("bank/credit/{day}:N1/long")));
    sandbox.data.must_prove();
}
