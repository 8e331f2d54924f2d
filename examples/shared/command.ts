// The command line of an example: options are declared where they are read, and --help shows what was declared.
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { isNablaError, type BackendChoice } from 'nabla';

/** A command line that cannot be meant. */
export class UsageError extends Error {}

interface Declared {
  readonly usage: string;
  readonly about: string;
}

/** Reads `--name value`, `--name=value` and `--name`. Ask for every option, then call {@link ready}. */
export class Command {
  readonly #name: string;
  readonly #about: string;
  readonly #example: string;
  readonly #given = new Map<string, string | undefined>();
  readonly #declared = new Map<string, Declared>();
  #problem: UsageError | null = null;

  /** @param name of the example @param about what it shows, in a sentence @param example options of a run worth trying @param argv default: the process's */
  constructor(name: string, about: string, example: string, argv: readonly string[] = process.argv.slice(2)) {
    this.#name = name;
    this.#about = about;
    this.#example = example;
    for (let i = 0; i < argv.length; i++) {
      const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(argv[i]);
      if (match === null) {
        this.#problem ??= new UsageError(`${JSON.stringify(argv[i])} is no option`);
        continue;
      }
      const next = argv.at(i + 1);
      const separate = match[2] === undefined && next !== undefined && !next.startsWith('--');
      this.#given.set(match[1], separate ? next : match[2]);
      if (separate) i++;
    }
  }

  /** A switch, off by default. */
  flag(name: string, about: string): boolean {
    const value = this.#take(name, `--${name}`, about);
    if (typeof value === 'string') this.#problem ??= new UsageError(`--${name} takes no value, received ${JSON.stringify(value)}`);
    return value !== null;
  }

  /** A whole number. */
  integer(name: string, fallback: number, about: string, minimum = 0): number {
    const value = this.#text(name, 'N', `${about} (default ${fallback})`);
    if (value === null) return fallback;
    const number = Number(value);
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= minimum) return number;
    this.#problem ??= new UsageError(`--${name} takes a whole number from ${minimum}, received ${JSON.stringify(value)}`);
    return fallback;
  }

  /** Any text; '' where it was not given. @param placeholder how the help calls the value */
  text(name: string, placeholder: string, about: string): string {
    return this.#text(name, placeholder, about) ?? '';
  }

  /** One of some words, the first by default. */
  choice<T extends string>(name: string, words: readonly [T, ...T[]], about: string): T {
    const value = this.#text(name, words.join('|'), `${about} (default ${words[0]})`);
    if (value === null) return words[0];
    const found = words.find((word) => word === value);
    if (found === undefined) this.#problem ??= new UsageError(`--${name} takes ${words.join(' or ')}, received ${JSON.stringify(value)}`);
    return found ?? words[0];
  }

  /** Which backend computes. */
  backend(): BackendChoice {
    return this.choice<BackendChoice>('backend', ['auto', 'native', 'typescript'], 'what computes');
  }

  /** Shows the help and ends, or refuses what nobody asked for. @throws UsageError */
  ready(): void {
    if (this.#given.has('help')) {
      process.stdout.write(this.#help());
      process.exit(0);
    }
    for (const name of this.#given.keys()) {
      if (!this.#declared.has(name)) this.#problem ??= new UsageError(`there is no option --${name}`);
    }
    if (this.#problem !== null) throw new UsageError(`${this.#problem.message}. npm run example -- ${this.#name} --help lists the options.`);
  }

  /** @returns the value, undefined for a name without one, null where it was not given */
  #take(name: string, usage: string, about: string): string | undefined | null {
    this.#declared.set(name, { usage, about });
    return this.#given.has(name) ? this.#given.get(name) : null;
  }

  #text(name: string, placeholder: string, about: string): string | null {
    const value = this.#take(name, `--${name} ${placeholder}`, about);
    if (value === undefined) this.#problem ??= new UsageError(`--${name} takes a value`);
    return value ?? null;
  }

  #help(): string {
    const options = [...this.#declared.values(), { usage: '--help', about: 'this list' }];
    const width = Math.max(...options.map(({ usage }) => usage.length));
    const lines = options.flatMap(({ usage, about }) => (width > 28 ? [`  ${usage}`, `      ${about}`] : [`  ${usage.padEnd(width)}  ${about}`]));
    return [this.#about, '', `npm run example -- ${this.#name} [options]`, '', ...lines, '', `For example:  npm run example -- ${this.#name} ${this.#example}`, ''].join('\n');
  }
}

/** Runs an example when its file is the one that was started. @param url import.meta.url of the file @param main what it does */
export async function runExample(url: string, main: () => Promise<void>): Promise<void> {
  if (url !== pathToFileURL(process.argv[1] ?? '').href) return;
  // Somebody who reads only the first lines (| head) has not broken anything.
  process.stdout.on('error', () => process.exit(0));
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UsageError) && !isNablaError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
