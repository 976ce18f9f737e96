use super::*;
use domain::Rejection;
use types::{PaymentId, Time};

#[test]
fn outcomes_of_tries_to_pay_are_told_apart() {
    let paid = Ok(Reply::Paid(Paid::Done(Time(1))));
    let waiting = Ok(Reply::Paid(Paid::Waiting(PaymentId(1))));
    let wrong = Ok(Reply::Paid(Paid::Pin(PinOutcome::Wrong { left: 4 })));
    let poor = Err(Refusal::Rejected(Rejection::NotEnough));
    assert_eq!(unpaid("pay_order", &paid), None);
    assert_eq!(unpaid("pay_order", &waiting), None);
    assert_eq!(unpaid("pay_order", &wrong), Some("pin_wrong"));
    assert_eq!(unpaid("confirm_code_pay", &poor), Some("not_enough"));
    assert_eq!(unpaid("create_order", &poor), None);
    assert_eq!(unpaid("answer_payment", &Ok(Reply::Payment(PaymentState::Declined))), Some("declined"));
}

#[test]
fn the_text_is_one_that_prometheus_reads() {
    let metrics = Metrics::default();
    metrics.stage(Stage::Commit, Duration::from_millis(3));
    metrics.stage(Stage::Sign, Duration::from_micros(300));
    metrics.request("merchant", 200, Duration::from_millis(2));
    metrics.attempt(Attempted::Refused, Duration::from_millis(40));
    metrics.channel("unknown", Duration::from_secs(10));
    let text = metrics.text().unwrap();
    for line in [
        "feiqian_stage_seconds_bucket{le=\"0.005\",stage=\"commit\"} 1",
        "feiqian_stage_seconds_count{stage=\"sign\"} 1",
        "feiqian_stage_seconds_count{stage=\"verify\"} 0",
        "feiqian_requests_total{door=\"merchant\",status=\"200\"} 1",
        "feiqian_notification_attempts_total{outcome=\"refused\"} 1",
        "feiqian_notification_attempts_total{outcome=\"delivered\"} 0",
        "feiqian_channel_answers_total{outcome=\"unknown\"} 1",
        "feiqian_payments_total{outcome=\"paid\"} 0",
        "feiqian_orders_placed_total 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_store_that_is_silent_or_refuses_is_trouble_until_it_does_its_work() {
    /// Every other call fails.
    struct Store(bool);
    impl engine::Committer for Store {
        fn recover(&mut self) -> Result<engine::Recovered, engine::Fault> {
            self.0 = !self.0;
            if self.0 {
                Err(engine::Fault::Failed("disk full".into()))
            } else {
                Ok(engine::Recovered::default())
            }
        }
        fn commit(&mut self, _: &Batch) -> Result<(), engine::Fault> {
            self.recover().map(drop)
        }
    }
    struct Nothing;
    impl engine::Loader for Nothing {
        fn load(&mut self, keys: &[domain::Key]) -> Result<Vec<Option<domain::Record>>, engine::Fault> {
            Ok(keys.iter().map(|_| None).collect())
        }
        fn largest_number(&mut self, _: types::MerchantId) -> Result<Option<Box<str>>, engine::Fault> {
            Ok(None)
        }
    }
    let metrics = Metrics::default();
    let mut committer = metered::watched(Box::new(Store(false)) as Box<dyn engine::Committer>, &metrics);
    let mut loader = metered::watched(Box::new(Nothing) as Box<dyn engine::Loader>, &metrics);
    assert_eq!(metrics.health().trouble(), None);
    assert!(engine::Committer::recover(&mut committer).is_err());
    assert!(metrics.health().trouble().unwrap().contains("disk full"));
    assert!(engine::Committer::recover(&mut committer).is_ok());
    assert_eq!(metrics.health().trouble(), None);
    assert!(engine::Committer::commit(&mut committer, &Batch::default()).is_err());
    assert!(metrics.health().trouble().unwrap().contains("refused the last batch"));
    assert!(metrics.health().refused(), "worth another try");
    assert!(engine::Committer::commit(&mut committer, &Batch::default()).is_ok());
    assert_eq!((metrics.health().trouble(), metrics.health().refused()), (None, false));
    engine::Loader::load(&mut loader, &[domain::Key::Limits(())]).unwrap();
    assert!(metrics.text().unwrap().contains("feiqian_working_set_misses_total 1\n"));
}
