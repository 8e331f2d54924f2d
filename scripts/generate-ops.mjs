// native/kernels/ops.h from src/backend/contract/ops.ts: enums and tables, so that an operation has the same place and settings in both languages.
// node scripts/generate-ops.mjs compares (lint does), --write writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const source = 'src/backend/contract/ops.ts';
const header = 'native/kernels/ops.h';

const { code } = transformSync(readFileSync(join(top, source), 'utf8'), { loader: 'ts', format: 'esm' });
const { activationOps, lossOps, optimizerOps } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const names = (table, accept = () => true) => Object.entries(table).filter(([, op]) => accept(op)).map(([name]) => snake(name));
const inOrder = (table, groupOf, groups) => {
  const found = Object.values(table).map((op) => groups.indexOf(groupOf(op)));
  if (found.some((group, i) => group < 0 || (i > 0 && group < found[i - 1]))) throw new Error(`${source}: the operations of a table stand group by group: ${groups.join(', ')}`);
};
inOrder(activationOps, (op) => op.needsInput, [false, true]);
inOrder(lossOps, (op) => op.compares, ['entropy', 'element', 'row']);

const tables = { activation_ops: activationOps, loss_ops: lossOps, optimizer_ops: optimizerOps };
const settings = [...new Set(Object.values(tables).flatMap((table) => Object.values(table).flatMap((op) => Object.keys(op.settings))))];
const most = Math.max(...Object.values(tables).flatMap((table) => Object.values(table).map((op) => Object.keys(op.settings).length)));
const list = (items) => items.join(',\n  ');
const enumOf = (name, items) => `enum class ${name} : int {\n  ${list(items)}\n};`;
const rowOf = ([name, op]) => {
  const own = Object.keys(op.settings);
  return `{"${name}", ${own.length}, {${own.map((setting) => `Setting::${snake(setting)}`).join(', ')}}}`;
};
const mostSlots = Math.max(...Object.values(optimizerOps).map((op) => op.slots.length));
const slotsOf = ({ slots }) => `{${slots.length}, {${slots.map((slot) => `Setting::${snake(slot.if ?? 'none')}`).join(', ')}}}`;

const text = `// Made by \`node scripts/generate-ops.mjs --write\` from ${source}. Plain data only, as kernels.h says.
// clang-format off
#pragma once

namespace nabla {

// of_z: the backward pass needs z, and a ZActivation says which function it is.
${enumOf('Activation', [...names(activationOps, (op) => !op.needsInput), 'of_z'])}
${enumOf('ZFunction', names(activationOps, (op) => op.needsInput))}
${enumOf('ElementLoss', names(lossOps, (op) => op.compares === 'element'))}
${enumOf('RowLoss', names(lossOps, (op) => op.compares === 'row'))}
${enumOf('Rule', names(optimizerOps))}

constexpr int z_functions = ${names(activationOps, (op) => op.needsInput).length};
constexpr int element_losses = ${names(lossOps, (op) => op.compares === 'element').length};
constexpr int row_losses = ${names(lossOps, (op) => op.compares === 'row').length};

// Places in the tables below.
constexpr int first_of_z = ${names(activationOps, (op) => !op.needsInput).length};
constexpr int first_element_loss = ${names(lossOps, (op) => op.compares === 'entropy').length};
constexpr int first_row_loss = ${names(lossOps, (op) => op.compares !== 'row').length};

// What operations are set with.
${enumOf('Setting', [...settings.map(snake), 'none'])}
// An operation: its name, how many settings it takes, and which, in their order.
struct Op {
  const char* name;
  int count;
  Setting settings[${most}];
};
${Object.entries(tables).map(([name, table]) => `constexpr Op ${name}[] = {\n  ${list(Object.entries(table).map(rowOf))}\n};`).join('\n')}

// State arrays of each update rule, in its order: Setting::none, or what there must be for the array to be there.
struct Slots {
  int count;
  Setting conditions[${mostSlots}];
};
constexpr Slots optimizer_slots[] = {
  ${list(Object.values(optimizerOps).map(slotsOf))}
};

}  // namespace nabla
`;

if (process.argv.includes('--write')) {
  writeFileSync(join(top, header), text);
  console.log(`ops: wrote ${header}`);
} else {
  let known = '';
  try {
    known = readFileSync(join(top, header), 'utf8');
  } catch { /* as good as stale */ }
  if (known !== text) {
    console.error(`ops: ${header} is not what ${source} says: node scripts/generate-ops.mjs --write`);
    process.exit(1);
  }
  console.log(`ops: ${header} is what ${source} says`);
}
