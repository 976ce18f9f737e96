//! Profit sharing: merchants share what is aside of their orders, again, too much and to strangers, unfreeze it, and ask
//! for shares back; the worker brings the parts.

use crate::{
    talk::Who,
    world::{Alive, Step, World},
};
use domain::{
    Command,
    merchant::MerchantChange,
    order::Order,
    sharing::{NewPart, NewReceiver, NewReturn, NewShare, Participation, Party, Relation, Share, Sharing},
};
use types::{MerchantId, Secret, ShardSet, Time};

/// Requests, returns and orders brought on by one look.
const TOGETHER_MAX: usize = 50;

fn digest(content: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&crate::digest::hash(content).to_le_bytes());
    bytes
}

impl World {
    /// Lets every shop share with every other and with the first payers.
    pub(crate) fn found_sharing(&mut self) -> Step {
        let shops: Vec<_> = self.town.shops.iter().map(|shop| (shop.id, shop.app)).collect();
        let payers: Vec<_> = self.town.payers.iter().take(2).map(|payer| payer.id).collect();
        for (place, (id, _)) in shops.iter().enumerate() {
            let sharing = Participation {
                max_ratio: Some(self.dice.pick(&[3_000, 5_000, 10_000])),
                returns: place != 1,
                notify_url: if place % 2 == 0 { "https://tea.example/shares" } else { "" }.into(),
            };
            let change = MerchantChange { sharing: Some(sharing), ..MerchantChange::default() };
            self.must(Who::Operator, Command::ChangeMerchant(*id, Box::new(change)))?;
        }
        for (id, app) in &shops {
            let others =
                shops.iter().filter(|(other, _)| other != id).map(|(other, _)| Party::Merchant(*other));
            for party in others.chain(payers.iter().map(|payer| Party::Payer(*payer))).collect::<Vec<_>>() {
                let name = match party {
                    Party::Merchant(other) => {
                        self.queries.merchant(other)?.map(|it| Secret::new(it.name.into()))
                    }
                    Party::Payer(_) => None,
                };
                let (app, custom) = (Some(*app), "".into());
                let new =
                    NewReceiver { by: (*id).into(), party, app, name, relation: Relation::Partner, custom };
                self.must(Who::Merchant(*id), Command::AddReceiver(Box::new(new)))?;
            }
        }
        Ok(())
    }

    /// A merchant has to do with sharing.
    pub(crate) fn merchant_shares(&mut self, place: usize) -> Step {
        let Some((order, sharing)) = self.some_shared(place)? else { return Ok(()) };
        match self.dice.below(20) {
            0..=10 => {
                let new = self.new_share(&order, &sharing);
                let times = if self.dice.chance(150) { 2 } else { 1 };
                for _ in 0..times {
                    self.ask_share(&new, None);
                }
            }
            11 => {
                // The same number with other content, at once: at most one of them becomes the request.
                let new = self.new_share(&order, &sharing);
                self.ask_share(
                    &NewShare { digest: digest(&format!("other {}", new.number)), ..new.clone() },
                    None,
                );
                self.ask_share(&new, None);
            }
            12 | 13 => {
                let new = NewShare { parts: Vec::new(), ..self.new_share(&order, &sharing) };
                self.ask_share(&NewShare { unfreeze: Some("enough".into()), ..new }, None);
            }
            14 => {
                let mut much = self.new_share(&order, &sharing);
                much.parts.truncate(1);
                much.parts[0].amount = order.terms.amount.minor + 1;
                self.ask_share(&much, Some("a share of more than was paid"));
            }
            15 => {
                let mut stranger = self.new_share(&order, &sharing);
                stranger.parts.truncate(1);
                stranger.parts[0].party = Party::Merchant(MerchantId(7));
                self.ask_share(&stranger, Some("a share for a stranger"));
            }
            _ => self.ask_return(&order, &sharing)?,
        }
        Ok(())
    }

    /// One of the merchant's later orders that is paid and shared.
    fn some_shared(&mut self, place: usize) -> Result<Option<(Order, Sharing)>, crate::world::Broken> {
        for _ in 0..8 {
            let placed = self.town.shops[place].placed.len();
            let lately = self.dice.below(placed.min(60));
            let Some(terms) = self.town.shops[place].placed.iter().rev().nth(lately).cloned() else { break };
            if !terms.sharing {
                continue;
            }
            let Some(order) = self.queries.order_by_number(terms.signer(), &terms.number)? else { continue };
            if let Some(sharing) = self.queries.sharing(order.id)? {
                return Ok(Some((order, sharing)));
            }
        }
        Ok(None)
    }

    fn new_share(&mut self, order: &Order, sharing: &Sharing) -> NewShare {
        self.shares_made += 1;
        let number: Box<str> = format!("S{}", self.shares_made).into();
        let own = order.terms.merchant;
        let app = self.town.shops.iter().find(|shop| shop.id == own).map(|shop| shop.app);
        let mut receivers: Vec<Party> = self
            .town
            .shops
            .iter()
            .filter(|shop| shop.id != own)
            .map(|shop| Party::Merchant(shop.id))
            .collect();
        receivers.extend(self.town.payers.iter().take(2).map(|payer| Party::Payer(payer.id)));
        let first = self.dice.below(receivers.len());
        receivers.rotate_left(first);
        receivers.truncate(1 + self.dice.below(3));
        let most = (sharing.unsplit / 4).max(1);
        let parts = receivers
            .into_iter()
            .map(|party| {
                let amount = self.dice.between(1, most + 1);
                NewPart { party, app, name: None, amount, description: "commission".into() }
            })
            .collect();
        let unfreeze = self.dice.chance(200).then(|| "the rest".into());
        let digest = digest(&number);
        NewShare { by: order.terms.principal(), order: order.id, number, parts, unfreeze, digest }
    }

    fn ask_share(&mut self, new: &NewShare, wrong: Option<&'static str>) {
        self.ask(Who::Merchant(new.by.signer()), Command::Share(Box::new(new.clone())), false, wrong);
    }

    fn ask_return(&mut self, order: &Order, sharing: &Sharing) -> Step {
        let shares: Vec<Share> = self.queries.shares_of(sharing)?;
        let Some(share) = shares.get(self.dice.below(shares.len())) else { return Ok(()) };
        let merchants = share.parts.iter().filter_map(|part| match part.party {
            Party::Merchant(id) if id != share.merchant => Some((id, part.amount)),
            _ => None,
        });
        let merchants: Vec<_> = merchants.collect();
        let Some((from, amount)) = merchants.get(self.dice.below(merchants.len())).copied() else {
            return Ok(());
        };
        self.shares_made += 1;
        let number: Box<str> = format!("R{}", self.shares_made).into();
        let amount = if self.dice.chance(400) { amount } else { self.dice.between(1, amount + 1) };
        let new = NewReturn {
            by: order.terms.principal(),
            share: share.id,
            digest: digest(&number),
            number,
            from,
            amount,
            description: "taken back".into(),
        };
        let times = if self.dice.chance(150) { 2 } else { 1 };
        for _ in 0..times {
            let command = Command::ReturnShare(Box::new(new.clone()));
            self.ask(Who::Merchant(new.by.signer()), command, false, None);
        }
        Ok(())
    }

    /// The worker brings parts and returns on, and releases what is over. Asked twice, the rules answer alike.
    pub(crate) fn bring_shares_on(&mut self, alive: Alive) -> Step {
        let (node, worker) = (alive.0, Who::Worker(alive));
        let (now, of) = (self.clock(node), ShardSet::only(self.place(node)));
        let mut commands: Vec<Command> = Vec::new();
        commands
            .extend(self.queries.due_shares(of, now, TOGETHER_MAX)?.into_iter().map(Command::FinishShare));
        commands.extend(
            self.queries.due_share_returns(of, now, TOGETHER_MAX)?.into_iter().map(Command::FinishReturn),
        );
        commands.extend(
            self.queries.due_sharings(of, now, TOGETHER_MAX)?.into_iter().map(Command::ReleaseSharing),
        );
        for command in commands {
            self.ask(worker, command, false, None);
        }
        Ok(())
    }

    /// When something of sharing is due next.
    pub(crate) fn next_share(&self, node: usize) -> Result<Option<Time>, crate::world::Broken> {
        const FOR_EVER: Time = Time(i64::MAX);
        let of = ShardSet::only(self.place(node));
        let share = match self.queries.due_shares(of, FOR_EVER, 1)?.first() {
            Some(id) => self.queries.share(*id)?.and_then(|share| share.due_at),
            None => None,
        };
        let back = match self.queries.due_share_returns(of, FOR_EVER, 1)?.first() {
            Some(id) => self.queries.share_return(*id)?.and_then(|one| one.due_at),
            None => None,
        };
        let rest = match self.queries.due_sharings(of, FOR_EVER, 1)?.first() {
            Some(order) => self.queries.sharing(*order)?.and_then(|sharing| sharing.due_at),
            None => None,
        };
        Ok([share, back, rest].into_iter().flatten().min())
    }
}
