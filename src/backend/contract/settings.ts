// Checks what an operation is set with against the table of operations.
import { checkBoolean, checkReal } from '../../base/checks.js';
import { NablaError } from '../../base/errors.js';
import type { Settings, Values } from './ops.js';

/** Checks complete values. @param at in front of a name in errors, for example 'layers[0].activation.' @throws ERR_TYPE, ERR_RANGE */
export function checkSettings(op: string, at: string, settings: Settings, values: object): void {
  for (const [name, setting] of Object.entries(settings)) {
    const value: unknown = Reflect.get(values, name);
    if (typeof setting.default === 'boolean') checkBoolean(op, at + name, value);
    else checkReal(op, at + name, value, setting);
  }
}

/** Options of a caller, with the table's defaults for what is left out. @param options may hold more @returns the values @throws ERR_TYPE, ERR_RANGE */
export function readSettings<Table extends Settings>(op: string, settings: Table, options: object): Values<Table> {
  const values = Object.fromEntries(Object.entries(settings).map(([name, setting]): [string, unknown] => {
    const given: unknown = Reflect.get(options, name);
    return [name, given ?? setting.default];
  }));
  checkSettings(op, '', settings, values);
  if (hasValues(settings, values)) return values;
  throw new NablaError('ERR_INTERNAL', `[${op}] settings that passed their checks have their types. Expected them, received others.`);
}

function hasValues<Table extends Settings>(settings: Table, values: object): values is Values<Table> {
  return Object.entries(settings).every(([name, setting]) => typeof Reflect.get(values, name) === typeof setting.default);
}
