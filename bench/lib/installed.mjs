// Which peers are there, and in what version.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, peers, python } from './places.mjs';

const MODULES = ['numpy', 'torch', 'sklearn', 'pandas'];

function modules() {
  const script = [
    'import importlib.metadata as m, importlib.util as u, json',
    "names = {'sklearn': 'scikit-learn'}",
    `print(json.dumps({n: m.version(names.get(n, n)) for n in ${JSON.stringify(MODULES)} if u.find_spec(n)}))`,
  ].join('\n');
  const { status, stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8', env: environment(1) });
  return status === 0 ? JSON.parse(stdout) : {};
}
function packages() {
  const { dependencies } = JSON.parse(readFileSync(join(peers, 'package.json'), 'utf8'));
  const found = Object.keys(dependencies).flatMap((name) => {
    const file = join(peers, 'node_modules', name, 'package.json');
    return existsSync(file) ? [[name, JSON.parse(readFileSync(file, 'utf8')).version]] : [];
  });
  return Object.fromEntries(found);
}

/** @returns { versions, missing(row): what the row lacks, or undefined } */
export async function findInstalled() {
  const python3 = modules();
  const npm = packages();
  const nabla = await import('nabla');
  return {
    versions: { ...python3, ...npm },
    missing({ needs }) {
      if (needs === undefined) return undefined;
      const [kind, name] = needs.split(' ');
      const there = kind === 'npm' ? name in npm : kind === 'python3' ? name in python3 : name in nabla;
      return there ? undefined : needs;
    },
  };
}
