// A merchant that places orders with signed requests (wire §1.3) and has a shop page to come back to.

import { createDecipheriv, createSign, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

export class Merchant {
  constructor(server, shop) {
    this.server = server;
    this.shop = shop;
    this.key = server.pem('merchant_private_key_path');
  }

  sign(lines) {
    return createSign('RSA-SHA256').update(lines.map((line) => `${line}\n`).join('')).sign(this.key, 'base64');
  }

  /** A signed request; the answer's JSON. */
  async call(method, target, body) {
    const { mchid, merchant_serial_no: serial, platform_public_key_id: platform } = this.server.sandbox;
    const text = body === undefined ? '' : JSON.stringify(body);
    // Requests are held against the machine's clock, which a sandbox does not move.
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
    const read = await answer.text();
    const json = read === '' ? null : JSON.parse(read);
    if (answer.ok) return json;
    const error = new Error(`${method} ${target} answered ${answer.status}: ${JSON.stringify(json)}`);
    throw Object.assign(error, { status: answer.status, code: json.code });
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
      ...(kind === 'codepay' ? {} : { notify_url: `${this.shop.url}/notify` }),
      ...(kind === 'h5' ? { scene_info: { payer_client_ip: '127.0.0.1', h5_info: { type: 'Wap' } } } : {}),
      ...more,
    };
    return { out_trade_no, ...(await this.call('POST', `/v3/pay/transactions/${kind}`, body)) };
  }

  /** Places a combined order (合单) of the sandbox's merchants, one amount each; its numbers and the answer's members. */
  async combined(kind, amounts, more = {}) {
    const { appid, mchid } = this.server.sandbox;
    const shops = [mchid, '1900000100', '1900000109'];
    const whole = `WHOLE_${randomBytes(6).toString('hex')}`;
    const body = {
      combine_appid: appid,
      combine_mchid: mchid,
      combine_out_trade_no: whole,
      notify_url: `${this.shop.url}/notify`,
      sub_orders: amounts.map((total_amount, at) => ({
        mchid: shops[at],
        out_trade_no: `${whole}-${at}`,
        description: ['龙井茶 两杯', '桂花糕 一盒', '茶杯垫'][at],
        attach: `shelf ${at}`,
        amount: { total_amount, currency: 'CNY' },
      })),
      ...(kind === 'h5' ? { scene_info: { payer_client_ip: '127.0.0.1', h5_info: { type: 'Wap' } } } : {}),
      ...more,
    };
    return { combine_out_trade_no: whole, ...(await this.call('POST', `/v3/combine-transactions/${kind}`, body)) };
  }

  /** A combined order as who combined it sees it. */
  async queryWhole(number) {
    return this.call('GET', `/v3/combine-transactions/out-trade-no/${number}`);
  }

  /** Scans a payment code at the till. */
  async scan(auth_code, total, more = {}) {
    return this.order('codepay', total, {
      payer: { auth_code },
      scene_info: { device_id: 'till-1', store_info: { id: '0001' } },
      ...more,
    });
  }

  async close(out_trade_no) {
    const { mchid } = this.server.sandbox;
    await this.call('POST', `/v3/pay/transactions/out-trade-no/${out_trade_no}/close`, { mchid });
  }

  /** What a JSAPI page hands to the bridge (wire §3.3). */
  invoke(prepay_id) {
    const [appId, timeStamp, nonceStr] = [this.server.sandbox.appid, String(this.server.now()), randomBytes(12).toString('hex')];
    const [signType, pack] = ['RSA', `prepay_id=${prepay_id}`];
    return { appId, timeStamp, nonceStr, package: pack, signType, paySign: this.sign([appId, timeStamp, nonceStr, pack]) };
  }

  /** What an app hands over (wire §3.3). */
  invokeApp(prepayid) {
    const { appid, mchid: partnerid } = this.server.sandbox;
    const [timestamp, noncestr] = [String(this.server.now()), randomBytes(12).toString('hex')];
    const sign = this.sign([appid, timestamp, noncestr, prepayid]);
    return { appid, partnerid, prepayid, package: 'Sign=WXPay', noncestr, timestamp, sign };
  }

  /** The notifications of an order that the platform keeps. */
  async notifications(out_trade_no) {
    const { notifications } = await this.server.get(`/sandbox/v1/notifications?mchid=${this.server.sandbox.mchid}`);
    return notifications.filter((sent) => sent.out_trade_no === out_trade_no);
  }

  /** The transactions that the shop was told of, decrypted (wire §5). */
  told(out_trade_no) {
    const open = ({ resource }) => {
      const sealed = Buffer.from(resource.ciphertext, 'base64');
      const cipher = createDecipheriv('aes-256-gcm', this.server.sandbox.apiv3_key, resource.nonce);
      cipher.setAAD(Buffer.from(resource.associated_data)).setAuthTag(sealed.subarray(-16));
      return JSON.parse(Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]).toString());
    };
    return this.shop.posted.map((body) => open(JSON.parse(body))).filter((told) => told.out_trade_no === out_trade_no);
  }

  /** The order as a merchant sees it. */
  async query(out_trade_no) {
    const { mchid } = this.server.sandbox;
    return this.call('GET', `/v3/pay/transactions/out-trade-no/${encodeURIComponent(out_trade_no)}?mchid=${mchid}`);
  }
}

/** The merchant's web site: where the payer comes back to, what notifications are posted to, a page that pays. */
export async function shop() {
  const site = { posted: [], pages: new Map() };
  const http = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      site.posted.push(Buffer.concat(chunks).toString());
      response.writeHead(204).end();
      return;
    }
    const { pathname } = new URL(request.url, 'http://shop');
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    const page = site.pages.get(pathname) ?? `<h1>谢谢惠顾</h1><p id="at">${request.url.replace(/[<&]/g, '')}</p>`;
    response.end(`<!doctype html><html lang="zh"><title>Shop</title><link rel="icon" href="data:,">${page}`);
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  site.url = `http://127.0.0.1:${http.address().port}`;
  site.close = () => new Promise((done) => {
    http.closeAllConnections?.();
    http.close(done);
  });
  return site;
}
