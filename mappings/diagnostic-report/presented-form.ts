/** DiagnosticReport.presentedForm ↔ complete_report: the first attachment of plain text; others are kept and never put into the column. */
import { hash } from 'node:crypto';
import type { Attachment } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import { isObject } from '../../src/mapping/lift.ts';
import { longText } from '../../src/mapping/pairs.ts';
import type { Pair, WriteContext } from '../../src/mapping/types.ts';
import { shownText } from '../shown-text.ts';
import type { Lifted } from './lifted.ts';

const expression = 'DiagnosticReport.presentedForm.data';

export const textForm = {
  name: 'presentedForm:text',
  match: (item: unknown) =>
    isObject(item) && typeof item['data'] === 'string' && /^text\/plain\s*(;|$)/i.test(String(item['contentType'])),
} as const;

export const presentedForm: Pair<Lifted> = {
  name: 'presentedForm',
  elements: [textForm.name],
  columns: ['complete_report'],
  toFhir({ row }) {
    if (shownText(row['complete_report']) === undefined) return {};
    const bytes = Buffer.from(String(row['complete_report']));
    return {
      'presentedForm:text': {
        contentType: 'text/plain; charset=utf-8',
        data: bytes.toString('base64'),
        size: bytes.length,
        hash: hash('sha1', bytes, 'base64'),
        title: 'Complete report',
      },
    };
  },
  toRow: ({ 'presentedForm:text': form }, context) => ({
    row: { complete_report: longText(form && decoded(form, context), expression, context) },
  }),
};

/** undefined, with a warning, for bytes that are not the text their type promises: kept, but not shown in MediMax. */
function decoded({ contentType = '', data = '' }: Attachment, context: WriteContext): string | undefined {
  const charset = /;\s*charset="?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(Buffer.from(data, 'base64'));
  } catch {
    const text = `${expression} is no text in ${charset}: it is kept, but MediMax shows no complete report`;
    context.tell(warning('value', text, expression));
    return undefined;
  }
}
