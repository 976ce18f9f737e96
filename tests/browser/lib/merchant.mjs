// A merchant that places orders with signed requests (wire §1.3) and has a shop page to come back to.

import { createSign, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

export class Merchant {
  constructor(server) {
    this.server = server;
    this.key = server.pem('merchant_private_key_path');
  }

  sign(lines) {
    return createSign('RSA-SHA256').update(lines.map((line) => `${line}\n`).join('')).sign(this.key, 'base64');
  }

  /** A signed request; the answer's JSON. */
  async call(method, target, body) {
    const { mchid, merchant_serial_no: serial, platform_public_key_id: platform } = this.server.sandbox;
    const text = body === undefined ? '' : JSON.stringify(body);
    const [nonce, timestamp] = [randomBytes(16).toString('hex'), Math.floor(Date.now() / 1000)];
    const signature = this.sign([method, target, timestamp, nonce, text]);
    const answer = await fetch(this.server.baseUrl + target, {
      method,
      headers: {
        Authorization: `WECHATPAY2-SHA256-RSA2048 mchid="${mchid}",nonce_str="${nonce}",timestamp="${timestamp}",`
          + `serial_no="${serial}",signature="${signature}"`,
        Accept: 'application/json',
        'Content-Type': 'application/json',
        'Wechatpay-Serial': platform,
      },
      body: method === 'GET' ? undefined : text,
      signal: AbortSignal.timeout(30_000),
    });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${target} answered ${answer.status}: ${JSON.stringify(json)}`);
    return json;
  }

  /** Places an order of `kind` (native, h5, jsapi, app, codepay); its number and the answer's members. */
  async order(kind, total, more = {}) {
    const { appid, mchid } = this.server.sandbox;
    const out_trade_no = `WEB_${randomBytes(8).toString('hex')}`;
    const body = {
      appid,
      mchid,
      description: '龙井茶 两杯',
      out_trade_no,
      amount: { total, currency: 'CNY' },
      ...(kind === 'codepay' ? {} : { notify_url: 'http://127.0.0.1:9/notify' }),
      ...more,
    };
    return { out_trade_no, ...(await this.call('POST', `/v3/pay/transactions/${kind}`, body)) };
  }

  /** The order as a merchant sees it. */
  async query(out_trade_no) {
    const { mchid } = this.server.sandbox;
    return this.call('GET', `/v3/pay/transactions/out-trade-no/${encodeURIComponent(out_trade_no)}?mchid=${mchid}`);
  }
}

/** The merchant's own web page, where the payer comes back to after paying. */
export async function shop() {
  const http = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>Shop</title><h1>谢谢惠顾</h1><p id="at">${request.url.replace(/[<&]/g, '')}</p>`);
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${http.address().port}`,
    close: () => new Promise((done) => {
      http.closeAllConnections?.();
      http.close(done);
    }),
  };
}
