\set payer random(1, 20000)
\set merchant random(1, 111)
BEGIN;
UPDATE feiqian_bench.accounts SET debits = debits + 100 WHERE id = :payer AND credits - debits >= 100;
INSERT INTO feiqian_bench.orders
    (mchid, out_trade_no, appid, payer, amount, fee, state, description, notify_url, expires_at, paid_at)
VALUES (CASE WHEN :merchant > 100 THEN 1 ELSE :merchant END, 'P' || nextval('feiqian_bench.numbers'), 1, :payer, 100, 0, 2, 'coffee',
        'https://shop.example/notify', now() + interval '2 hours', now())
RETURNING id AS paid \gset
INSERT INTO feiqian_bench.transfers (debit, credit, amount, kind, order_id, at)
VALUES (:payer, :merchant, 100, 1, :paid, now()), (:merchant, 0, 1, 2, :paid, now());
INSERT INTO feiqian_bench.notifications (order_id, next_at) VALUES (:paid, now());
INSERT INTO feiqian_bench.audit (at, actor, command, subject)
VALUES (now(), 'merchant', 'create_order', :paid), (now(), 'payer', 'pay_order', :paid);
COMMIT;
