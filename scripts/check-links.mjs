// node scripts/check-links.mjs [--fix] [FILES]. Links of the documents: files must exist, and a link to a line shows code that stands on that line.
// --fix moves the line numbers after an edit.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));

/** Markdown files of the top, docs/ and examples/. */
export function documents() {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith('.md')) found.push(path);
    }
  };
  for (const entry of readdirSync(top)) if (entry.endsWith('.md')) found.push(entry);
  for (const folder of ['docs', 'examples']) if (existsSync(join(top, folder))) walk(folder);
  return found.sort();
}

/** Text of a link as it stands in the code: without backticks. */
const plain = (text) => text.replace(/^`+|`+$/g, '').trim();

/**
 * @param document path from the top @param text its content
 * @returns { problems, text, lines }: what is wrong, the text with line numbers moved to where the code is, how many links to lines there are
 */
export function checkDocument(document, text) {
  const problems = [];
  let lines = 0;
  const fixed = text.replace(/\[((?:`[^`\n]*`|[^\]`\n])+)\]\(([^)\s]+)\)/g, (whole, label, target) => {
    if (/^[a-z]+:/.test(target) || target.startsWith('#')) return whole;
    const [file, anchor = ''] = target.split('#');
    const path = resolve(top, dirname(document), file);
    if (!existsSync(path)) {
      problems.push(`${document}: ${target} does not exist`);
      return whole;
    }
    const line = /^L(\d+)$/.exec(anchor);
    if (line === null) return whole;
    lines++;
    if (statSync(path).isDirectory()) {
      problems.push(`${document}: ${target} is a folder`);
      return whole;
    }
    const source = readFileSync(path, 'utf8').split('\n');
    const code = plain(label);
    // A name stands for its definition, anything else for itself.
    const name = /^#?[A-Za-z]\w*$/.test(code);
    const defined = name ? new RegExp(`(function\\*?|class|const) ${code}\\b|^ {2}\\*?${code}\\(`) : null;
    const holds = (content) => (defined === null ? content.includes(code) : defined.test(content));
    if (holds(source[Number(line[1]) - 1] ?? '')) return whole;
    const places = source.flatMap((content, i) => (holds(content) ? [i + 1] : []));
    problems.push(`${document}: ${relative(top, path)}, line ${line[1]} does not hold "${code}"${places.length === 0 ? ', nor does any other' : `; it is on ${places.join(', ')}`}`);
    return places.length === 1 ? `[${label}](${file}#L${places[0]})` : whole;
  });
  return { problems, text: fixed, lines };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fix = process.argv.includes('--fix');
  let wrong = 0;
  let lines = 0;
  const given = process.argv.slice(2).filter((argument) => argument !== '--fix');
  for (const document of given.length === 0 ? documents() : given) {
    const path = join(top, document);
    let result = checkDocument(document, readFileSync(path, 'utf8'));
    if (fix && result.problems.length > 0) {
      writeFileSync(path, result.text);
      result = checkDocument(document, result.text);
    }
    lines += result.lines;
    wrong += result.problems.length;
    for (const problem of result.problems) console.error(problem);
  }
  console.log(`links: ${wrong === 0 ? `all files exist, ${lines} links to lines hold their code` : `${wrong} wrong`}`);
  process.exit(wrong === 0 ? 0 : 1);
}
