// Imports go one way. Refused: an import of a folder that stands below in the list, a circle of files, and anything of Node's in code that runs in browsers.
// ARCHITECTURE.md shows the table of what imports what; --write renews it there. Type imports count.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(top, 'src');
const page = join(top, 'ARCHITECTURE.md');
const BEGIN = '<!-- folders: made by `node scripts/check-imports.mjs --write` -->';
const END = '<!-- /folders -->';

/** From the bottom up: a folder may import those before it. A folder's name stands for the files right in it. */
const FOLDERS = [
  { name: 'base', browser: true, what: 'errors and their codes, checks of options, typed arrays, the environment, work that runs with and without waiting' },
  { name: 'math', browser: true, what: 'exp, log, tanh, powers: the same bits everywhere' },
  { name: 'random', browser: true, what: 'Philox streams, permutations, distributions' },
  { name: 'backend/contract', browser: true, what: 'the seam: `spec.ts` (a network as plain data), `executor.ts` (what a backend does), `checks.ts`' },
  { name: 'backend/typescript', browser: true, what: 'the Executor in plain TypeScript: the definition of the numbers, and the fallback' },
  { name: 'backend/native', browser: false, what: 'the Executor over the addon; `addon.ts` finds the .node file' },
  { name: 'backend', browser: true, what: 'which backend a model gets' },
  { name: 'metrics', browser: true, what: 'figures of predictions, in slices or whole, without a model; metrics of compile by name' },
  { name: 'train', browser: true, what: 'the training loop, evaluation, callbacks, L-BFGS' },
  { name: 'model/schedules', browser: true, what: 'learning rates that follow the step' },
  { name: 'model/losses', browser: true, what: 'losses as people set them, losses of their own' },
  { name: 'model/inputs', browser: true, what: 'samples, targets and weights of the rows, checked' },
  { name: 'model/parameters', browser: true, what: 'initializers, regularizers, constraints, names and arrays of parameters' },
  { name: 'model/optimizers', browser: true, what: 'optimizers as people set them, their numbers of a step, their state' },
  { name: 'model/layers', browser: true, what: 'layers as people set them; `structure.ts` makes a network of them' },
  { name: 'model/saving', browser: true, what: 'a model as plain data' },
  { name: 'model/gradients', browser: true, what: 'gradients, and a step taken by hand' },
  { name: 'model', browser: true, what: '`sequential`: a model, its state, what fit and predict begin with' },
  { name: 'report', browser: true, what: 'reports beside baselines, permutation importance' },
  { name: 'io', browser: false, what: 'writers, model files, files of arrays' },
  { name: 'data', browser: false, what: 'readers of data sets' },
  { name: 'node.ts', browser: false, what: 'what Node.js offers: files, the terminal, the addon' },
  { name: 'index.ts', browser: false, what: 'the public names' },
  { name: 'cli', browser: false, what: 'what people see: the commands of `npx nabla`' },
];
const NODE_GLOBALS = new Set(['process', 'Buffer', 'require', '__dirname', '__filename', 'global', 'setImmediate', 'clearImmediate']);
const folderOf = (file) => (file.includes('/') ? dirname(file) : file);

const problems = [];
const files = readdirSync(src, { recursive: true }).map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).sort();
const position = new Map(FOLDERS.map(({ name }, i) => [name, i]));
/** File -> files it imports. */
const imported = new Map(files.map((file) => [file, new Set()]));
for (const file of files) look(file);
for (const circle of circlesOf(imported)) problems.push(`these files import in a circle: ${circle.map((file) => `src/${file}`).join(' -> ')}`);
if (files.length === 0) problems.push('no source found');
if (problems.length === 0) showTable();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`imports: ${files.length} files, ${FOLDERS.length} folders, no circle; the table of ARCHITECTURE.md is true`);

function look(file) {
  const text = readFileSync(join(src, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const fail = (node, message) => problems.push(`src/${file}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${message}`);
  const from = folderOf(file);
  const here = position.get(from);
  if (here === undefined) {
    problems.push(`src/${file}: the folder is unknown: scripts/check-imports.mjs says where it stands`);
    return;
  }
  const { browser } = FOLDERS[here];
  const check = (node, specifier) => {
    if (!specifier.startsWith('.')) {
      if (browser) fail(node, `imports ${specifier}, but runs in browsers`);
      else if (specifier === 'fs' || specifier === 'path') fail(node, `write node:${specifier}`);
      return;
    }
    const target = relative(src, resolve(src, dirname(file), specifier)).replaceAll('\\', '/').replace(/\.js$/, '.ts');
    imported.get(file).add(target);
    const to = folderOf(target);
    const there = position.get(to);
    if (there === undefined) fail(node, `imports ${target}, whose folder is unknown`);
    else if (there > here) fail(node, `${from} imports ${to}, which stands above it`);
    else if (browser && !FOLDERS[there].browser) fail(node, `imports ${target}, which does not run in browsers`);
  };
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      check(node, node.moduleSpecifier.text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0] !== undefined && ts.isStringLiteral(node.arguments[0])) {
      check(node, node.arguments[0].text);
    } else if (browser && ts.isIdentifier(node) && NODE_GLOBALS.has(node.text) && isFreeUse(node)) {
      fail(node, `uses ${node.text}, but runs in browsers`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
}

/** Not `x.process`, `{ process: … }`, or a declaration of that name. */
function isFreeUse(node) {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node || parent.expression.getText() === 'globalThis';
  if ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent)) && parent.name === node) return false;
  return !((ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isFunctionDeclaration(parent) || ts.isBindingElement(parent)) && parent.name === node);
}

/** Each circle once, by the file at which the search came upon it. */
function circlesOf(graph) {
  const circles = [];
  const done = new Set();
  const path = [];
  const visit = (file) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      circles.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return circles;
}

function showTable() {
  const arrows = new Map(FOLDERS.map(({ name }) => [name, new Set()]));
  for (const [file, targets] of imported) for (const target of targets) if (folderOf(target) !== folderOf(file)) arrows.get(folderOf(file)).add(folderOf(target));
  const rows = FOLDERS.map(({ name, what, browser }) => {
    const list = FOLDERS.filter((other) => arrows.get(name).has(other.name)).map((other) => other.name.replace(/\.ts$/, ''));
    return `| \`src/${name}\` | ${what} | ${list.join(', ') || 'nothing'} | ${browser ? 'yes' : 'no'} |`;
  });
  const table = ['| folder | what | imports | in browsers |', '|---|---|---|---|', ...rows].join('\n');
  const text = readFileSync(page, 'utf8');
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) {
    problems.push(`ARCHITECTURE.md has no place for the table: ${BEGIN} … ${END}`);
    return;
  }
  const wanted = `${text.slice(0, from)}${BEGIN}\n${table}\n${text.slice(to)}`;
  if (wanted === text) return;
  if (process.argv.includes('--write')) {
    writeFileSync(page, wanted);
    console.log(table);
    return;
  }
  problems.push(`the table of ARCHITECTURE.md is not what the imports are; --write renews it:\n${table}`);
}
