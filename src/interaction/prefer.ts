/** The Prefer header: what a client would like back. https://hl7.org/fhir/R4/http.html#ops */

export interface Preferences {
  readonly return: 'representation' | 'minimal' | 'OperationOutcome';
  readonly handling: 'strict' | 'lenient';
}

const returns = { representation: 'representation', minimal: 'minimal', operationoutcome: 'OperationOutcome' } as const;

const defaults: Preferences = { return: 'representation', handling: 'strict' };

/** What is not understood is no error (RFC 7240, section 2); of two preferences of one name the first counts. */
export function parsePrefer(value: string | undefined): Preferences {
  if (value === undefined) return defaults;
  const seen = new Map<string, string>();
  for (const preference of value.split(/[,;]/)) {
    const [name = '', ...rest] = preference.split('=');
    const key = name.trim().toLowerCase();
    const said = rest
      .join('=')
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (!seen.has(key)) seen.set(key, said.toLowerCase());
  }
  const wanted = seen.get('return') ?? '';
  return {
    return: isReturn(wanted) ? returns[wanted] : defaults.return,
    handling: seen.get('handling') === 'lenient' ? 'lenient' : 'strict',
  };
}

function isReturn(word: string): word is keyof typeof returns {
  return Object.hasOwn(returns, word);
}
