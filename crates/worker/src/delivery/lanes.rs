//! Who is served next: one lane a host, so that a dead or slow one holds up nobody but itself.
//!
//! A lane has a few places for what is being sent and a short queue. What does not fit is not taken: it stays
//! due in the store and the scan offers it again. A host gets all its places once it has answered soon; one that
//! was slow or silent last time gets few, and all such hosts together only a part of the house, so that a hundred
//! dead hosts hold up nobody either. A merchant has a bound of its own, or it could open lanes without end. Lanes
//! are served in turn.
//!
//! No clock, no I/O: [`super::Delivery`] sends and reports back.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::Arc,
};

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Sent at once, all hosts.
    pub sending: usize,
    /// Sent at once to one host.
    pub per_host: usize,
    /// Sent at once to a host not heard of lately.
    pub per_new_host: usize,
    /// Sent at once to a host that was slow last time.
    pub per_slow_host: usize,
    /// Sent at once, all slow hosts.
    pub slow: usize,
    /// Sent at once for one merchant.
    pub per_merchant: usize,
    /// Waiting for one host.
    pub waiting_per_host: usize,
    /// Waiting for a host that was slow last time.
    pub waiting_per_slow_host: usize,
    /// Waiting, all hosts.
    pub waiting: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            sending: 256,
            per_host: 8,
            per_new_host: 2,
            per_slow_host: 2,
            slow: 96,
            per_merchant: 24,
            waiting_per_host: 64,
            waiting_per_slow_host: 8,
            waiting: 4096,
        }
    }
}

/// Something to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Item<I, M, T> {
    /// What it is known by; never taken twice at a time.
    pub(crate) id: I,
    /// For whom.
    pub(crate) merchant: M,
    /// To where.
    pub(crate) host: Arc<str>,
    /// What to send.
    pub(crate) load: T,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It waits for its turn.
    Taken,
    /// It waits or is being sent already.
    Known,
    /// Its host has enough; others may be taken.
    HostFull,
    /// All have enough.
    Full,
}

/// What is known of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Nothing.
    New,
    /// It answered soon last time.
    Prompt,
    /// It did not.
    Slow,
}

#[derive(Debug)]
struct Lane<I, M, T> {
    waiting: VecDeque<Item<I, M, T>>,
    sending: usize,
    pace: Pace,
    /// Stands in `turns`.
    in_turn: bool,
}

/// The lanes. A lane is forgotten when it is idle and its host is not slow.
#[derive(Debug)]
pub(crate) struct Lanes<I, M, T> {
    bounds: Bounds,
    lanes: HashMap<Arc<str>, Lane<I, M, T>>,
    /// Hosts with something waiting and a place free, in the order they are served; slow ones apart.
    turns: [VecDeque<Arc<str>>; 2],
    /// Whose turn it is, of the two.
    turn: usize,
    merchants: HashMap<M, usize>,
    /// What waits or is sent; true when it is sent to a host that was slow.
    known: HashMap<I, bool>,
    waiting: usize,
    sending: usize,
    sending_slow: usize,
    /// Idle slow lanes kept for their memory, oldest first.
    idle: VecDeque<Arc<str>>,
}

/// Idle hosts whose slowness is remembered.
const IDLE_MAX: usize = 1024;

impl<I: Copy + Eq + Hash, M: Copy + Eq + Hash, T> Lanes<I, M, T> {
    /// Empty lanes.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            lanes: HashMap::new(),
            turns: [VecDeque::new(), VecDeque::new()],
            turn: 0,
            merchants: HashMap::new(),
            known: HashMap::new(),
            waiting: 0,
            sending: 0,
            sending_slow: 0,
            idle: VecDeque::new(),
        }
    }
    /// Whether it waits or is being sent.
    pub(crate) fn knows(&self, id: &I) -> bool {
        self.known.contains_key(id)
    }

    /// Takes an item in, if there is room.
    pub(crate) fn offer(&mut self, item: Item<I, M, T>) -> Offer {
        if self.knows(&item.id) {
            return Offer::Known;
        }
        if self.waiting >= self.bounds.waiting {
            return Offer::Full;
        }
        let lane = self.lanes.entry(Arc::clone(&item.host)).or_insert_with(Lane::new);
        let most =
            if lane.is_slow() { self.bounds.waiting_per_slow_host } else { self.bounds.waiting_per_host };
        if lane.waiting.len() >= most {
            return Offer::HostFull;
        }
        let host = Arc::clone(&item.host);
        self.known.insert(item.id, false);
        self.waiting += 1;
        lane.waiting.push_back(item);
        self.line_up(&host);
        Offer::Taken
    }

    /// The next item to send now; none when nothing may be sent. Report it with [`Lanes::done`].
    pub(crate) fn next(&mut self) -> Option<Item<I, M, T>> {
        if self.sending >= self.bounds.sending {
            return None;
        }
        self.turn = 1 - self.turn;
        self.next_of(self.turn).or_else(|| self.next_of(1 - self.turn))
    }

    /// The next item of the slow hosts (1) or of the others (0).
    fn next_of(&mut self, kind: usize) -> Option<Item<I, M, T>> {
        if kind == 1 && self.sending_slow >= self.bounds.slow {
            return None;
        }
        for _ in 0..self.turns[kind].len() {
            let host = self.turns[kind].pop_front()?;
            let Some(lane) = self.lanes.get_mut(&host) else { continue };
            let (merchants, most) = (&self.merchants, self.bounds.per_merchant);
            let may = |item: &Item<I, M, T>| merchants.get(&item.merchant).is_none_or(|sent| *sent < most);
            let Some(place) = lane.waiting.iter().position(may) else {
                self.turns[kind].push_back(host);
                continue;
            };
            let item = lane.waiting.remove(place)?;
            lane.in_turn = false;
            lane.sending += 1;
            self.waiting -= 1;
            self.sending += 1;
            self.sending_slow += kind;
            self.known.insert(item.id, kind == 1);
            *self.merchants.entry(item.merchant).or_default() += 1;
            self.line_up(&host);
            return Some(item);
        }
        None
    }

    /// An item from [`Lanes::next`] is through; `prompt` tells whether its host answered soon, none when it was
    /// not asked.
    pub(crate) fn done(&mut self, id: I, merchant: M, host: &Arc<str>, prompt: Option<bool>) {
        let Some(as_slow) = self.known.remove(&id) else { return };
        self.sending = self.sending.saturating_sub(1);
        self.sending_slow = self.sending_slow.saturating_sub(usize::from(as_slow));
        if let Some(sent) = self.merchants.get_mut(&merchant) {
            *sent = sent.saturating_sub(1);
            if *sent == 0 {
                self.merchants.remove(&merchant);
            }
        }
        let Some(lane) = self.lanes.get_mut(host) else { return };
        lane.sending = lane.sending.saturating_sub(1);
        let was_slow = lane.is_slow();
        if let Some(prompt) = prompt {
            lane.pace = if prompt { Pace::Prompt } else { Pace::Slow };
        }
        if lane.in_turn && lane.is_slow() != was_slow {
            // It changes from one line to the other.
            lane.in_turn = false;
            self.turns[usize::from(was_slow)].retain(|other| other != host);
        }
        if lane.sending > 0 || !lane.waiting.is_empty() {
            self.line_up(host);
            return;
        }
        if !lane.is_slow() {
            self.lanes.remove(host);
            return;
        }
        self.idle.push_back(Arc::clone(host));
        if self.idle.len() > IDLE_MAX
            && let Some(oldest) = self.idle.pop_front()
            && self.lanes.get(&oldest).is_some_and(|lane| lane.sending == 0 && lane.waiting.is_empty())
        {
            self.lanes.remove(&oldest);
        }
    }

    /// Gives a lane its turn if it has something waiting and a place free.
    fn line_up(&mut self, host: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(host) else { return };
        let places = match lane.pace {
            Pace::New => self.bounds.per_new_host,
            Pace::Prompt => self.bounds.per_host,
            Pace::Slow => self.bounds.per_slow_host,
        };
        if !lane.in_turn && !lane.waiting.is_empty() && lane.sending < places {
            lane.in_turn = true;
            self.turns[usize::from(lane.is_slow())].push_back(Arc::clone(host));
        }
    }
}

impl<I, M, T> Lane<I, M, T> {
    const fn new() -> Self {
        Self { waiting: VecDeque::new(), sending: 0, pace: Pace::New, in_turn: false }
    }
    fn is_slow(&self) -> bool {
        self.pace == Pace::Slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const BOUNDS: Bounds = Bounds {
        sending: 6,
        per_host: 3,
        per_new_host: 2,
        per_slow_host: 1,
        slow: 3,
        per_merchant: 4,
        waiting_per_host: 5,
        waiting_per_slow_host: 2,
        waiting: 12,
    };

    fn item(id: u32, merchant: u32, host: &str) -> Item<u32, u32, ()> {
        Item { id, merchant, host: host.into(), load: () }
    }

    fn hosts(lanes: &mut Lanes<u32, u32, ()>) -> Vec<(u32, String)> {
        std::iter::from_fn(|| lanes.next()).map(|item| (item.id, item.host.to_string())).collect()
    }

    #[test]
    fn a_full_host_holds_up_nobody_else() {
        let mut lanes = Lanes::new(BOUNDS);
        let offers: Vec<Offer> = (0..9).map(|id| lanes.offer(item(id, 1, "dead"))).collect();
        assert_eq!(offers[..5], [Offer::Taken; 5]);
        assert_eq!(offers[5..], [Offer::HostFull; 4]);
        assert_eq!(lanes.offer(item(0, 1, "dead")), Offer::Known);
        assert_eq!(lanes.offer(item(100, 2, "live")), Offer::Taken);
        let sent = hosts(&mut lanes);
        assert_eq!(sent.iter().filter(|(_, host)| host == "dead").count(), 2, "{sent:?}");
        assert!(sent[..2].contains(&(100, "live".into())), "served in turn: {sent:?}");
    }

    #[test]
    fn a_host_has_the_places_it_earned() {
        let mut lanes = Lanes::new(BOUNDS);
        let host: Arc<str> = "shop".into();
        (0..5).for_each(|id| assert_eq!(lanes.offer(item(id, 1, "shop")), Offer::Taken));
        assert_eq!(hosts(&mut lanes).len(), 2, "a new host");
        lanes.done(0, 1, &host, Some(true));
        assert_eq!(hosts(&mut lanes).len(), 2, "it answered: three places, one of them taken");
        lanes.done(1, 1, &host, Some(false));
        assert_eq!(hosts(&mut lanes).len(), 0, "slow: one place, and two are taken");
        lanes.done(2, 1, &host, Some(false));
        lanes.done(3, 1, &host, Some(false));
        assert_eq!(hosts(&mut lanes), [(4, "shop".into())]);
        lanes.done(4, 1, &host, Some(false));
        let offers: Vec<Offer> = (10..14).map(|id| lanes.offer(item(id, 1, "shop"))).collect();
        assert_eq!(offers, [Offer::Taken, Offer::Taken, Offer::HostFull, Offer::HostFull]);
        assert_eq!(hosts(&mut lanes).len(), 1, "an idle slow host is remembered");
        lanes.done(10, 1, &host, Some(true));
        for id in 20..25 {
            let _ = lanes.offer(item(id, 1, "shop"));
        }
        assert_eq!(hosts(&mut lanes).len(), 3, "it is prompt again");
    }

    #[test]
    fn many_slow_hosts_leave_places_for_prompt_ones() {
        let mut lanes = Lanes::new(BOUNDS);
        for n in 0..5 {
            let host = format!("dead-{n}");
            lanes.offer(item(n, n, &host));
            assert_eq!(hosts(&mut lanes).len(), 1);
            lanes.done(n, n, &host.into(), Some(false));
        }
        for n in 0..5 {
            lanes.offer(item(10 + n, n, &format!("dead-{n}")));
        }
        assert_eq!(hosts(&mut lanes).len(), BOUNDS.slow, "all slow hosts together");
        for n in 0..3 {
            lanes.offer(item(20 + n, 9, "live"));
        }
        assert_eq!(hosts(&mut lanes), [(20, "live".into()), (21, "live".into())]);
        lanes.done(20, 9, &"live".into(), Some(true));
        assert_eq!(hosts(&mut lanes), [(22, "live".into())]);
    }

    #[test]
    fn one_merchant_can_not_fill_the_house_with_hosts() {
        let mut lanes = Lanes::new(BOUNDS);
        for id in 0..8 {
            assert_eq!(lanes.offer(item(id, 1, &format!("host-{id}"))), Offer::Taken);
        }
        assert_eq!(lanes.offer(item(20, 2, "other")), Offer::Taken);
        let sent = hosts(&mut lanes);
        assert_eq!(sent.len(), 5, "four of the first merchant, one of the other: {sent:?}");
        assert!(sent.contains(&(20, "other".into())));
        lanes.done(0, 1, &"host-0".into(), None);
        assert_eq!(hosts(&mut lanes).len(), 1, "the next of the first merchant");
    }

    #[test]
    fn everything_is_bounded() {
        let mut lanes = Lanes::new(BOUNDS);
        let offers: Vec<Offer> = (0..40).map(|id| lanes.offer(item(id, id, &format!("h{id}")))).collect();
        assert_eq!(offers.iter().filter(|offer| **offer == Offer::Taken).count(), BOUNDS.waiting);
        assert_eq!(offers.last(), Some(&Offer::Full));
        assert_eq!(hosts(&mut lanes).len(), BOUNDS.sending);
    }

    proptest! {
        /// Whatever comes and ends in whatever order: no bound is passed, nothing is sent twice at a time, and
        /// all that was taken is sent in the end.
        #[test]
        fn nothing_is_lost_or_doubled(steps in prop::collection::vec((0_u8..4, 0_u32..40, 0_u32..6, any::<bool>()), 0..200)) {
            let mut lanes = Lanes::new(BOUNDS);
            let mut taken = HashSet::new();
            let mut sending: Vec<Item<u32, u32, ()>> = Vec::new();
            let drain = |lanes: &mut Lanes<u32, u32, ()>, sending: &mut Vec<Item<u32, u32, ()>>, answered| {
                if let Some(item) = sending.pop() {
                    lanes.done(item.id, item.merchant, &item.host, answered);
                    return Some(item.id);
                }
                None
            };
            for (kind, id, host, answered) in steps {
                match kind {
                    0 | 1 => {
                        let offer = lanes.offer(item(id, host / 3, &format!("h{host}")));
                        prop_assert_eq!(offer == Offer::Known, taken.contains(&id));
                        if offer == Offer::Taken { taken.insert(id); }
                    }
                    2 => sending.extend(lanes.next()),
                    _ => if let Some(id) = drain(&mut lanes, &mut sending, Some(answered)) { taken.remove(&id); }
                }
                let mut hosts: HashMap<Arc<str>, usize> = HashMap::new();
                for item in &sending { *hosts.entry(Arc::clone(&item.host)).or_default() += 1; }
                prop_assert!(hosts.values().all(|sent| *sent <= BOUNDS.per_host));
                prop_assert!(lanes.sending_slow <= BOUNDS.slow);
                prop_assert!(sending.len() <= BOUNDS.sending && lanes.sending == sending.len());
                let ids: HashSet<u32> = sending.iter().map(|item| item.id).collect();
                prop_assert_eq!(ids.len(), sending.len());
            }
            for _ in 0..200 {
                sending.extend(lanes.next());
                if let Some(id) = drain(&mut lanes, &mut sending, None) { taken.remove(&id); }
            }
            prop_assert!(taken.is_empty(), "left behind: {:?}", taken);
        }
    }
}
