// Savers killed at any moment: under the name there is always a whole model, the one before or the one after, and the next save clears what was left.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as nabla from '../../dist/index.js';
import { caseRandom, fail, finish, fingerprint, foreign, pause, scratch, untilTimeIsOver } from './common.mjs';

const saver = fileURLToPath(new URL('saver.mjs', import.meta.url));
let left = 0;
const kills = await untilTimeIsOver(async (number) => {
  const random = caseRandom(number);
  const folder = scratch();
  const path = join(folder, 'model.safetensors');
  const way = random.pick(['sync', 'async']);
  const child = spawn(process.execPath, [saver, path, way], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  const allowed = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(JSON.parse(text))));
  await pause(random.integer(0, 60));
  child.kill('SIGKILL');
  await exit;
  try {
    const model = nabla.loadModelSync(path);
    if (!allowed.includes(fingerprint(model))) fail(`kill ${number} (${way}): weights that nobody saved`);
    left += readdirSync(folder).length - 1;
    if (way === 'sync') nabla.saveModelSync(model, path);
    else await nabla.saveModel(model, path);
    const names = readdirSync(folder);
    if (names.length !== 1) fail(`kill ${number} (${way}): left after the next save: ${names.join(', ')}`);
  } catch (error) {
    fail(`kill ${number} (${way}): ${foreign(error) || error.message}`);
  }
});
finish({ kills }, { 'temporary files left by kills, all cleared': left });
