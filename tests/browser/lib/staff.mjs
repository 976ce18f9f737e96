// Somebody who signs in to a console, with an authenticator app (RFC 6238).

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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
    await this.at('code').fill(totp(this.secret, -1));
    await this.at('go').click();
    await this.at('who').waitFor();
  }

  async close() {
    await this.page.context().close();
  }
}
