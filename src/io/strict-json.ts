// What JSON.parse lets pass and a file format must not: the same key twice, and numbers that are not plain whole ones.
import { brief, show } from '../base/errors.js';

/** What is wrong with a text that JSON.parse accepted, or undefined. Only digits may stand for numbers: no sign, fraction or exponent. */
export function looseJson(text: string): string | undefined {
  const open: (Set<string> | null)[] = []; // the keys of each open object, null for an array
  let at = 0;
  while (at < text.length) {
    const c = text.charAt(at);
    if (c === '"') {
      const end = stringEnd(text, at);
      const keys = open.at(-1);
      if (keys instanceof Set && isKey(text, end)) {
        const key = String(JSON.parse(text.slice(at, end)));
        if (keys.has(key)) return `the key ${show(key)} comes twice`;
        keys.add(key);
      }
      at = end;
      continue;
    }
    if (c === '{') open.push(new Set());
    else if (c === '[') open.push(null);
    else if (c === '}' || c === ']') open.pop();
    else if (c === '-' || (c >= '0' && c <= '9')) {
      const number = /[-+.\deE]+/y;
      number.lastIndex = at;
      const word = number.exec(text)?.[0] ?? c;
      if (!/^\d+$/.test(word)) return `${brief(word)} is not a whole number from 0`;
      at += word.length;
      continue;
    }
    at++;
  }
  return undefined;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
  return text.charAt(at) === ':';
}
