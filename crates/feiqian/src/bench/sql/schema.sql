-- The same payment written by hand, for comparison. It is given every advantage: an order is inserted as paid, and
-- only the payer has a balance that is checked; merchants and fees have none, so that no row is fought over.
DROP SCHEMA IF EXISTS feiqian_bench CASCADE;
CREATE SCHEMA feiqian_bench;
SET search_path = feiqian_bench;

-- Order numbers ascend, as they do in the other load.
CREATE SEQUENCE numbers START 1000000000000000 CACHE 32;

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mchid bigint NOT NULL, out_trade_no text NOT NULL,
    appid bigint NOT NULL, payer bigint NOT NULL, amount bigint NOT NULL CHECK (amount > 0), fee bigint NOT NULL,
    state smallint NOT NULL, description text NOT NULL, notify_url text NOT NULL, expires_at timestamptz NOT NULL,
    paid_at timestamptz NOT NULL, UNIQUE (mchid, out_trade_no)
);
CREATE TABLE accounts (
    id bigint PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL, CHECK (credits >= debits)
) WITH (fillfactor = 70);
CREATE TABLE transfers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, debit bigint NOT NULL, credit bigint NOT NULL,
    amount bigint NOT NULL, kind smallint NOT NULL, order_id bigint NOT NULL, at timestamptz NOT NULL
);
CREATE TABLE notifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL, next_at timestamptz
);
CREATE INDEX notifications_due ON notifications (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL,
    command text NOT NULL, subject bigint NOT NULL
);
INSERT INTO accounts SELECT payer, 0, 90000000 FROM generate_series(1, 20000) AS payer;

CREATE FUNCTION pay(merchant bigint, number text, payer_id bigint, total bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = feiqian_bench AS $$
DECLARE paid bigint;
BEGIN
    UPDATE accounts SET debits = debits + total WHERE id = payer_id AND credits - debits >= total;
    IF NOT FOUND THEN RAISE EXCEPTION 'not enough'; END IF;
    INSERT INTO orders (mchid, out_trade_no, appid, payer, amount, fee, state, description, notify_url, expires_at, paid_at)
    VALUES (merchant, number, 1, payer_id, total, total * 6 / 1000, 2, 'coffee', 'https://shop.example/notify',
            now() + interval '2 hours', now())
    RETURNING id INTO paid;
    INSERT INTO transfers (debit, credit, amount, kind, order_id, at)
    VALUES (payer_id, merchant, total, 1, paid, now()), (merchant, 0, total * 6 / 1000, 2, paid, now());
    INSERT INTO notifications (order_id, next_at) VALUES (paid, now());
    INSERT INTO audit (at, actor, command, subject)
    VALUES (now(), 'merchant', 'create_order', paid), (now(), 'payer', 'pay_order', paid);
    RETURN paid;
END $$;
