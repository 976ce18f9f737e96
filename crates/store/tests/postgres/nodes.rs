//! The book of nodes and shards: names, claims, and the number of shards.

use crate::place::{Place, options};
use engine::{
    Fault, Recovered,
    nodes::{DEAD_AFTER, Node, Registry, Role},
};
use store::{postgres_claimed, postgres_registry, postgres_shards, postgres_shards_found};
use types::{Shard, Shards};

fn node(name: &str, instance: &str) -> Node {
    Node {
        name: name.into(),
        instance: instance.into(),
        address: "127.0.0.1:7443".into(),
        fingerprint: "00".repeat(32),
        version: "1".into(),
        role: Role::Works,
    }
}

fn book(place: &Place, shards: u8) -> Box<dyn Registry> {
    let asked = Shards::new(shards);
    assert_eq!(postgres_shards(&place.target(), options(), asked).unwrap(), asked.unwrap());
    postgres_registry(&place.target(), options()).unwrap()
}

fn shard(number: u8) -> Shard {
    Shard::new(number).unwrap()
}

#[test]
fn the_number_of_shards_is_fixed_by_the_first_batch() {
    let Some(place) = Place::new() else { return };
    let target = place.target();
    assert_eq!(postgres_shards(&target, options(), None), Ok(Shards::ONE));
    assert_eq!(
        postgres_shards(&target, options(), Shards::new(8)).map(Shards::count),
        Ok(8),
        "nothing is in it yet"
    );
    assert_eq!(postgres_shards(&target, options(), None).map(Shards::count), Ok(8), "kept");
    let mut book = postgres_registry(&target, options()).unwrap();
    assert_eq!(book.look().unwrap().shards.len(), 8);
    place.sql("UPDATE shards SET batch = 1 WHERE shard = 3");
    let refused = postgres_shards(&target, options(), Shards::new(4)).unwrap_err();
    assert!(refused.to_string().contains("made with 8 shards and can't change to 4"), "{refused}");
    assert_eq!(postgres_shards(&target, options(), Shards::new(8)).map(Shards::count), Ok(8));
    assert_eq!(postgres_shards_found(&target, options()).map(Shards::count), Ok(8));
}

#[test]
fn a_name_belongs_to_one_process_until_it_is_silent() {
    let Some(place) = Place::new() else { return };
    let mut book = book(&place, 2);
    let (first, second) = (node("a", "01"), node("a", "02"));
    assert!(book.beat(&first).unwrap().is_some());
    assert_eq!(book.beat(&second), Ok(None), "taken");
    let leaving = Node { role: Role::Leaving, ..first.clone() };
    let standing = book.beat(&leaving).unwrap().expect("its own name");
    assert_eq!(standing.nodes[0].node, leaving);
    assert!(standing.nodes[0].lives());
    place.sql(&format!("UPDATE nodes SET seen_at = seen_at - {}", DEAD_AFTER + 1));
    assert!(!book.look().unwrap().nodes[0].lives());
    assert_eq!(book.beat(&second).unwrap().map(|seen| seen.nodes[0].node.clone()), Some(second.clone()));
    book.leave(&first).unwrap();
    assert_eq!(book.look().unwrap().nodes.len(), 1, "another process's name is not given up");
    book.leave(&second).unwrap();
    assert_eq!(book.look().unwrap().nodes, []);
}

#[test]
fn of_two_nodes_that_claim_a_shard_one_gets_it_and_the_owner_before_is_fenced() {
    let Some(place) = Place::new() else { return };
    let mut books = [book(&place, 2), book(&place, 2)];
    let options = store::PostgresOptions {
        place: types::Place::new(shard(1), Shards::new(2).unwrap()).unwrap(),
        ..options()
    };
    let epoch = books[0].look().unwrap().shards[1].epoch;
    let claimed: Vec<bool> = std::thread::scope(|scope| {
        let claims: Vec<_> = books
            .iter_mut()
            .zip(["a 01 1", "b 02 1"])
            .map(|(book, owner)| scope.spawn(move || book.claim(shard(1), epoch, owner).unwrap()))
            .collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    assert_eq!(claimed.iter().filter(|claimed| **claimed).count(), 1, "{claimed:?}");
    let (winner, loser) = if claimed[0] { ("a 01 1", "b 02 1") } else { ("b 02 1", "a 01 1") };
    assert_eq!(books[0].look().unwrap().shards[1].owner, winner);

    let mut loses = postgres_claimed(&place.target(), options, loser).unwrap().committer;
    assert!(matches!(loses.recover(), Err(Fault::Fenced(_))), "it never had the shard");
    let mut owner = postgres_claimed(&place.target(), options, winner).unwrap().committer;
    assert_eq!(owner.recover(), Ok(Recovered::default()));
    let mut again = postgres_claimed(&place.target(), options, winner).unwrap().committer;
    assert_eq!(again.recover(), Ok(Recovered::default()), "a start that failed half-way is repeated");

    // Taken for dead: whoever claims next fences it, whatever it still sends.
    let epoch = books[1].look().unwrap().shards[1].epoch;
    assert_eq!(books[1].claim(shard(1), epoch, "c 03 1"), Ok(true));
    assert!(matches!(again.recover(), Err(Fault::Fenced(_))));
    books[0].release(shard(1), winner).unwrap();
    assert_eq!(books[0].look().unwrap().shards[1].owner, "c 03 1", "what one has no more it can't give back");
    books[0].release(shard(1), "c 03 1").unwrap();
    assert_eq!(books[0].look().unwrap().shards[1].owner, "");
}
