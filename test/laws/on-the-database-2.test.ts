/** The laws on the database, second third of the mappings. */
import { databaseLaws } from '../support/database-laws.ts';

databaseLaws(1, 3);
