//! Who takes and who gives: each node decides from the same list, so that shards spread evenly without a leader.

use engine::nodes::{Node, Role, Standing};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use types::Shard;

/// How long a free shard is left to nodes that have fewer.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(2);

/// What a node should do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Nothing,
    Take(Vec<Shard>),
    /// So many.
    Give(usize),
}

/// Live nodes besides `me` that take shards.
pub(crate) fn heirs(standing: &Standing, me: &Node) -> usize {
    others(standing, me).count()
}

fn others<'s>(standing: &'s Standing, me: &'s Node) -> impl Iterator<Item = &'s Node> {
    let works = standing.nodes.iter().filter(|seen| seen.lives() && seen.node.role == Role::Works);
    works.map(|seen| &seen.node).filter(|node| node.name != me.name)
}

/// What `me` should do, who has `mine` shards; `free` are those without an owner and since when, `settled` says that
/// none of its own is starting or ending.
pub(crate) fn wish(
    standing: &Standing,
    me: &Node,
    mine: usize,
    free: &HashMap<Shard, Instant>,
    settled: bool,
) -> Wish {
    let counts: Vec<(&str, usize)> = others(standing, me)
        .map(|node| {
            let mark = node.mark();
            let has = standing.shards.iter().filter(|held| held.owner.starts_with(&mark)).count();
            (node.name.as_str(), has)
        })
        .collect();
    match me.role {
        Role::Leaving if counts.is_empty() => Wish::Nothing,
        Role::Leaving => {
            if mine > 0 {
                Wish::Give(mine)
            } else {
                Wish::Nothing
            }
        }
        // A tool keeps what it took only until somebody comes to work.
        Role::Guest if !counts.is_empty() => {
            if mine > 0 {
                Wish::Give(mine)
            } else {
                Wish::Nothing
            }
        }
        Role::Guest | Role::Works => {
            let share = standing.shards.len().div_ceil(counts.len() + 1);
            let least = counts.iter().map(|(_, has)| *has).min().unwrap_or(mine);
            if free.is_empty() {
                return give(me, mine, &counts, least, settled);
            }
            let mut free: Vec<(&Shard, &Instant)> = free.iter().collect();
            free.sort_unstable();
            let takes =
                free.into_iter().filter(|(_, since)| least >= mine || since.elapsed() >= LEFT_TO_OTHERS);
            // As many as others have and one more: then it is their turn.
            let room = share.saturating_sub(mine);
            let take: Vec<Shard> = takes.map(|(shard, _)| *shard).take(room).collect();
            if take.is_empty() { Wish::Nothing } else { Wish::Take(take) }
        }
    }
}

/// One at a time, by the node that has most; the first by name of several.
fn give(me: &Node, mine: usize, counts: &[(&str, usize)], least: usize, settled: bool) -> Wish {
    let first = counts.iter().all(|(name, has)| *has < mine || *has == mine && me.name.as_str() < *name);
    if settled && first && mine >= least + 2 { Wish::Give(1) } else { Wish::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::nodes::{DEAD_AFTER, Held, Seen};

    fn node(name: &str, role: Role) -> Node {
        let text = String::new;
        Node {
            name: name.into(),
            instance: "1".into(),
            address: text(),
            fingerprint: text(),
            version: text(),
            role,
        }
    }

    /// Owners by shard; `-` for nobody. Nodes are those named, in lower case alive.
    fn standing(nodes: &[(&str, Role, bool)], owners: &[&str]) -> Standing {
        let seen = |(name, role, lives): &(&str, Role, bool)| Seen {
            node: node(name, *role),
            silent: if *lives { 0 } else { DEAD_AFTER },
        };
        let held = |(shard, owner): (u8, &&str)| Held {
            shard: Shard::new(shard).unwrap(),
            epoch: 1,
            owner: if *owner == "-" { String::new() } else { format!("{owner} 1 0") },
            batch: 0,
        };
        Standing { nodes: nodes.iter().map(seen).collect(), shards: (0..).zip(owners).map(held).collect() }
    }

    /// As [`wish`], with free shards found as the member does and free for a moment only.
    fn ask(standing: &Standing, name: &str) -> Wish {
        let me = &standing.nodes.iter().find(|seen| seen.node.name == name).unwrap().node;
        let lives = |held: &&Held| standing.owner(held).is_some_and(engine::nodes::Seen::lives);
        let free =
            standing.shards.iter().filter(|held| !lives(held)).map(|held| (held.shard, Instant::now()));
        let mine = standing.shards.iter().filter(|held| held.owner.starts_with(&me.mark())).count();
        wish(standing, me, mine, &free.collect(), true)
    }

    const WORKS: Role = Role::Works;

    fn takes(shards: &[u8]) -> Wish {
        Wish::Take(shards.iter().map(|shard| Shard::new(*shard).unwrap()).collect())
    }

    #[test]
    fn the_first_takes_all_and_gives_to_those_who_come() {
        let alone = standing(&[("a", WORKS, true)], &["-", "-", "-", "-"]);
        assert_eq!(ask(&alone, "a"), takes(&[0, 1, 2, 3]));
        let two = |owners: &[&str]| standing(&[("a", WORKS, true), ("b", WORKS, true)], owners);
        let joined = two(&["a", "a", "a", "a"]);
        assert_eq!((ask(&joined, "a"), ask(&joined, "b")), (Wish::Give(1), Wish::Nothing));
        let given = two(&["a", "a", "a", "-"]);
        assert_eq!(
            (ask(&given, "a"), ask(&given, "b")),
            (Wish::Nothing, takes(&[3])),
            "not back to who gave it"
        );
        let even = two(&["a", "a", "b", "b"]);
        assert_eq!((ask(&even, "a"), ask(&even, "b")), (Wish::Nothing, Wish::Nothing));
        let odd = two(&["a", "b", "b"]);
        assert_eq!((ask(&odd, "a"), ask(&odd, "b")), (Wish::Nothing, Wish::Nothing));
    }

    #[test]
    fn what_a_dead_node_had_is_taken_by_the_living() {
        let dead = standing(&[("a", WORKS, true), ("b", WORKS, false)], &["a", "a", "b", "b"]);
        assert_eq!(ask(&dead, "a"), takes(&[2, 3]));
        let three = [("a", WORKS, true), ("b", WORKS, false), ("c", WORKS, true)];
        let dead = standing(&three, &["a", "a", "b", "b", "c", "c"]);
        assert_eq!(ask(&dead, "a"), takes(&[2]), "its share, the rest is for the other");
        assert_eq!(ask(&dead, "c"), takes(&[2]), "both want the same: one gets it");
    }

    #[test]
    fn three_nodes_never_leave_one_without_when_there_is_enough() {
        let three = [("a", WORKS, true), ("b", WORKS, true), ("c", WORKS, true)];
        let lopsided = standing(&three, &["a", "a", "b", "b"]);
        assert_eq!(ask(&lopsided, "a"), Wish::Give(1));
        assert_eq!(ask(&lopsided, "b"), Wish::Nothing, "one gives at a time");
    }

    #[test]
    fn who_leaves_gives_all_unless_nobody_is_there() {
        let two = [("a", Role::Leaving, true), ("b", WORKS, true)];
        assert_eq!(ask(&standing(&two, &["a", "a", "b"]), "a"), Wish::Give(2));
        assert_eq!(ask(&standing(&two, &["-", "-", "b"]), "b"), takes(&[0, 1]));
        let alone = [("a", Role::Leaving, true), ("b", WORKS, false)];
        assert_eq!(ask(&standing(&alone, &["a", "a", "-"]), "a"), Wish::Nothing);
    }

    #[test]
    fn a_tool_works_only_while_nobody_else_does() {
        let guest = ("tool", Role::Guest, true);
        assert_eq!(ask(&standing(&[guest], &["-", "-"]), "tool"), takes(&[0, 1]));
        let both = [guest, ("a", WORKS, true)];
        assert_eq!(ask(&standing(&both, &["a", "-"]), "tool"), Wish::Nothing);
        assert_eq!(ask(&standing(&both, &["tool", "tool"]), "tool"), Wish::Give(2));
        assert_eq!(ask(&standing(&both, &["tool", "tool"]), "a"), Wish::Nothing, "until it is given");
    }
}
