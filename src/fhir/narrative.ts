/** Whether a narrative is XHTML that may be shown: well-formed, basic formatting only. https://hl7.org/fhir/R4/narrative.html */
import type { PrimitiveFault } from './primitive-fault.ts';

const elements = new Set(
  (
    'a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li map ' +
    'ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var'
  ).split(' '),
);

const token = /<!--(?:(?!--)[\s\S])*-->|<(\/?)([A-Za-z][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const attribute = /([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const entity = /&(?!(?:[A-Za-z][A-Za-z0-9]*|#[0-9]+|#x[0-9A-Fa-f]+);)/;

/** What is wrong with the text of a Narrative.div; undefined when nothing is. */
export function narrativeFault(div: string): PrimitiveFault | undefined {
  const open: string[] = [];
  let content = false;
  let at = 0;
  if (!/^\s*<div[\s>]/.test(div)) return fault('must be one <div> element');
  while (at < div.length) {
    const next = div.indexOf('<', at);
    const text = div.slice(at, next < 0 ? undefined : next);
    if (/\S/.test(text)) {
      if (open.length === 0) return fault('must be one <div> element with nothing after it');
      if (entity.test(text)) return fault('holds an & that starts no entity; write &amp;');
      content = true;
    }
    if (next < 0) break;
    token.lastIndex = next;
    const match = token.exec(div);
    if (!match) return fault(`is not well-formed XHTML at ${JSON.stringify(div.slice(next, next + 20))}`);
    at = token.lastIndex;
    const [, closing, name, attributes = '', selfClosing] = match;
    if (name === undefined) continue;
    if (closing) {
      const expected = open.pop();
      if (expected !== name)
        return fault(
          expected === undefined
            ? `closes </${name}> which is not open`
            : `closes </${name}> where </${expected}> must come first`,
        );
    } else {
      if (!elements.has(name)) return fault(`uses the element <${name}>, which narratives may not`);
      const wrong = attributeFault(attributes);
      if (wrong !== undefined) return fault(wrong);
      if (open.length === 0 && next !== div.indexOf('<')) return fault('must be one <div> element with nothing after it');
      if (name === 'img') content = true;
      if (!selfClosing) open.push(name);
    }
  }
  if (open.length > 0) return fault(`does not close <${open.at(-1)}>`);
  return content ? undefined : { code: 'invariant', text: 'has no content to read (txt-2)' };
}

function attributeFault(attributes: string): string | undefined {
  for (const [, name = '', double, single] of attributes.matchAll(attribute)) {
    const value = double ?? single ?? '';
    if (/^on/i.test(name)) return `has the attribute ${name}; narratives may not run scripts`;
    if (entity.test(value)) return 'holds an & that starts no entity; write &amp;';
    if (/^(?:href|src)$/i.test(name) && runs(value)) return `has a ${name} that would run a script`;
  }
  return undefined;
}

/** Browsers ignore whitespace and control characters in schemes, and read character references first. */
function runs(url: string): boolean {
  const read = url.replace(/&#(?:x([0-9a-f]+)|([0-9]+));?/gi, (_all, hex: string | undefined, digits: string | undefined) => {
    const point = hex === undefined ? Number(digits) : Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : '';
  });
  const named = read.replace(/&(?:tab|newline);/gi, '').replace(/&colon;/gi, ':');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers skip them
  return /^(?:javascript|vbscript|data:(?!image\/))/i.test(named.replace(/[\u0000-\u0020]+/g, ''));
}

function fault(text: string): PrimitiveFault {
  return { code: 'invariant', text: `${text} (txt-1)` };
}
