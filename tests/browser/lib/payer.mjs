// A payer with a browser of their own: signs up, gets money, pays, as a person would or quicker.

import assert from 'node:assert/strict';

import { open } from './browser.mjs';

export const PIN = '258147';
let phones = 13_900_000_000 + Math.floor(Math.random() * 90_000_000);

/** A phone number that nobody in this run has. */
export function newPhone() {
  phones += 1;
  return String(phones);
}

/** A card number that ends in `tail`, which decides what the simulated bank does; passes its check digit. */
export function cardEnding(tail) {
  for (let filler = 0; filler < 10; filler += 1) {
    const number = `62220200000${filler}${tail}`;
    const sum = [...number].reverse().reduce((total, digit, place) => {
      const value = Number(digit) * (place % 2 === 0 ? 1 : 2);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
    if (sum % 10 === 0) return number;
  }
  throw new Error(`no card number ends in ${tail}`);
}

/** The element that templates mark `data-testid="name"`. */
export const at = (page, name) => page.locator(`[data-testid="${name}"]`);

/** The code sent to a phone last. */
export async function codeSentTo(server, phone) {
  const { messages } = await server.get(`/sandbox/v1/messages?phone=${phone}`);
  assert.ok(messages.length > 0, `nothing was sent to ${phone}`);
  return /\d{6}/.exec(messages[0].text)[0];
}

/** The text behind an attribute's value. */
function plain(value) {
  const names = { quot: '"', amp: '&', lt: '<', gt: '>', '#34': '"', '#38': '&', '#39': "'", '#60': '<', '#62': '>' };
  return value.replace(/&(#?\w+);/g, (whole, name) => names[name] ?? whole);
}

export class Payer {
  constructor(server, page, phone) {
    Object.assign(this, { server, page, phone });
  }

  /** A new payer with a PIN and, when asked, cards, class III and a balance in fen. Without clicking. */
  static async make(server, browser, { balance = 0, cards = [], pin = true, identity = false, ...look } = {}) {
    const page = await open(browser, look);
    const payer = new Payer(server, page, newPhone());
    await payer.post('/wallet/sign-in', '/wallet/sign-in/code', { phone: payer.phone });
    const code = await codeSentTo(server, payer.phone);
    await payer.post(null, '/wallet/sign-in', { phone: payer.phone, code });
    if (pin) await payer.post('/wallet/pin', '/wallet/pin', { new: PIN, again: PIN });
    if (identity) await payer.post('/wallet/identity', '/wallet/identity', { channel: 'face-to-face' });
    if (balance > 0) {
      await payer.bind(cardEnding('0000'));
      await payer.topUp(balance);
    }
    for (const tail of cards) await payer.bind(cardEnding(tail));
    return payer;
  }

  url(path) {
    return new URL(path, this.server.baseUrl).href;
  }

  /** Posts a form of `from` with its hidden fields; `null` when there is nothing to take from a page. */
  async post(from, action, fields) {
    const hidden = {};
    let html = '';
    if (from !== null) {
      html = await (await this.page.request.get(this.url(from))).text();
      for (const [input] of html.matchAll(/<input type="hidden"[^>]*>/g)) {
        hidden[/name="([^"]*)"/.exec(input)[1]] = plain(/value="([^"]*)"/.exec(input)[1]);
      }
    }
    const answer = await this.page.request.post(this.url(action), { form: { ...hidden, ...fields } });
    assert.ok(answer.ok(), `POST ${action} answered ${answer.status()}: ${await answer.text()}`);
    return answer;
  }

  async bind(number) {
    await this.post('/wallet/cards/new', '/wallet/cards/new', { number });
  }

  /** Tops up from the first card and waits until the money is there. */
  async topUp(fen) {
    const form = await (await this.page.request.get(this.url('/wallet/top-up'))).text();
    const card = /name="card" value="(\d+)"/.exec(form)[1];
    const answer = await this.post('/wallet/top-up', '/wallet/top-up', {
      amount: (fen / 100).toFixed(2),
      card,
      pin: PIN,
    });
    await this.until(async () => {
      const html = await (await this.page.request.get(answer.url())).text();
      return html.includes('data-testid="top-up-done"');
    }, 'the top-up is there');
  }

  /** Asks until the answer is true. */
  async until(ask, what, within = 30_000) {
    const end = Date.now() + within;
    while (!(await ask())) {
      if (Date.now() > end) assert.fail(`${what}: not within ${within} ms`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async go(path) {
    return this.page.goto(this.url(path));
  }

  at(name) {
    return at(this.page, name);
  }

  /** The text of a marked element, spaces trimmed. */
  async text(name) {
    return (await this.at(name).first().innerText()).trim();
  }

  /** Scans: pastes a text where the camera has none. */
  async scan(text) {
    await this.go('/pay/scan');
    await this.at('scan-text').fill(text);
    await this.at('scan-go').click();
  }

  /** Chooses the card that ends in `tail`. */
  async choose(tail) {
    await this.page.locator('label.choice', { hasText: tail }).locator('input').check();
  }

  /** Types the PIN and presses pay on the cashier. */
  async pay(pin = PIN) {
    await this.at('pin').fill(pin);
    await this.at('pay').click();
  }

  /** The balance on the home page. */
  async balance() {
    await this.go('/wallet');
    return this.text('balance');
  }

  async close() {
    await this.page.context().close();
  }
}
