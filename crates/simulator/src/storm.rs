//! What breaks by itself: disks, executors, clocks, endpoints; and operators who change a merchant meanwhile.

use crate::{
    node::{Condition, other},
    talk::Who,
    world::{Event, Step, World},
};
use domain::{
    Command,
    merchant::{MerchantChange, Products},
};
use types::{Rate, time};

impl World {
    pub(crate) fn storm(&mut self) -> Step {
        if self.left == 0 {
            return Ok(());
        }
        let most = self.pace.saturating_mul(120) / i64::try_from(self.weather.storms).unwrap_or(1).max(1);
        let next = self.dice.between(1_000, most.max(20_000));
        self.enter_in(next, Event::Storm);
        let lasts = self.dice.between(1_000, (60 * self.pace).clamp(50_000, 5 * time::MINUTE));
        let shard = self.some_shard();
        let victim = self.primary(shard);
        match self.dice.below(20) {
            0 | 1 => {
                self.count("disk full");
                self.say(|_| format!("the disk is full for {} ms", lasts / 1000));
                self.weather.full_until = self.now.plus(lasts);
            }
            2 | 3 => {
                self.count("disk slow");
                self.say(|_| format!("the disk is slow for {} ms", lasts / 1000));
                self.weather.slow_until = self.now.plus(lasts);
            }
            4..=7 if self.nodes[victim].condition == Condition::Up => {
                self.crash(victim, "died at any moment");
            }
            8..=10 => self.take_over(victim),
            11..=13 => self.clock_step(victim),
            14 => self.pause(),
            15..=17 => {
                let shop = self.dice.below(self.town.shops.len());
                let for_long = self.dice.pick(&[time::MINUTE, time::HOUR, 30 * time::HOUR]);
                self.count("endpoint dead");
                self.town.shops[shop].dead_until = self.now.plus(for_long);
            }
            _ => self.operator(),
        }
        Ok(())
    }

    /// The other executor takes over while the first is alive and may have a batch in flight.
    pub(crate) fn take_over(&mut self, old: usize) {
        let new = other(old);
        let may = self.networked && self.is_up(old) && self.nodes[new].condition == Condition::Down;
        if !may || self.nodes[new].starting {
            return;
        }
        self.count("fail-over from a living executor");
        self.nodes[new].skew = self.skewed(old);
        self.start_in(0, new);
        let late = self.dice.between(0, 5 * time::SECOND);
        self.enter_in(late, Event::Route(new));
    }

    fn clock_step(&mut self, node: usize) {
        let forward = self.dice.chance(500);
        let step =
            if forward { self.dice.between(1, time::HOUR) } else { -self.dice.between(1, 5 * time::SECOND) };
        self.count(if forward { "clock forward" } else { "clock back" });
        self.say(|_| format!("the clock of {} steps {step:+} µs", crate::node::name(node)));
        self.nodes[node].skew += step;
        self.scan_in(time::SECOND, node);
    }

    /// Everything stands still for hours or days: all that was to happen meanwhile happens late.
    fn pause(&mut self) {
        let days = self.dice.between(0, 3);
        let for_long = days * time::DAY + self.dice.between(time::MINUTE, time::DAY);
        self.count("time jumps");
        self.say(|_| format!("{} minutes pass in which nothing runs", for_long / time::MINUTE));
        self.now = self.now.plus(for_long);
    }

    fn operator(&mut self) {
        let place = self.dice.below(self.town.shops.len());
        let id = self.town.shops[place].id;
        let change = match self.dice.below(4) {
            0 => MerchantChange {
                fee: Some(Rate(self.dice.pick(&[0, 3_800, 6_000, 1_000_000]))),
                ..MerchantChange::default()
            },
            1 => MerchantChange { active: Some(false), ..MerchantChange::default() },
            _ => MerchantChange {
                active: Some(true),
                products: Some(Products::ALL),
                ..MerchantChange::default()
            },
        };
        self.ask(Who::Operator, Command::ChangeMerchant(id, Box::new(change)), false, None);
    }
}
