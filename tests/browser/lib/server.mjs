// The server under test on a fresh sandbox, and the sandbox's own routes.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
// A debug build on a busy machine must be up, and answer, by then.
const PATIENCE_MS = 30_000;

export function binary() {
  return process.env.FEIQIAN_BIN ?? join(ROOT, 'target/debug/feiqian');
}

export class Server {
  /** Seconds that the sandbox's clock was moved. */
  ahead = 0;

  /** Makes a sandbox, starts `feiqian serve` on it and waits until it is up. */
  static async start() {
    const server = new Server();
    server.data = mkdtempSync(join(tmpdir(), 'feiqian-browser-'));
    server.run('sandbox', 'init', '--data', server.data);
    server.sandbox = JSON.parse(readFileSync(join(server.data, 'sandbox/merchant.json'), 'utf8'));
    const port = await freePort();
    server.baseUrl = `http://127.0.0.1:${port}`;
    server.log = join(server.data, 'server.log');
    const log = openSync(server.log, 'w');
    server.process = spawn(binary(), ['serve', '--data', server.data, '--listen', `127.0.0.1:${port}`], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await server.#up();
    return server;
  }

  /** Runs the program to its end; its standard output. */
  run(...args) {
    const ended = spawnSync(binary(), args, { encoding: 'utf8', timeout: 120_000 });
    if (ended.error) throw new Error(`cannot start ${binary()}: ${ended.error.message}; run 'cargo build' first`);
    if (ended.status !== 0) throw new Error(`feiqian ${args.join(' ')} failed:\n${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  }

  /** The text of a key file that merchant.json names. */
  pem(name) {
    return readFileSync(resolve(this.data, 'sandbox', this.sandbox[name]), 'utf8');
  }

  async get(path) {
    return this.#checked(await fetch(this.baseUrl + path, { signal: AbortSignal.timeout(PATIENCE_MS) }));
  }

  async post(path, body) {
    return this.#checked(await fetch(this.baseUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }));
  }

  /** Moves the sandbox's clock forward. */
  async advance(seconds) {
    await this.post('/sandbox/v1/clock', { advance_seconds: seconds });
    this.ahead += seconds;
  }

  /** Seconds since 1970 as the server counts them. */
  now() {
    return Math.floor(Date.now() / 1000) + this.ahead;
  }

  async #checked(answer) {
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** The end of the server's log, for a failed test. */
  tail() {
    return readFileSync(this.log, 'utf8').split('\n').slice(-40).join('\n');
  }

  /** Every invariant of money must hold. */
  prove() {
    this.run('prove', '--data', this.data);
  }

  /** Ends the server; its data stay. */
  async end() {
    const ended = new Promise((done) => this.process.once('exit', done));
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGTERM');
      await Promise.race([ended, sleep(PATIENCE_MS, null, { ref: false })]);
      this.process.kill('SIGKILL');
    }
  }

  /** Ends the server and removes its data. */
  async stop() {
    await this.end();
    rmSync(this.data, { recursive: true, force: true });
  }

  async #up() {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      if (this.process.exitCode !== null) throw new Error(`feiqian serve ended at once:\n${this.tail()}`);
      try {
        if ((await fetch(`${this.baseUrl}/healthz`)).ok) return;
      } catch {
        // Not listening yet.
      }
      await sleep(20);
    }
    throw new Error(`feiqian serve did not answer /healthz:\n${this.tail()}`);
  }
}

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}
