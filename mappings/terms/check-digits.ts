/** Check digits of LOINC and SNOMED CT codes: a mistyped code in a term table, or in a site's override of one, is found when it is loaded. */

export const loinc = 'http://loinc.org';
export const snomed = 'http://snomed.info/sct';

/** False when the code cannot be one of this code system; true for code systems without check digits. */
export function plausibleCode(system: string, code: string): boolean {
  if (system === loinc) return loincCheck(code);
  if (system === snomed) return verhoeffCheck(code);
  return code !== '' && code === code.trim();
}

/** Luhn (mod 10) for terms; parts and answers of LOINC (LP…, LA…) end in a digit of another rule, only their form is checked. */
function loincCheck(code: string): boolean {
  if (/^L[AP]\d{1,7}-\d$/.test(code)) return true;
  const [, body, check] = /^(\d{1,7})-(\d)$/.exec(code) ?? [];
  if (body === undefined || check === undefined) return false;
  const sum = [...body].reverse().reduce((total, digit, place) => {
    const doubled = place % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return (10 - (sum % 10)) % 10 === Number(check);
}

const multiply = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
] as const;
const permute = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
] as const;

/** Verhoeff's dihedral check. https://confluence.ihtsdotools.org/display/DOCRELFMT/Check-digit */
function verhoeffCheck(code: string): boolean {
  if (!/^[1-9]\d{5,17}$/.test(code)) return false;
  const check = [...code].reverse().reduce((row, digit, place) => {
    const column = Number(permute[place % 8]?.[Number(digit)]);
    return Number(multiply[row]?.[column]);
  }, 0);
  return check === 0;
}
