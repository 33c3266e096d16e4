/** The loss report of a write: what MediMax's columns do not hold, or hold in another way. Nothing of it is lost: it is kept beside them. */
import { stringifyJson } from '../fhir/json.ts';
import { type Issue, information } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Env } from '../mapping/types.ts';
import type { Explained } from './explain.ts';
import { type Leaf, leavesOf, pathText } from './leaves.ts';

/** What becomes of one value on its way into the columns. */
type Fate = 'kept' | 'reshaped' | 'added';

interface Difference {
  readonly fate: Fate;
  /** Without the names of slices. */
  readonly path: string;
  /** What MediMax shows there; undefined for what it does not show. */
  readonly shown?: unknown;
}

/** One information issue for each element and fate. */
export function lossReport({ variant, stored, overlay, refined }: Explained, env: Env): readonly Issue[] {
  if (!overlay) return [];
  const { resourceType } = variant;
  const differences = variant.pairs.flatMap(({ name, bit, pair }) => {
    const refinement = refined & bit ? overlay.refined[name] : undefined;
    if (!refinement || pair.columns.includes('*')) return [];
    return differencesOf(resourceType, refinement.el, { ...pair.toFhir(stored, env) });
  });
  const beside = Object.keys(overlay.rest).map((key): Difference => ({ fate: 'kept', path: `${resourceType}.${bare(key)}` }));
  const narrative: Difference[] = overlay.refined['text'] ? [{ fate: 'kept', path: `${resourceType}.text` }] : [];
  const grouped = Map.groupBy([...differences, ...beside, ...narrative], ({ fate, path }) => `${fate} ${elementOf(path)}`);
  return [...grouped.values()].map(issueOf);
}

function differencesOf(resourceType: string, said: JsonObject, shown: JsonObject): readonly Difference[] {
  const pathOf = ({ steps }: Leaf) =>
    pathText(
      resourceType,
      steps.map((step) => (typeof step === 'string' ? bare(step) : step)),
    );
  const saidAt = new Map(leavesOf(said).map((leaf) => [pathOf(leaf), leaf.value]));
  const shownAt = new Map(leavesOf(shown).map((leaf) => [pathOf(leaf), leaf.value]));
  return [
    ...[...saidAt].flatMap(([path, value]): Difference[] => {
      if (!shownAt.has(path)) return [{ fate: 'kept', path }];
      const there = shownAt.get(path);
      return stringifyJson(there) === stringifyJson(value) ? [] : [{ fate: 'reshaped', path, shown: there }];
    }),
    ...leavesOf(shown).flatMap((leaf): Difference[] =>
      saidAt.has(pathOf(leaf)) || isExtension(leaf) ? [] : [{ fate: 'added', path: pathOf(leaf), shown: leaf.value }],
    ),
  ];
}

/** That something is unknown, or how a column spells it, is no statement that was added. */
function isExtension({ steps }: Leaf): boolean {
  return steps.includes('extension');
}

/** `participant:patient` is an item of `participant`; `_birthDate` belongs to `birthDate`. */
function bare(key: string): string {
  const name = key.startsWith('_') ? key.slice(1) : key;
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/** `Patient.name` of `Patient.name[0].use`. */
function elementOf(path: string): string {
  return path
    .split('.')
    .slice(0, 2)
    .join('.')
    .replace(/\[\d+\]$/, '');
}

const texts: Readonly<Record<Fate, (element: string, places: string) => string>> = {
  kept: (element, places) => `${element} is kept and served, but MediMax does not show ${places}`,
  reshaped: (element, places) => `${element} is kept and served as it was sent; MediMax shows it in another way: ${places}`,
  added: (element, places) => `MediMax shows in ${element} what was not sent: ${places}`,
};

const placesMax = 8;

function issueOf(differences: readonly Difference[]): Issue {
  const [{ fate, path }] = differences as readonly [Difference, ...Difference[]];
  const element = elementOf(path);
  const places = [...new Set(differences.map((one) => placeText(element, one)))];
  const more = places.length > placesMax ? ` and ${places.length - placesMax} more` : '';
  return information('informational', `${texts[fate](element, places.slice(0, placesMax).join(', ') + more)}.`, element);
}

function placeText(element: string, { path, shown }: Difference): string {
  const name = path === element ? 'it' : path.slice(path.indexOf('.') + 1);
  if (shown === undefined) return name;
  const value = stringifyJson(shown);
  return `${path === element ? '' : `${name} = `}${value.length > 80 ? `${value.slice(0, 80)}…` : value}`;
}
