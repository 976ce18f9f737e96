// Somebody who signs in to a console, with an authenticator app (RFC 6238).

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { WIDE, open } from './browser.mjs';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The code of a step from now: -1, 0 and 1 are taken, each once. */
export function totp(secret, ahead = 0, now = Date.now()) {
  const bits = [...secret.replace(/\s/g, '')].map((c) => BASE32.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000) + ahead));
  const tag = createHmac('sha1', key).update(counter).digest();
  const at = tag[19] & 15;
  return String((tag.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

export class Staff {
  /** The last step whose code was given; each is taken once. */
  used = 0;

  constructor(world, page, name) {
    const all = JSON.parse(readFileSync(join(world.server.data, 'sandbox/console.json'), 'utf8'));
    this.first = all.find((each) => each.name === name).password;
    Object.assign(this, { world, page, name, password: `${name.length} long enough words` });
  }

  static async open(world, name, options = {}) {
    return new Staff(world, await open(world.browser, { viewport: WIDE, ...options }), name);
  }

  at(id) {
    return this.page.getByTestId(id);
  }

  go(path) {
    return this.page.goto(this.world.server.baseUrl + path);
  }

  /** Name and password; what comes next depends on the account. */
  async enter(password) {
    await this.go('/console');
    await this.at('name').fill(this.name);
    await this.at('password').fill(password);
    await this.at('go').click();
  }

  /** The first sign-in: own password, code enrolled. `look` is called on each page. */
  async settleIn(look = async () => {}) {
    await this.go('/console');
    await look('console-sign-in', this);
    await this.enter(this.first);
    await this.at('old').waitFor();
    await look('console-password', this);
    await this.at('old').fill(this.first);
    await this.at('new').fill(this.password);
    await this.at('again').fill(this.password);
    await this.at('go').click();
    await this.at('secret').waitFor();
    await look('console-enrol', this);
    this.secret = await this.at('secret').textContent();
    await this.at('code').fill(await this.code());
    await this.at('go').click();
    await this.at('who').waitFor();
  }

  /**
   * A code that was not given before; waits when there is none yet. The last step's is worth nothing once the next
   * begins, so it is not given shortly before: a busy machine may take that long to send it.
   */
  async code() {
    const step = () => Math.floor(Date.now() / 30_000);
    const oldest = Math.floor((Date.now() + 10_000) / 30_000) - 1;
    const next = Math.max(this.used + 1, oldest);
    while (next > step() + 1) await sleep(500);
    this.used = next;
    return totp(this.secret, 0, next * 30_000);
  }

  /** Fills the field for the code in a form, when it is asked for. */
  async stepUp(form) {
    const field = form.locator('[name=code]');
    if (await field.count()) await field.fill(await this.code());
  }

  async close() {
    await this.page.context().close();
  }
}
