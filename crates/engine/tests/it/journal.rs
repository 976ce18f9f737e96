//! The journal: one line a command, rejected ones too, and a record's story by following links.

use crate::world::{START, World, digest, make::placed, make::succeeded, make::waiting};
use domain::{Actor, Caller, Command, Rejection, merchant::Product, notification::Attempt};
use engine::query::JournalRow;
use types::{Cursor, JournalId, PageRequest, time};

fn newest(world: &World) -> JournalRow {
    world.queries.journal(PageRequest::new(1, None)).unwrap().rows.remove(0)
}

/// Every line, oldest first, read page by page.
fn all(world: &World) -> Vec<JournalRow> {
    let mut rows: Vec<JournalRow> = Vec::new();
    let mut after = None;
    loop {
        let page = world.queries.journal(PageRequest::new(7, after)).unwrap();
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            rows.reverse();
            return rows;
        }
    }
}

/// Who, from where, with what, when, what, on which record, and what came of it: whether it went through or not.
#[test]
fn a_line_tells_who_did_what_from_where() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(10_00));
    let order = world.order(&shop, "order-0001", Product::Jsapi, 5_00);
    let pay = Command::PayOrder(world.confirmation(order, &buyer));
    let wrong = Command::PayOrder(domain::payment::Confirmation {
        pin: digest("wrong"),
        ..world.confirmation(order, &buyer)
    });
    let subject = format!("order:{order}");
    let cases = [
        (
            Actor::Merchant(shop.id),
            shop.close("order-9999"),
            "close_order",
            "platform",
            "order_not_found",
            None,
        ),
        (Actor::Payer(buyer.id), wrong, "pay_order", &*subject, "ok", Some("pin refused")),
        (Actor::Payer(buyer.id), pay.clone(), "pay_order", &subject, "ok", None),
        (Actor::Payer(buyer.id), pay, "pay_order", &subject, "order_paid", None),
        (Actor::Visitor, Command::SignOut(buyer.id, digest("none")), "sign_out", "platform", "ok", None),
        (Actor::Channel, Command::ExpireOrder(order), "expire_order", &subject, "ok", None),
    ];
    for (n, (actor, command, name, subject, outcome, note)) in cases.into_iter().enumerate() {
        world.advance(time::SECOND);
        let address = format!("192.0.2.{n}");
        let device = format!("device {n}");
        let caller = Caller {
            address: address.parse().ok(),
            device: Some(device.as_str().into()),
            ..Caller::of(actor)
        };
        drop(world.run_as(caller, command));
        let line = newest(&world);
        let told = (&*line.command, &*line.subject, &*line.outcome, line.note.as_deref());
        assert_eq!(told, (name, subject, outcome, note));
        assert_eq!((line.actor, line.at), (actor.to_string(), world.now));
        assert_eq!((line.address, line.device), (Some(address), Some(device)));
    }
    let quiet = world.run_as(Caller::of(Actor::Visitor), Command::SignOut(buyer.id, digest("none")));
    assert!(quiet.is_ok());
    assert_eq!((newest(&world).address, newest(&world).device), (None, None));
}

/// Line ids grow, and say in which batch and place a command ran.
#[test]
fn lines_are_numbered_by_batch_and_place() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(0));
    world.order(&shop, "order-0001", Product::Jsapi, 5_00);
    let commands: Vec<_> = (0..20)
        .map(|n| {
            crate::world::asked(
                Caller::platform(),
                shop.create(&format!("order-{n:04}"), Product::Jsapi, 7_00),
            )
        })
        .collect();
    world.ask(&commands.iter().collect::<Vec<_>>());
    world.restart();
    world.run(buyer.top_up(0)).unwrap_err();
    let rows = all(&world);
    assert!(rows.is_sorted_by(|a, b| a.id < b.id && a.at <= b.at));
    let mut wanted = (1, 0);
    for row in rows {
        let (batch, place) = (row.id.0 / 4096, row.id.0 % 4096);
        assert!((batch, place) == wanted || (batch, place) == (wanted.0 + 1, 0), "a gap before {}", row.id);
        wanted = (batch, place + 1);
    }
    assert_eq!(wanted.0, world.last.number);
}

/// Links go back in time along one story, from payment over order to the beginning.
#[test]
fn a_records_lines_link_to_the_ones_before() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(100_00));
    let order = world.order(&shop, "order-0001", Product::Native, 5_00);
    let payment = waiting(world.pay_by_card(order, &buyer).unwrap());
    world.no(shop.close("order-0001"));
    world.answer(payment, domain::payment::ChannelAnswer::Unknown);
    world.answer(payment, succeeded());
    let notification = world.notifications(order)[0];
    let attempt = Attempt { acknowledged: true, status: 200, took_ms: 3, error: "".into() };
    world.ok(Command::RecordAttempt(notification, attempt));
    let heads = [
        (
            "order",
            world.stored(order).journal,
            &["answer_payment", "answer_payment", "pay_order", "create_order"][..],
        ),
        (
            "payment",
            world.payment(payment).journal,
            &["answer_payment", "answer_payment", "pay_order", "create_order"],
        ),
        (
            "notification",
            world.queries.notification(notification).unwrap().unwrap().journal,
            &["record_attempt", "answer_payment", "answer_payment", "pay_order", "create_order"],
        ),
    ];
    for (what, head, wanted) in heads {
        assert_eq!(world.timeline(head), wanted, "{what}");
        let lines = world.lines(head);
        assert!(lines.is_sorted_by(|a, b| a.id > b.id), "{what}: newest first");
        let links: Vec<Option<JournalId>> = lines.iter().map(|line| line.previous).collect();
        let ids: Vec<Option<JournalId>> =
            lines.iter().skip(1).map(|line| Some(line.id)).chain([None]).collect();
        assert_eq!(links, ids, "{what}");
    }
    // A refused command is on record too, and points at the story it wanted to change.
    let refused: Vec<_> = all(&world).into_iter().filter(|row| row.outcome == "order_busy").collect();
    assert_eq!((refused.len(), &*refused[0].subject), (1, &*format!("order:{order}")));
    assert!(refused[0].previous.is_some());
}

/// No line names a record that another command made: ids of refused commands are not given out again.
#[test]
fn a_refused_command_shares_no_id_with_the_next() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(1_00));
    let code = world.shown_code(&buyer);
    assert_eq!(world.no(shop.code_pay("order-0001", 5_00, code)), Rejection::NotEnough);
    let refused = newest(&world).subject;
    let order = placed(world.ok(shop.create("order-0002", Product::Jsapi, 5_00)));
    assert_ne!(refused, format!("order:{order}"), "another merchant may place it");
}

/// Nothing personal is in a note, and pages of the journal join without gap or overlap.
#[test]
fn the_journal_is_read_in_pages() {
    let mut world = World::new();
    let buyer = world.buyer(10_00);
    let rows = all(&world);
    assert_eq!(rows.len(), usize::try_from(world.last.number).unwrap(), "one command a batch here");
    assert!(rows.iter().all(|row| row.at == START && row.outcome == "ok"));
    let middle = rows[rows.len() / 2].id;
    let page = world.queries.journal(PageRequest::new(3, Some(Cursor(middle.0)))).unwrap();
    assert!(page.rows.iter().all(|row| row.id < middle));
    let token = world.queries.card(buyer.card).unwrap().unwrap().token;
    let noted: Vec<&str> = rows.iter().filter_map(|row| row.note.as_deref()).collect();
    assert!(noted.contains(&"CMB_DEBIT 4242"));
    assert!(noted.iter().all(|note| !note.contains(&*token)), "a card's token is no reader's business");
}
