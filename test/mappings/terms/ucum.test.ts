import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';

/** The part of LHC's UCUM library that is used here; fhirpath brings it along. */
interface Ucum {
  validateUnitString(code: string): { readonly status: string };
  convertUnitTo(from: string, value: number, to: string): { readonly status: string; readonly toVal: number | null };
}

interface Row {
  readonly code: string;
  readonly dimension: string;
  readonly factor?: number;
}

const table = JSON.parse(readFileSync(new URL('../../../mappings/terms/ucum-units.json', import.meta.url), 'utf8')) as {
  readonly dimensions: Readonly<Record<string, string | null>>;
  readonly units: readonly Row[];
};
const { UcumLhcUtils } = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as { UcumLhcUtils: { getInstance(): Ucum } };
const ucum = UcumLhcUtils.getInstance();

/** UCUM converts no arbitrary unit, not even m[IU] into [IU]; their prefixes are checked on grams. */
const measurable = (code: string) => code.replace('[IU]', 'g');

describe('every unit against the UCUM definitions', () => {
  for (const { code, dimension, factor } of table.units) {
    it(code, () => {
      assert.equal(ucum.validateUnitString(code).status, 'valid');
      const canonical = table.dimensions[dimension];
      if (factor === undefined) return;
      assert.ok(typeof canonical === 'string');
      const { toVal } = ucum.convertUnitTo(measurable(code), 1, measurable(canonical));
      assert.ok(
        toVal !== null && Math.abs(toVal / factor - 1) < 1e-5,
        `1 ${code} is ${toVal} ${canonical}, the table says ${factor}`,
      );
    });
  }
});
