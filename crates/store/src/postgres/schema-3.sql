-- Schema 3: money shared among receivers, transfers to users, combined orders, partners and their sub-merchants.

-- Consoles: a code given again before something dangerous; merchants' own numbers of payouts.
ALTER TABLE staff_sessions ADD COLUMN stepped_up_at BIGINT;
ALTER TABLE payouts ADD COLUMN out_payout_no TEXT NOT NULL DEFAULT '';
CREATE TABLE payout_numbers (
    mchid BIGINT NOT NULL, payout BIGINT NOT NULL,
    all_there_was SMALLINT NOT NULL, out_payout_no TEXT NOT NULL, PRIMARY KEY (mchid, out_payout_no)
);
COMMENT ON TABLE payout_numbers IS 'Which payout a merchant''s own number belongs to';

-- Partners and their sub-merchants. In orders and refunds `mchid` is who signed, as on the wire, so that numbers are
-- unique per partner by the index that is there.
ALTER TABLE merchants ADD COLUMN partner BIGINT, ADD COLUMN partner_permissions INTEGER,
    ADD COLUMN partner_since BIGINT, ADD COLUMN partner_ended_at BIGINT;
CREATE INDEX merchants_partner ON merchants (partner, id) WHERE partner IS NOT NULL;
COMMENT ON COLUMN merchants.partner IS 'The partner whose sub-merchant it is, or was until partner_ended_at';
ALTER TABLE orders ADD COLUMN sub_mchid BIGINT, ADD COLUMN sub_appid BIGINT;
COMMENT ON COLUMN orders.mchid IS 'Who signed: the merchant, or the partner that placed it for sub_mchid';
COMMENT ON COLUMN orders.sub_mchid IS 'Whose order it is, when a partner placed it; NULL for a merchant''s own';
ALTER TABLE refunds ADD COLUMN sub_mchid BIGINT;
COMMENT ON COLUMN refunds.sub_mchid IS 'As in orders';
CREATE OR REPLACE VIEW order_list AS
SELECT id, mchid, out_trade_no,
       CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'paying' WHEN 2 THEN 'paid' WHEN 3 THEN 'closed'
           WHEN 4 THEN 'revoked' WHEN 5 THEN 'failed' WHEN 6 THEN 'expired' END AS state,
       amount, currency, fee, payer,
       CASE product WHEN 0 THEN 'jsapi' WHEN 1 THEN 'app' WHEN 2 THEN 'h5' WHEN 3 THEN 'native' WHEN 4 THEN 'code' END
           AS product,
       to_timestamp(paid_at / 1000000.0) AT TIME ZONE 'UTC' AS paid_at_utc, description, sub_mchid
FROM orders;
CREATE OR REPLACE VIEW refund_list AS
SELECT refunds.id, refunds.mchid, out_refund_no, out_trade_no, order_id,
       CASE refunds.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'processing' WHEN 2 THEN 'unknown' WHEN 3 THEN 'succeeded'
           WHEN 4 THEN 'abnormal' WHEN 5 THEN 'closed' END AS state,
       refunds.amount, refunds.currency, refunds.fee, reason,
       to_timestamp(created_at / 1000000.0) AT TIME ZONE 'UTC' AS created_at_utc,
       to_timestamp(ended_at / 1000000.0) AT TIME ZONE 'UTC' AS ended_at_utc, refunds.sub_mchid
FROM refunds JOIN orders ON orders.id = order_id;

CREATE TABLE clearings (
    reference TEXT PRIMARY KEY, id BIGINT NOT NULL UNIQUE, receivable BIGINT NOT NULL, expected BIGINT, received BIGINT,
    journal BIGINT NOT NULL, opened_at BIGINT NOT NULL, due INTEGER, statement INTEGER, bank_reference TEXT NOT NULL
);
COMMENT ON TABLE clearings IS 'What channels pay to the platform''s bank, a row a batch of a bill';

-- Combined orders. What each is made of, and where it stands, is in its orders.
ALTER TABLE orders ADD COLUMN combined BIGINT;
COMMENT ON COLUMN orders.combined IS 'The combined order it is one of; 0 while its number is only claimed for one';
ALTER TABLE merchants ADD COLUMN combined_by TEXT NOT NULL DEFAULT '[]';
COMMENT ON COLUMN merchants.combined_by IS 'Merchants that may combine its orders; JSON';
CREATE TABLE combined_orders (
    id BIGINT PRIMARY KEY, mchid BIGINT NOT NULL, appid BIGINT NOT NULL, total BIGINT NOT NULL CHECK (total > 0),
    bound_payer BIGINT, product SMALLINT NOT NULL, currency SMALLINT NOT NULL,
    out_trade_no TEXT COLLATE "C" NOT NULL, orders TEXT NOT NULL, notify_url TEXT NOT NULL, device TEXT NOT NULL,
    extra TEXT NOT NULL, digest BYTEA NOT NULL
);
COMMENT ON TABLE combined_orders IS 'Orders of several merchants that are paid as one';
COMMENT ON COLUMN combined_orders.orders IS 'The ids of its orders; JSON';
CREATE TABLE combined_numbers (
    mchid BIGINT NOT NULL, combined BIGINT NOT NULL, out_trade_no TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mchid, out_trade_no)
);
COMMENT ON TABLE combined_numbers IS 'Which combined order a merchant''s own number belongs to';

-- Transfers to users.
CREATE TABLE user_transfers (
    id BIGINT PRIMARY KEY, updated_at BIGINT NOT NULL, due_at BIGINT, tries BIGINT NOT NULL, hold BIGINT,
    crossing BIGINT, end_transfer BIGINT, bill_previous BIGINT, journal BIGINT NOT NULL, mchid BIGINT NOT NULL,
    batch BIGINT, appid BIGINT NOT NULL, payer BIGINT NOT NULL, amount BIGINT NOT NULL CHECK (amount > 0),
    created_at BIGINT NOT NULL, scene INTEGER NOT NULL, state SMALLINT NOT NULL, shard SMALLINT NOT NULL,
    fail SMALLINT, currency SMALLINT NOT NULL, out_bill_no TEXT COLLATE "C" NOT NULL, remark TEXT NOT NULL,
    perception TEXT NOT NULL, reports TEXT NOT NULL, notify_url TEXT NOT NULL, name BYTEA, name_hash BYTEA,
    digest BYTEA NOT NULL
);
CREATE INDEX user_transfers_due ON user_transfers (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX user_transfers_waiting ON user_transfers (payer, id) WHERE state = 1;
CREATE INDEX user_transfers_open ON user_transfers (mchid, id) WHERE due_at IS NOT NULL AND batch IS NULL;
COMMENT ON TABLE user_transfers IS 'Transfers of merchants to users; read them through the view user_transfer_list';
COMMENT ON COLUMN user_transfers.shard IS 'The shard that decides about the row and has, or is about to have, its money';
COMMENT ON COLUMN user_transfers.out_bill_no IS 'The merchant''s number; batch/place for a detail of a batch';
COMMENT ON COLUMN user_transfers.name IS 'The user''s name as the merchant gave it, sealed; name_hash is its keyed hash';
CREATE TABLE user_transfer_numbers (
    mchid BIGINT NOT NULL, transfer BIGINT NOT NULL, out_bill_no TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mchid, out_bill_no)
);
COMMENT ON TABLE user_transfer_numbers IS 'Which transfer a merchant''s own number belongs to';

CREATE TABLE transfer_batches (
    id BIGINT PRIMARY KEY, updated_at BIGINT NOT NULL, due_at BIGINT, begun BIGINT NOT NULL, ended BIGINT NOT NULL,
    succeeded BIGINT NOT NULL, success_amount BIGINT NOT NULL, fail_amount BIGINT NOT NULL, journal BIGINT NOT NULL,
    mchid BIGINT NOT NULL, appid BIGINT NOT NULL, created_at BIGINT NOT NULL, scene INTEGER NOT NULL,
    state SMALLINT NOT NULL, out_batch_no TEXT COLLATE "C" NOT NULL, name TEXT NOT NULL, remark TEXT NOT NULL,
    notify_url TEXT NOT NULL, details TEXT NOT NULL, digest BYTEA NOT NULL
);
CREATE INDEX transfer_batches_due ON transfer_batches (due_at, id) WHERE due_at IS NOT NULL;
COMMENT ON TABLE transfer_batches IS 'Batches of transfers; details as asked for as JSON, names in them sealed';
CREATE TABLE transfer_batch_numbers (
    mchid BIGINT NOT NULL, batch BIGINT NOT NULL, out_batch_no TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mchid, out_batch_no)
);
COMMENT ON TABLE transfer_batch_numbers IS 'Which batch a merchant''s own number belongs to';

CREATE TABLE transfer_plans (
    mchid BIGINT PRIMARY KEY, day_total BIGINT NOT NULL, journal BIGINT NOT NULL, day INTEGER NOT NULL,
    scenes TEXT NOT NULL
);
COMMENT ON TABLE transfer_plans IS 'Scenes in which a merchant may transfer to users, and what it transferred on a day';
CREATE TABLE recipients (
    payer BIGINT PRIMARY KEY, day_total BIGINT NOT NULL, year_total BIGINT NOT NULL, lifetime_total BIGINT NOT NULL,
    day INTEGER NOT NULL, year INTEGER NOT NULL, name_hash BYTEA
);
COMMENT ON TABLE recipients IS 'What a payer has received by transfers, and the keyed hash of the real name where it is known';

CREATE VIEW user_transfer_list AS
SELECT id, mchid, out_bill_no, batch,
       CASE state WHEN 0 THEN 'processing' WHEN 1 THEN 'waiting' WHEN 2 THEN 'succeeded' WHEN 3 THEN 'returning'
           WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' END AS state,
       CASE fail WHEN 0 THEN 'OVERDUE_CLOSE' WHEN 1 THEN 'PAYEE_ACCOUNT_ABNORMAL' WHEN 2 THEN 'NAME_NOT_CORRECT'
           WHEN 3 THEN 'DAY_RECEIVED_QUOTA_EXCEED' WHEN 4 THEN 'REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED' END AS fail,
       payer, amount, currency, scene, remark,
       to_timestamp(created_at / 1000000.0) AT TIME ZONE 'UTC' AS created_at_utc,
       to_timestamp(updated_at / 1000000.0) AT TIME ZONE 'UTC' AS updated_at_utc
FROM user_transfers;
COMMENT ON VIEW user_transfer_list IS 'Transfers to users with words instead of numbers; amounts in minor units';

-- Profit sharing. What is left of an order that is shared is a row of its own, made when the order is paid.
ALTER TABLE orders ADD COLUMN profit_sharing SMALLINT;
COMMENT ON COLUMN orders.profit_sharing IS '1 when its money stays aside to be shared, else NULL';
ALTER TABLE merchants ADD COLUMN sharing TEXT NOT NULL DEFAULT '';
COMMENT ON COLUMN merchants.sharing IS 'How it takes part in profit sharing; empty when it does not; JSON';
CREATE TABLE sharing_receivers (
    mchid BIGINT NOT NULL, party_id BIGINT NOT NULL, since BIGINT NOT NULL, party SMALLINT NOT NULL,
    relation SMALLINT NOT NULL, custom_relation TEXT NOT NULL, PRIMARY KEY (mchid, party, party_id)
);
COMMENT ON TABLE sharing_receivers IS 'With whom a merchant shares; party 0 a merchant, 1 a payer';
CREATE TABLE sharings (
    order_id BIGINT PRIMARY KEY, unsplit BIGINT NOT NULL CHECK (unsplit >= 0),
    reserved BIGINT NOT NULL CHECK (reserved >= 0), shared BIGINT NOT NULL CHECK (shared >= 0), shares BIGINT NOT NULL,
    newest BIGINT, newest_return BIGINT, ended_at BIGINT, due_at BIGINT, mchid BIGINT NOT NULL, since BIGINT NOT NULL,
    shard SMALLINT NOT NULL
);
CREATE INDEX sharings_due ON sharings (due_at, order_id) WHERE due_at IS NOT NULL;
CREATE INDEX sharings_aside ON sharings (mchid, due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE sharings IS 'What is left of orders that are shared; minor units';
CREATE TABLE shares (
    id BIGINT PRIMARY KEY, finished_at BIGINT, due_at BIGINT, journal BIGINT NOT NULL, order_id BIGINT NOT NULL,
    mchid BIGINT NOT NULL, partner BIGINT, previous BIGINT, created_at BIGINT NOT NULL,
    out_order_no TEXT COLLATE "C" NOT NULL, parts TEXT NOT NULL, digest BYTEA NOT NULL
);
CREATE INDEX shares_due ON shares (due_at, id) WHERE due_at IS NOT NULL;
COMMENT ON TABLE shares IS 'Requests to share the money of an order; read them through the view share_list';
COMMENT ON COLUMN shares.parts IS 'Who gets what, and what became of it; JSON';
CREATE TABLE share_returns (
    id BIGINT PRIMARY KEY, transfer BIGINT, ended_at BIGINT, due_at BIGINT, journal BIGINT NOT NULL,
    share BIGINT NOT NULL, order_id BIGINT NOT NULL, mchid BIGINT NOT NULL, partner BIGINT, from_mchid BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), previous BIGINT, created_at BIGINT NOT NULL, fail SMALLINT,
    out_return_no TEXT COLLATE "C" NOT NULL, description TEXT NOT NULL, digest BYTEA NOT NULL
);
CREATE INDEX share_returns_due ON share_returns (due_at, id) WHERE due_at IS NOT NULL;
COMMENT ON TABLE share_returns IS 'Shares that receivers gave back, or could not';
CREATE TABLE sharing_numbers (
    mchid BIGINT NOT NULL, id BIGINT NOT NULL, of_return SMALLINT NOT NULL, number TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mchid, of_return, number)
);
COMMENT ON TABLE sharing_numbers IS 'Which request to share, or return, a signer''s own number belongs to';

CREATE VIEW share_list AS
SELECT shares.id, shares.mchid, out_order_no, shares.order_id, part.place - 1 AS place,
       CASE WHEN part.value ->> 'outcome' = 'pending' THEN 'pending'
            WHEN part.value -> 'outcome' ->> 'succeeded' IS NOT NULL THEN 'succeeded' ELSE 'closed' END AS state,
       (part.value -> 'party' ->> 'merchant')::BIGINT AS to_mchid,
       (part.value -> 'party' ->> 'payer')::BIGINT AS to_payer,
       (part.value ->> 'amount')::BIGINT AS amount, (part.value ->> 'returned')::BIGINT AS returned,
       to_timestamp(shares.created_at / 1000000.0) AT TIME ZONE 'UTC' AS created_at_utc
FROM shares, json_array_elements(shares.parts::JSON) WITH ORDINALITY AS part (value, place);
COMMENT ON VIEW share_list IS 'Who got what of shared orders, a row a receiver; amounts in minor units';

DROP VIEW account_balances;
CREATE VIEW account_balances AS
SELECT CASE id >> 56 WHEN 1 THEN 'payer.balance' WHEN 2 THEN 'merchant.unsettled' WHEN 3 THEN 'merchant.available'
           WHEN 4 THEN 'merchant.held' WHEN 5 THEN 'payout.in_transit' WHEN 6 THEN 'platform.fee'
           WHEN 7 THEN 'platform.suspense' WHEN 8 THEN 'merchant.sharing' WHEN 9 THEN 'transfer.in_transit' WHEN 10 THEN 'channel.receivable' WHEN 11 THEN 'bank.cash'
           WHEN 12 THEN 'refund.in_transit' WHEN 14 THEN 'merchant.reserve' WHEN 20 THEN 'shard.in_transit' END AS kind,
       id & 1099511627775 AS owner, (id >> 46) & 1023 AS currency,
       CASE WHEN id >> 56 IN (10, 11) THEN debits_posted - credits_posted ELSE credits_posted - debits_posted END
           AS balance,
       CASE WHEN id >> 56 IN (10, 11) THEN credits_pending ELSE debits_pending END AS held, frozen, id,
       (id >> 40) & 63 AS shard
FROM accounts;
COMMENT ON VIEW account_balances IS 'Balances in minor units by kind, owner and shard; currency is the ISO 4217 number';

-- Numbers claimed for orders, in a database of several shards.
CREATE TABLE number_claims (
    kind SMALLINT NOT NULL, mchid BIGINT NOT NULL, number TEXT COLLATE "C" NOT NULL, order_id BIGINT NOT NULL,
    PRIMARY KEY (mchid, kind, number)
);
COMMENT ON TABLE number_claims IS 'Which order a signer''s own number of a refund (0), share (1) or return (2) was claimed for, in the shard that a hash of it says';
