//! A synchronous standby: what was confirmed survives the loss of the primary.

use crate::{
    load::{Load, must_be_paid},
    place::{self, Place, open, sql},
};
use std::{
    thread,
    time::{Duration, Instant},
};

#[test]
fn fail_over_to_a_synchronous_standby_loses_nothing_confirmed() {
    let Some(primary) = place::cluster(&[]) else { return };
    let place = Place::on(&primary.url("postgres"));
    let (_, database) = place.url.rsplit_once('/').unwrap();
    let mut load = Load::new(place.open());
    let standby = primary.standby().unwrap();
    primary.reload(&["synchronous_standby_names = 'standby'"]).unwrap();
    let since = Instant::now();
    while sql(&place.url, "SELECT sync_state FROM pg_stat_replication") != [["sync"]] {
        assert!(since.elapsed() < Duration::from_secs(30), "the standby does not follow");
        thread::sleep(Duration::from_millis(50));
    }
    load.go();
    load.pays_on(150);
    primary.kill().unwrap();
    let lost_at = Instant::now();
    let confirmed = load.abandon();

    standby.promote().unwrap();
    let url = standby.url(database);
    let mut store = open(&url);
    let stands = store.committer.recover().unwrap();
    println!("fail-over in {} ms, at batch {}", lost_at.elapsed().as_millis(), stands.batch);
    must_be_paid(&*store.queries, &confirmed);
    let proof = engine::prove::prove(&*store.queries).unwrap();
    assert!(proof.holds(), "{:#?}", proof.failures);
    assert!(proof.orders >= 150);
    let paid = sql(&url, "SELECT count(*) FROM orders WHERE state = 2")[0][0].parse::<usize>().unwrap();
    assert!(paid >= confirmed.len(), "{paid} paid, {} confirmed", confirmed.len());
    println!("{} confirmed, {paid} there", confirmed.len());
}
