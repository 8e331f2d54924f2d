// Finds, loads and types the native addon: build/Release first (made by `npm ci` in a clone or by `npx nabla build`),
// then prebuilds/<platform>-<arch> (shipped in the tarball).
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import nodeGypBuild from 'node-gyp-build';
import type { NativeAddon } from './addon-types.js';
import { packageRoot } from './package-root.js';

/** Why there is no addon, and what to do. */
export interface AddonProblem {
  /** 'disabled' by NABLA_NO_ADDON, 'missing': no file, 'unloadable': the system refused it, 'mismatch': built from another version. */
  readonly reason: 'disabled' | 'missing' | 'unloadable' | 'mismatch';
  /** Every place looked at and what was found there. */
  readonly tried: readonly { readonly path: string; readonly outcome: string }[];
  readonly platform: string;
  readonly arch: string;
  readonly libc: string;
  readonly node: string;
  readonly fixes: readonly string[];
  /** All of the above, for people. */
  readonly message: string;
}
export type AddonResult =
  | { readonly addon: NativeAddon; readonly path: string }
  | { readonly addon: null; readonly problem: AddonProblem };

/** What the addon exports. The compiler holds this table to NativeAddon, {@link missingExports} holds the file to this table. */
const EXPORTS: Readonly<Record<keyof NativeAddon, 'function'>> = {
  info: 'function',
  createNetwork: 'function',
  disposeNetwork: 'function',
  load: 'function',
  disposeData: 'function',
  train: 'function',
  trainSync: 'function',
  abort: 'function',
  beginReading: 'function',
  abortReading: 'function',
  endReading: 'function',
  evaluate: 'function',
  evaluateSync: 'function',
  predict: 'function',
  predictSync: 'function',
  firstUnusable: 'function',
  fillUniform: 'function',
  permute: 'function',
  permuteAsync: 'function',
  predictArray: 'function',
  forwardTrain: 'function',
  backward: 'function',
  applyGradients: 'function',
  lossAndGradients: 'function',
  publish: 'function',
  publishAsync: 'function',
  getState: 'function',
  getStateAsync: 'function',
  setState: 'function',
  adoptState: 'function',
};

const root = packageRoot();
const require = createRequire(import.meta.url);
let loaded: { readonly addon: NativeAddon; readonly path: string } | undefined;

/** Loads the addon once; a failure is looked at anew by the next call. Never throws, never prints. */
export function loadAddon(): AddonResult {
  const disabled = process.env['NABLA_NO_ADDON'];
  if (disabled !== undefined && disabled !== '' && disabled !== '0') {
    return { addon: null, problem: problem('disabled', [{ path: 'NABLA_NO_ADDON', outcome: `is ${disabled}` }]) };
  }
  if (loaded !== undefined) return loaded;
  let path: string;
  try {
    path = nodeGypBuild.path(root);
  } catch {
    return { addon: null, problem: problem('missing', places()) };
  }
  let module: unknown;
  try {
    module = require(path);
  } catch (error) {
    return { addon: null, problem: problem('unloadable', [{ path, outcome: error instanceof Error ? error.message : String(error) }]) };
  }
  if (!isNativeAddon(module)) {
    return { addon: null, problem: problem('mismatch', [{ path, outcome: `lacks ${missingExports(module).join(', ')}` }]) };
  }
  loaded = { addon: module, path };
  return loaded;
}

function missingExports(module: unknown): string[] {
  const entries = Object.entries(EXPORTS);
  if (typeof module !== 'object' || module === null) return entries.map(([name]) => name);
  return entries.filter(([name, type]) => typeof Reflect.get(module, name) !== type).map(([name]) => name);
}
function isNativeAddon(module: unknown): module is NativeAddon {
  return missingExports(module).length === 0;
}

function places(): AddonProblem['tried'] {
  const prebuilds = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  const files = existsSync(prebuilds) ? readdirSync(prebuilds) : undefined;
  return [
    { path: join(root, 'build', 'Release', 'nabla.node'), outcome: 'does not exist' },
    { path: prebuilds, outcome: files === undefined ? 'does not exist' : `has nothing for ${libc()} (${files.join(', ')})` },
  ];
}

function libc(): string {
  if (process.platform !== 'linux') return 'the system’s';
  const report: unknown = process.report.getReport();
  if (typeof report !== 'object' || report === null || !('header' in report)) return 'unknown';
  const header = report.header;
  if (typeof header !== 'object' || header === null) return 'unknown';
  return 'glibcVersionRuntime' in header ? `glibc ${String(header.glibcVersionRuntime)}` : 'musl';
}

const STATEMENTS: Readonly<Record<AddonProblem['reason'], string>> = {
  disabled: 'The native addon is switched off.',
  missing: 'There is no native addon for this machine.',
  unloadable: 'The native addon cannot be loaded.',
  mismatch: 'The native addon was built from another version.',
};

function problem(reason: AddonProblem['reason'], tried: AddonProblem['tried']): AddonProblem {
  const fixes =
    reason === 'disabled'
      ? ['unset NABLA_NO_ADDON']
      : ['`npx nabla build` compiles it (needs python3, make and a C++ compiler: `apt-get install python3 make g++`)', "`backend: 'typescript'` does without it, more slowly"];
  const { platform, arch, version: node } = process;
  const message = [
    STATEMENTS[reason],
    ...tried.map(({ path, outcome }) => `  tried: ${path}: ${outcome}`),
    `  here: ${platform}-${arch}, C library ${libc()}, Node ${node}`,
    ...fixes.map((fix) => `  fix: ${fix}`),
  ].join('\n');
  return { reason, tried, platform, arch, libc: libc(), node, fixes, message };
}
