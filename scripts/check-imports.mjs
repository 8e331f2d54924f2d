// Imports point inward, and what runs in a browser uses nothing of Node's. Exits 1 and names every line that breaks this.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(top, 'src');

/** Folder -> folders it may import from (besides itself and FOR_ALL). */
const ALLOWED = {
  errors: [],
  inspected: [],
  nearest: [],
  version: [],
  random: ['backend', 'reference'],
  backend: ['random', 'reference'],
  reference: ['backend', 'random'],
  metrics: ['model', 'backend'],
  report: ['metrics', 'model', 'train', 'random', 'backend'],
  train: ['model', 'metrics', 'backend', 'random'],
  model: ['train', 'metrics', 'backend', 'random', 'reference'],
  data: ['model', 'train', 'random', 'backend', 'io'],
  io: ['model', 'train', 'random', 'backend'],
  plot: ['model', 'train', 'data', 'io', 'backend'],
  web: ['model', 'train', 'data', 'io', 'plot', 'backend'],
  cli: ['model', 'train', 'metrics', 'report', 'data', 'io', 'plot', 'web', 'backend', 'index'],
  'setup-node': ['model', 'train', 'data', 'io', 'backend'],
  index: ['setup-node', 'model', 'train', 'metrics', 'report', 'data', 'io', 'plot', 'random', 'backend', 'reference'],
  browser: ['model', 'train', 'metrics', 'report', 'random', 'backend', 'reference', 'data'],
};
/** Any folder may import these. */
const FOR_ALL = new Set(['errors', 'inspected', 'nearest', 'version']);
/** Run in browsers: no `node:` imports, no packages, no Node globals. */
const BROWSER = [/^(errors|inspected|nearest|version)\.ts$/, /^browser\.ts$/, /^(model|train|metrics|report|reference|random)\//, /^backend\/(spec|executor|checks|create|registry)\.ts$/];
/** What reference/ and random/ may know of backend/. */
const CONTRACT = ['backend/spec.ts', 'backend/executor.ts', 'backend/checks.ts'];
const NODE_GLOBALS = new Set(['process', 'Buffer', 'require', '__dirname', '__filename', 'global', 'setImmediate', 'clearImmediate']);
/** Only index.ts and the command may bring everything together; files at the top of src/ are entries. */
const area = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, ''));

const problems = [];
const files = readdirSync(src, { recursive: true }).map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).sort();
for (const file of files) {
  const text = readFileSync(join(src, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const browser = BROWSER.some((pattern) => pattern.test(file));
  const fail = (node, message) => problems.push(`src/${file}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${message}`);
  const from = area(file);
  const allowed = ALLOWED[from];
  if (allowed === undefined) {
    problems.push(`src/${file}: the folder is unknown: say in scripts/check-imports.mjs what it may import`);
    continue;
  }
  const check = (node, specifier) => {
    if (!specifier.startsWith('.')) {
      if (browser) fail(node, `imports ${specifier}, but runs in browsers`);
      else if (specifier === 'fs' || specifier === 'path') fail(node, `write node:${specifier}`);
      return;
    }
    const target = relative(src, resolve(src, dirname(file), specifier)).replaceAll('\\', '/').replace(/\.js$/, '.ts');
    const to = area(target);
    if (to !== from && !FOR_ALL.has(to) && !allowed.includes(to)) fail(node, `${from} imports ${to} (allowed: ${allowed.join(', ') || 'nothing'})`);
    else if (browser && !BROWSER.some((pattern) => pattern.test(target))) fail(node, `imports ${target}, which does not run in browsers`);
    else if ((from === 'reference' || from === 'random') && to === 'backend' && !CONTRACT.includes(target)) fail(node, `${from} imports ${target} (allowed: ${CONTRACT.join(', ')})`);
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

if (files.length === 0) problems.push('no source found');
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`imports: ${files.length} files point inward`);
