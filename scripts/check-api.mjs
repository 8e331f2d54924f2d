// The API report: etc/api.md lists every public declaration of every entry, as it is emitted. A difference fails; --update writes it anew,
// so that a change of the public API is always seen in the diff.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const report = join(top, 'etc/api.md');
const manifest = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
const out = mkdtempSync(join(tmpdir(), 'nabla-api-'));

try {
  const tsc = spawnSync(process.execPath, [join(top, 'node_modules/typescript/bin/tsc'), '-p', join(top, 'tsconfig.json'), '--emitDeclarationOnly', '--outDir', out], { encoding: 'utf8' });
  if (tsc.status !== 0) {
    console.error(`${tsc.stdout}api: the sources do not compile`);
    process.exit(1);
  }
  const entries = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object').map(([name, target]) => [name.replace(/^\./, manifest.name), join(out, target.types.replace(/^\.\/dist\//, ''))]);
  const program = ts.createProgram(entries.map(([, file]) => file), { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022, types: ['node'], typeRoots: [join(top, 'node_modules/@types')] });
  const checker = program.getTypeChecker();
  const text = `# Public API\n\nWritten by \`npm run api\`; compared by \`npm run lint\`.\n${entries.map(([name, file]) => describe(name, program.getSourceFile(file), checker)).join('')}`;
  if (process.argv.includes('--update')) {
    mkdirSync(dirname(report), { recursive: true });
    writeFileSync(report, text);
    console.log(`api: wrote etc/api.md, ${text.split('\n').length} lines`);
  } else {
    const known = existsSync(report) ? readFileSync(report, 'utf8') : '';
    if (known !== text) {
      const before = new Set(known.split('\n'));
      const now = new Set(text.split('\n'));
      for (const line of known.split('\n')) if (!now.has(line)) console.error(`- ${line}`);
      for (const line of text.split('\n')) if (!before.has(line)) console.error(`+ ${line}`);
      console.error('api: the public API differs from etc/api.md; `npm run api` records an intended change');
      process.exitCode = 1;
    } else console.log('api: as recorded in etc/api.md');
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

/** The entry's exports, then whatever they mention that the entry does not export by name. */
function describe(name, source, checker) {
  if (source === undefined) throw new Error(`${name}: no declarations`);
  const module = checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${name}: exports nothing`);
  const resolved = (symbol) => ((symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol);
  const exported = checker.getExportsOfModule(module);
  const seen = new Set();
  const queue = [];
  const push = (symbol, heading) => {
    if (seen.has(symbol)) return;
    seen.add(symbol);
    queue.push([symbol, heading]);
  };
  for (const symbol of exported) push(resolved(symbol), symbol.name);
  const publicCount = queue.length;
  const blocks = [];
  for (let i = 0; i < queue.length; i++) {
    const [symbol, heading] = queue[i];
    const lines = [];
    for (const declaration of symbol.declarations ?? []) {
      if (!declaration.getSourceFile().fileName.startsWith(out) && !ts.isSourceFile(declaration)) continue;
      lines.push(print(declaration));
      const walk = (node) => {
        if (isPrivate(node)) return;
        if (ts.isIdentifier(node)) {
          const mentioned = checker.getSymbolAtLocation(node);
          const target = mentioned === undefined ? undefined : resolved(mentioned);
          const home = target?.declarations?.[0];
          if (home !== undefined && home.getSourceFile().fileName.startsWith(out) && ts.isSourceFile(ts.isVariableDeclaration(home) ? home.parent.parent.parent : home.parent)) push(target, target.name);
        }
        ts.forEachChild(node, walk);
      };
      if (!ts.isSourceFile(declaration)) walk(declaration);
    }
    blocks.push([i < publicCount ? 0 : 1, heading, lines.join('\n')]);
  }
  blocks.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  const section = (kind) => blocks.filter(([k]) => k === kind).map(([, , lines]) => lines).join('\n');
  return `\n## ${name}\n\n\`\`\`ts\n${section(0)}\n\`\`\`\n\nMentioned by these, not exported by name:\n\n\`\`\`ts\n${section(1)}\n\`\`\`\n`;
}

function isPrivate(node) {
  if (ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return true;
  return (ts.isPropertyDeclaration(node) || ts.isMethodDeclaration(node)) && ts.isPrivateIdentifier(node.name);
}

/** A declaration without comments and private members; a namespace-like module (`export * as`) as the list of its names. */
function print(declaration) {
  if (ts.isSourceFile(declaration)) return `// module ${declaration.fileName.slice(out.length + 1)}`;
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const transformed = ts.transform(node, [
    (context) => (root) => {
      const visit = (child) => (isPrivate(child) ? undefined : ts.visitEachChild(child, visit, context));
      return ts.visitEachChild(root, visit, context);
    },
  ]);
  const text = ts.createPrinter({ removeComments: true }).printNode(ts.EmitHint.Unspecified, transformed.transformed[0], declaration.getSourceFile());
  transformed.dispose();
  return text.replace(/^export (declare )?/, '').replace(/^declare /, '');
}
