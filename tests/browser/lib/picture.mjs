// The picture for the README: home, cashier and payment code beside one another.

import { PHONE } from './browser.mjs';

const HEIGHT = 780;

/** Writes it to `path`. */
export async function picture(world, path) {
  const payer = await world.payer({ balance: 1_288_00 });
  const { page } = payer;
  const shots = [];
  const shoot = async () => {
    await page.setViewportSize({ ...PHONE, height: HEIGHT });
    shots.push((await page.screenshot({ animations: 'disabled' })).toString('base64'));
  };
  const paid = await world.merchant.order('native', 36_80);
  await payer.scan(paid.code_url);
  await payer.pay();
  await payer.at('paid').waitFor();
  await payer.go('/wallet');
  await shoot();
  const order = await world.merchant.order('native', 28_50, { description: '拿铁一杯，可颂一个' });
  await payer.scan(order.code_url);
  await payer.at('pay').waitFor();
  await shoot();
  await payer.go('/wallet/code');
  await shoot();
  await payer.close();
  const board = await world.browser.newPage({ viewport: { width: 3 * PHONE.width + 4 * 16, height: HEIGHT + 32 } });
  const images = shots.map((shot) => `<img src="data:image/png;base64,${shot}">`).join('');
  await board.setContent(`<style>body{margin:0;padding:16px;display:flex;gap:16px;background:#e2dcd0}</style>${images}`);
  await board.waitForFunction(() => [...document.images].every((image) => image.complete));
  await board.screenshot({ path });
  await board.close();
}
