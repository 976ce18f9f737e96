// Everything a test file needs: a server on a fresh sandbox, a browser, a merchant with a shop, payers.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch } from './browser.mjs';
import { Merchant, shop } from './merchant.mjs';
import { Payer } from './payer.mjs';
import { Server } from './server.mjs';

export class World {
  async open() {
    this.shop = await shop();
    // Each is kept as soon as it is there, so that `close` ends it even when the other fails.
    const up = await Promise.allSettled([
      Server.start().then((server) => (this.server = server)),
      launch().then((browser) => (this.browser = browser)),
    ]);
    const failed = up.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    this.merchant = new Merchant(this.server, this.shop);
    return this;
  }

  /** A new payer; see `Payer.make`. */
  payer(options) {
    return Payer.make(this.server, this.browser, options);
  }

  /** One success at the merchant's, told once. */
  async mustBePaidOnce(payer, out_trade_no, total) {
    const order = await this.merchant.query(out_trade_no);
    assert.equal(order.trade_state, 'SUCCESS');
    assert.equal(order.amount.payer_total, total);
    const delivered = async () => (await this.merchant.notifications(out_trade_no)).every((sent) => sent.state === 'delivered');
    await payer.until(delivered, 'the notification is delivered');
    const kept = await this.merchant.notifications(out_trade_no);
    assert.deepEqual(kept.map((sent) => [sent.event_type, sent.attempts]), [['TRANSACTION.SUCCESS', 1]]);
    const told = this.merchant.told(out_trade_no).map((each) => [each.trade_state, each.transaction_id]);
    assert.deepEqual(told, [['SUCCESS', order.transaction_id]]);
  }

  /** Nothing was paid, and nobody was told anything. */
  async mustBeUnpaid(out_trade_no, state = 'NOTPAY') {
    assert.equal((await this.merchant.query(out_trade_no)).trade_state, state);
    assert.deepEqual(await this.merchant.notifications(out_trade_no), []);
  }

  async close() {
    await this.browser?.close();
    await this.server?.stop();
    await this.shop?.close();
  }
}

/** A world for the tests of this file; after them every invariant of money is proved. */
export function world() {
  const all = new World();
  before(() => all.open());
  after(() => all.close());
  return all;
}

/** To be called after a file's tests. */
export function proveAfterwards(all) {
  test('every invariant of money holds afterwards', async () => {
    await all.server.end();
    all.server.prove();
  });
}
