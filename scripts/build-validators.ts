/** Compiles the validators of src/fhir into generated/validators when they are not up to date; run before start and test. */
import { buildValidators } from '../src/fhir/schema-validators.ts';

if (buildValidators()) console.log('generated/validators: compiled');
