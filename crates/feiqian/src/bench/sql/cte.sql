\set payer random(1, 20000)
\set merchant random(1, 111)
WITH payer AS (
    UPDATE feiqian_bench.accounts SET debits = debits + 100 WHERE id = :payer AND credits - debits >= 100 RETURNING id
), paid AS (
    INSERT INTO feiqian_bench.orders
        (mchid, out_trade_no, appid, payer, amount, fee, state, description, notify_url, expires_at, paid_at)
    SELECT CASE WHEN :merchant > 100 THEN 1 ELSE :merchant END, 'P' || nextval('feiqian_bench.numbers'), 1, id, 100, 0, 2, 'coffee',
           'https://shop.example/notify', now() + interval '2 hours', now()
    FROM payer RETURNING id, mchid, payer
), moved AS (
    INSERT INTO feiqian_bench.transfers (debit, credit, amount, kind, order_id, at)
    SELECT payer, mchid, 100, 1, id, now() FROM paid UNION ALL SELECT mchid, 0, 1, 2, id, now() FROM paid
), told AS (
    INSERT INTO feiqian_bench.notifications (order_id, next_at) SELECT id, now() FROM paid
), seen AS (
    INSERT INTO feiqian_bench.audit (at, actor, command, subject)
    SELECT now(), 'merchant', 'create_order', id FROM paid UNION ALL SELECT now(), 'payer', 'pay_order', id FROM paid
)
SELECT id FROM paid;
