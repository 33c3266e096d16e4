/** The reviewed term tables, read and checked once at start, with a site's overrides. See README.md beside this file. */
import { type CodedTexts, codedTexts, type MeasuredTexts, measuredTexts, refuseAmbiguous, withOverrides } from './coded-texts.ts';
import { type CodedEntry, codedRows, overriding, readOverride, readTermFile, type TermFile } from './term-file.ts';
import { type UnitTable, unitTable } from './unit-table.ts';

export interface TermTables {
  /** Unit text ↔ UCUM. */
  readonly units: UnitTable;
  /** Lab_Finding.test_name → LOINC. */
  readonly tests: MeasuredTexts;
  /** Lab_Finding.test_name → LOINC of a vital sign; only right where the whole Observation follows the R4 vital signs profile. */
  readonly vitalSigns: MeasuredTexts;
  /** Medication.medicine_name → RxNorm. */
  readonly medicines: CodedTexts;
  /** Condition names → SNOMED CT. */
  readonly findings: CodedTexts;
  /** Lifestyle items → LOINC. */
  readonly lifestyle: CodedTexts;
  /** "NKDA" and its like → SNOMED CT. */
  readonly noKnownAllergy: CodedTexts;
  /** ENUM values of severity and onset_type → SNOMED CT. */
  readonly severity: CodedTexts;
  readonly onset: CodedTexts;
  /** Result words (positive, not detected) → SNOMED CT. */
  readonly results: CodedTexts;
  /** Report.report_type → category codes of LOINC and of v2-0074. */
  readonly reportCategories: { readonly loinc: CodedTexts; readonly service: CodedTexts };
}

/**
 * Reads all tables. `overridesDir` is a directory with files of the same names that a site keeps.
 * @throws Error that names file, row and reason, when a table or an override is not in order.
 */
export function loadTermTables(overridesDir?: string): TermTables {
  const units = unitTable(readTermFile('ucum-units.json'), readOverride(overridesDir, 'ucum-units.json'));
  const table = (name: string) => wholeFile(name, overridesDir);
  const plain = (name: string): CodedTexts => {
    const { entries, version } = table(name);
    return codedTexts(entries, version);
  };
  const measured = (name: string): MeasuredTexts => {
    const { entries, version, file } = table(name);
    for (const { measures, text } of entries) {
      if (measures !== undefined && units.textsOfDimension(measures).length === 0)
        file.place.fail(`says that "${text}" measures "${measures}", which is no dimension of ucum-units.json`);
    }
    return measuredTexts(entries, version, units);
  };
  const qualifiers = groupReader('qualifiers.json', overridesDir);
  const categories = groupReader('report-categories.json', overridesDir);
  return {
    units,
    tests: measured('loinc-tests.json'),
    vitalSigns: measured('loinc-vital-signs.json'),
    medicines: plain('rxnorm-medicines.json'),
    findings: plain('snomed-findings.json'),
    lifestyle: plain('lifestyle-codes.json'),
    noKnownAllergy: plain('no-known-allergy.json'),
    severity: qualifiers('severity'),
    onset: qualifiers('onset'),
    results: qualifiers('results'),
    reportCategories: { loinc: categories('loinc'), service: categories('service') },
  };
}

interface Table {
  readonly entries: readonly CodedEntry[];
  readonly version: string;
  readonly file: TermFile;
}

function wholeFile(name: string, overridesDir: string | undefined): Table {
  const file = readTermFile(name);
  const site = readOverride(overridesDir, name);
  const own = codedRows(file.place, file.content);
  const system = file.place.at('system').text(file.content['system']);
  const entries = site ? withOverrides(own, overriding(site.place, site.content, system)) : own;
  refuseAmbiguous(file.place, entries);
  return { entries, version: versionOf(file, site), file };
}

/** A file with several small tables: `{ groups: { "<name>": { system, rows } } }`, its override `{ groups: { "<name>": { entries } } }`. */
function groupReader(name: string, overridesDir: string | undefined): (group: string) => CodedTexts {
  const file = readTermFile(name);
  const site = readOverride(overridesDir, name);
  const tables = file.place.at('groups').object(file.content['groups']);
  const siteTables = site ? site.place.at('groups').object(site.content['groups']) : {};
  for (const key of Object.keys(siteTables)) if (!Object.hasOwn(tables, key)) site?.place.fail(`has an unknown group "${key}"`);
  return (group) => {
    const place = file.place.at('groups').at(group);
    const holder = place.object(tables[group]);
    const own = codedRows(place, holder);
    const sitePlace = siteTables[group] === undefined ? undefined : site?.place.at('groups').at(group);
    const system = place.at('system').text(holder['system']);
    const entries = sitePlace ? withOverrides(own, overriding(sitePlace, sitePlace.object(siteTables[group]), system)) : own;
    refuseAmbiguous(place, entries);
    return codedTexts(entries, versionOf(file, site));
  };
}

function versionOf(file: TermFile, site: TermFile | undefined): string {
  return site ? `${file.version}+site-${site.version}` : file.version;
}
