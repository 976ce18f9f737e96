//! One order, many payers: exactly one of them pays.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use front_door::{DataDir, Merchant, Receiver, Server};
use serde_json::json;

const PAYERS: usize = 16;

#[test]
fn of_sixteen_concurrent_payers_exactly_one_pays_and_one_notification_goes_out() {
    let data = DataDir::with_sandbox();
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    let receiver = Receiver::start();
    let payers: Vec<String> = (0..PAYERS).map(|_| payer(&server)).collect();

    for round in 0..4 {
        let number = format!("ROUND_{round:04}");
        let order = merchant.native(&number, 4_200, &receiver.url()).unwrap().expect(200);
        let code_url = order["code_url"].as_str().expect("a code_url");

        let barrier = Barrier::new(PAYERS);
        let answers: Vec<(String, u16)> = thread::scope(|scope| {
            let calls: Vec<_> = payers
                .iter()
                .map(|openid| {
                    scope.spawn(|| {
                        barrier.wait();
                        (openid.clone(), server.pay(openid, ("code_url", code_url)).unwrap().status)
                    })
                })
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });

        let winners: Vec<&String> = answers.iter().filter(|(_, s)| *s == 200).map(|(o, _)| o).collect();
        assert_eq!(winners.len(), 1, "one payer must succeed, the rest must be refused: {answers:?}");
        assert!(answers.iter().all(|(_, s)| *s < 500), "a refusal is no server error: {answers:?}");

        let transaction = merchant.query(&number).unwrap().expect(200);
        assert_eq!(transaction["trade_state"], "SUCCESS");
        assert_eq!(transaction["payer"]["openid"], *winners[0].as_str());
        assert_eq!(transaction["amount"]["total"], 4_200);
        assert_eq!(server.notifications(&number).len(), 1, "one notification per payment");
    }

    // A second notification would have come by now: all four were sent at once.
    let got = receiver.wait_for(4, Duration::from_secs(20));
    thread::sleep(Duration::from_millis(500));
    let mut ids: Vec<String> = receiver.got().iter().map(|n| n["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((got.len(), receiver.got().len(), ids.len()), (4, 4, 4), "four payments, four notifications");

    server.stop();
    data.must_prove();
}

/// A new payer with 1,000 yuan.
fn payer(server: &Server) -> String {
    let answer = server.plain("POST", "/sandbox/v1/payers", Some(&json!({"balance": 100_000}))).unwrap();
    answer.expect(200)["openid"].as_str().expect("an openid").to_owned()
}
