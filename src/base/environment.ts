// What the surrounding environment offers. The defaults work in any JavaScript; the Node entry sets better ones.

/** The environment's services. */
export interface Environment {
  /** Writes progress; never called unless `verbose` asks for it. */
  write(text: string): void;
  /** Lines may be rewritten in place. */
  isTerminal(): boolean;
  /** Width of the terminal in characters. */
  columns(): number;
  /** A warning with a stable code, once per code and process. */
  warn(message: string, code: string): void;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Resolves after the event loop has had a turn. */
  yield(): Promise<void>;
  /** Bytes that this process may hold; Infinity where nobody knows. */
  memoryLimit(): number;
}

const warned = new Set<string>();

const environment: { current: Environment } = {
  current: {
    write(text) {
      console.log(text.replace(/\n$/, ''));
    },
    isTerminal: () => false,
    columns: () => 80,
    warn(message, code) {
      console.warn(`[${code}] ${message}`);
    },
    now: () => performance.now(),
    yield: () => new Promise((resolve) => setTimeout(resolve, 0)),
    memoryLimit: () => Infinity,
  },
};

/** The environment in use. */
export function getEnvironment(): Environment {
  return environment.current;
}

/** Replaces services of the environment; the others stay. @param services what the environment offers */
export function setEnvironment(services: Partial<Environment>): void {
  environment.current = { ...environment.current, ...services };
}

/** Warns once per code in this process. @param message for a person @param code stable code */
export function warnOnce(message: string, code: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  environment.current.warn(message, code);
}
