//! Merchants: settings, applications, certificates, and the platform's keys.

use crate::world::World;
use domain::{
    Command, Event, Rejection, Reply,
    merchant::{Certificate, MerchantChange, NewMerchant, Product, Products},
};
use types::{AppId, MerchantId, Rate, time};

fn certificate(world: &World, merchant: MerchantId, serial: &str) -> Certificate {
    let (not_before, not_after) = (world.now, world.now.plus(365 * time::DAY));
    let pem = format!("certificate {serial}").into();
    Certificate { serial: serial.into(), merchant, pem, not_before, not_after, revoked_at: None }
}

fn add(certificate: &Certificate) -> Command {
    Command::AddCertificate(Box::new(certificate.clone()))
}

#[test]
fn a_change_touches_only_what_it_names() {
    let mut world = World::new();
    let shop = world.shop();
    let before = world.queries.merchant(shop.id).unwrap().unwrap();
    type Seen = fn(&mut domain::merchant::Merchant, &MerchantChange);
    let cases: [(MerchantChange, Seen); 6] = [
        (MerchantChange { active: Some(false), ..MerchantChange::default() }, |m, _| m.active = false),
        (MerchantChange { products: Some(Products(0)), ..MerchantChange::default() }, |m, _| {
            m.products = Products(0)
        }),
        (MerchantChange { refund_days: Some(30), ..MerchantChange::default() }, |m, _| m.refund_days = 30),
        (MerchantChange { rate_per_s: Some(7), ..MerchantChange::default() }, |m, _| m.rate_per_s = 7),
        (MerchantChange { apiv3_key: Some(Box::from([9])), ..MerchantChange::default() }, |m, change| {
            m.apiv3_key.clone_from(&change.apiv3_key)
        }),
        (MerchantChange { public_key_mode: Some(false), ..MerchantChange::default() }, |m, _| {
            m.public_key_mode = false
        }),
    ];
    let mut wanted = before;
    for (change, expect) in cases {
        world.ok(shop.change(change.clone()));
        assert_eq!(world.events, [Event::MerchantChanged(shop.id)]);
        expect(&mut wanted, &change);
        wanted.journal = world.last.journal[0].id;
        assert_eq!(world.queries.merchant(shop.id).unwrap().unwrap(), wanted, "{change:?}");
    }
    assert_eq!(world.timeline(wanted.journal).len(), 6 + 2, "six changes, the binding, the registration");
}

#[test]
fn applications_are_bound_and_released() {
    let mut world = World::new();
    let (shop, other) = (world.shop(), world.shop());
    let bind = |app| shop.change(MerchantChange { bind: Some(app), ..MerchantChange::default() });
    let unbind = |app| shop.change(MerchantChange { unbind: Some(app), ..MerchantChange::default() });
    assert_eq!(world.no(bind(AppId(99))), Rejection::AppNotFound(AppId(99)));
    world.ok(bind(other.app));
    world.ok(bind(other.app));
    assert_eq!(world.queries.merchant(shop.id).unwrap().unwrap().apps, [shop.app, other.app]);
    world.ok(unbind(shop.app));
    let refused = Rejection::AppNotBound(shop.app, shop.id);
    assert_eq!(world.no(shop.create("order-0001", Product::Native, 1)), refused);
}

#[test]
fn a_merchant_is_registered_once() {
    let mut world = World::new();
    let shop = world.shop();
    let new = |id| {
        let (name, products) = ("again".into(), Products::ALL);
        Command::RegisterMerchant(NewMerchant { id, name, products, fee: Rate(0), rate_per_s: 1 })
    };
    let nobody = MerchantId(7);
    let change = Command::ChangeMerchant(nobody, Box::default());
    world.refuses([
        ("a known number", new(shop.id), Rejection::MerchantExists(shop.id)),
        ("a change of nobody", change, Rejection::MerchantNotFound(nobody)),
    ]);
}

#[test]
fn a_certificate_belongs_to_one_merchant() {
    let mut world = World::new();
    let (shop, other) = (world.shop(), world.shop());
    let mine = certificate(&world, shop.id, "AB01");
    world.ok(add(&mine));
    assert_eq!(world.ok(add(&mine)), Reply::Done, "again is the same");
    let nobody = MerchantId(7);
    world.refuses([
        ("another's", add(&Certificate { merchant: other.id, ..mine.clone() }), Rejection::CertificateExists),
        ("another one", add(&Certificate { pem: "x".into(), ..mine.clone() }), Rejection::CertificateExists),
        ("nobody's", add(&Certificate { merchant: nobody, ..mine }), Rejection::MerchantNotFound(nobody)),
        ("an unknown serial", Command::RevokeCertificate("CD02".into()), Rejection::NotAllowed),
    ]);
    let revoke = Command::RevokeCertificate("AB01".into());
    world.ok(revoke.clone());
    let revoked_at = world.queries.certificate("AB01").unwrap().unwrap().revoked_at;
    assert_eq!(revoked_at, Some(world.now));
    world.advance(time::DAY);
    world.ok(revoke);
    assert_eq!(world.queries.certificate("AB01").unwrap().unwrap().revoked_at, revoked_at, "once");
}

#[test]
fn a_key_ring_counts_its_replacements() {
    let mut world = World::new();
    for version in 1..=3 {
        let sealed = vec![u8::try_from(version).unwrap()].into_boxed_slice();
        world.ok(Command::ReplaceKeyRing { name: "platform".into(), sealed: sealed.clone() });
        assert_eq!(world.events, [Event::KeysChanged]);
        let ring = world.queries.key_ring("platform").unwrap().unwrap();
        assert_eq!((ring.version, ring.sealed), (version, sealed));
    }
}
