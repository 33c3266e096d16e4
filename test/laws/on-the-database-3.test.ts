/** The laws on the database, third third of the mappings. */
import { databaseLaws } from '../support/database-laws.ts';

databaseLaws(2, 3);
