/** The laws on the database, first third of the mappings. */
import { databaseLaws } from '../support/database-laws.ts';

databaseLaws(0, 3);
