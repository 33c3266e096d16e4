/** The one table of all settings: what `readConfig` reads and `docs/configuration.md` shows. A new setting is a new row. */
import { flag, integer, list, numbersByWord, oneOf, secret, text, timeZone, url } from './setting.ts';

const web = ['http', 'https'];
const redis = ['redis', 'rediss'];
const urlBeginnings = {
  pattern: /^https?:\/\/[^/\s?#@]+(\/[^\s?#]*)?$/,
  words: 'beginnings of URLs such as https://files.lab.example or https://files.lab.example/export',
};
const origin = { pattern: /^(\*|https?:\/\/[^/\s]+)$/, words: 'origins such as https://app.example, or *' };

/** Appointment.appointment_type in MediMax's own spelling. */
const appointmentTypes = ['consultation', 'follow_up', 'emergency', 'routine_checkup'] as const;

export const settings = {
  http: {
    host: text(
      'HOST',
      '127.0.0.1',
      'The address to listen on. Anything but loopback is refused unless `AUTH` says that it is meant.',
    ),
    port: integer('PORT', 8080, 'TCP port', 'The port to listen on; 0 takes any free one.', { min: 0, max: 65_535 }),
    auth: oneOf(
      'AUTH',
      ['none'],
      undefined,
      '`none`: serve other machines without authentication, because a proxy in front of the gateway sees to it.',
    ),
    baseUrl: url(
      'BASE_URL',
      web,
      'http://{HOST}:{PORT}/fhir',
      'The address under which clients reach the gateway; set it behind a proxy.',
    ),
    corsOrigins: list('CORS_ORIGINS', 'Web origins whose pages may call the gateway. Empty: none.', origin),
    requestTimeoutMs: integer('REQUEST_TIMEOUT_MS', 60_000, 'ms', 'The time a request has, retries after a deadlock included.'),
    shutdownGraceMs: integer(
      'SHUTDOWN_GRACE_MS',
      10_000,
      'ms',
      'The time running requests have to finish after SIGTERM or Ctrl-C.',
      { min: 0 },
    ),
    requireIfMatch: flag('REQUIRE_IF_MATCH', false, 'Refuse an update or delete of an existing resource without If-Match.'),
  },
  db: {
    host: text('DB_HOST', '127.0.0.1', "The host of MediMax's MariaDB. Not set: `npm start` runs a private MariaDB of its own."),
    port: integer('DB_PORT', 3306, 'TCP port', 'Its port.', { max: 65_535 }),
    name: text('DB_NAME', 'medimax', 'The database with the MediMax tables.', {
      pattern: /^[\w$-]{1,64}$/,
      words: 'name of letters, digits, _, $, -',
    }),
    user: text('DB_USER', 'medimax', 'The user.'),
    password: secret('DB_PASSWORD', '', "The user's password."),
    poolMin: integer('DB_POOL_MIN', 5, 'connections', 'Connections kept open.', { min: 0, max: 1000 }),
    poolMax: integer('DB_POOL_MAX', 20, 'connections', 'Connections at most.', { max: 1000 }),
    connectTimeoutMs: integer('DB_CONNECT_TIMEOUT_MS', 10_000, 'ms', 'The time to open a connection.'),
    readTimeoutMs: integer('DB_READ_TIMEOUT_MS', 30_000, 'ms', 'The time to wait for the answer to a statement.'),
    writeTimeoutMs: integer('DB_WRITE_TIMEOUT_MS', 30_000, 'ms', 'The time to send a statement.'),
    lockWaitS: integer(
      'DB_LOCK_WAIT_S',
      5,
      's',
      'The time a statement waits for a row lock before the transaction is tried again.',
      { max: 3600 },
    ),
    triggers: flag(
      'DB_TRIGGERS',
      true,
      "Keep the books of MediMax's own writes by triggers. `false` where the gateway may not create any: see docs/other-writer.md for what is lost.",
    ),
    sweepIntervalS: integer(
      'DB_SWEEP_INTERVAL_S',
      60,
      's',
      'Without triggers: the time between two sweeps that look for what MediMax has changed.',
    ),
    statementTimeoutMs: integer('DB_STATEMENT_TIMEOUT_MS', 20_000, 'ms', 'The time the server lets a statement run.'),
  },
  redis: {
    url: url(
      'REDIS_URL',
      redis,
      'redis://127.0.0.1:6379',
      'Redis for queues and caches. Not set: `npm start` runs a private Redis of its own.',
      {
        secret: true,
      },
    ),
    medimaxUrl: url(
      'MEDIMAX_REDIS_URL',
      redis,
      undefined,
      "MediMax's own Redis, where the gateway drops `patient_profile:<id>` after a change.",
      {
        secret: true,
      },
    ),
  },
  clinic: {
    timeZone: timeZone('CLINIC_TIME_ZONE', 'UTC', 'The zone of the wall-clock times in the Appointment table.'),
    identifierSystem: text(
      'IDENTIFIER_SYSTEM',
      '{BASE_URL}/sid/medimax-patient',
      'The system of the identifier made from `patient_id`.',
      {
        pattern: /^[a-z][a-z0-9+.-]*:\S+$/i,
        words: 'absolute URI',
      },
    ),
    canonicalBase: url(
      'CANONICAL_BASE',
      web,
      'https://medimax.example/fhir',
      'The beginning of the URLs of our code systems and extensions. Never change it: data carries it.',
    ),
    termsDir: text('TERMS_DIR', undefined, 'A folder with term tables (JSON) of this site, which win over those of the gateway.'),
    appointmentMinutes: numbersByWord(
      'APPOINTMENT_MINUTES',
      appointmentTypes,
      'minutes',
      'How long an appointment of a type lasts, as MediMax has no end. Not given: the end is unknown.',
      1440,
    ),
    refusePastAppointments: flag(
      'REFUSE_PAST_APPOINTMENTS',
      false,
      'Refuse a new booked appointment in the past, as the MediMax application does.',
    ),
    showDefaultAllergySeverity: flag(
      'SHOW_DEFAULT_ALLERGY_SEVERITY',
      false,
      "Show `mild` on allergies that MediMax wrote, although it is the column's default and may mean that nobody said.",
    ),
  },
  limits: {
    bodyBytesMax: integer('BODY_MAX_BYTES', 5_242_880, 'bytes', 'The body of a request, after decompression.'),
    jsonDepthMax: integer('JSON_DEPTH_MAX', 64, 'levels', 'Nesting of a JSON body.', { max: 1000 }),
    bundleEntriesMax: integer('BUNDLE_ENTRIES_MAX', 5000, 'entries', 'Entries of a batch or a transaction.', { max: 100_000 }),
    idempotencyHours: integer(
      'IDEMPOTENCY_HOURS',
      24,
      'hours',
      'How long the answer to a request with an Idempotency-Key, or to one with Prefer: respond-async, is kept.',
      { max: 8760 },
    ),
    conditionalDeletesMax: integer(
      'CONDITIONAL_DELETES_MAX',
      1,
      'resources',
      'Resources that one conditional delete may delete; a search that finds more is refused with 412.',
      { max: 1000 },
    ),
    pageDefault: integer('PAGE_DEFAULT', 20, 'resources', 'A search page without `_count`.'),
    pageMax: integer('PAGE_MAX', 1000, 'resources', 'The largest page; a greater `_count` gets this many.', { max: 10_000 }),
    searchParamsMax: integer('SEARCH_PARAMS_MAX', 50, 'parameters', 'Parameters of a search.'),
    searchValuesMax: integer(
      'SEARCH_VALUES_MAX',
      200,
      'values',
      'Comma-separated values of all parameters of a search together.',
    ),
  },
  search: {
    cursorSecret: secret(
      'CURSOR_SECRET',
      undefined,
      'Signs page links. Not set: a random one that the gateway keeps in the database, shared by all its processes.',
    ),
  },
  import: {
    chunkLinesMax: integer('IMPORT_CHUNK_LINES', 1000, 'lines', 'Lines that are loaded in one transaction.', { max: 10_000 }),
    chunkBytesMax: integer('IMPORT_CHUNK_BYTES', 4_194_304, 'bytes', 'A chunk ends with the line that passes this.', {
      max: 16_777_216,
    }),
    lineBytesMax: integer('IMPORT_LINE_MAX_BYTES', 5_242_880, 'bytes', 'The longest line of a file, or entry of a Bundle.'),
    jobBytesMax: integer('IMPORT_MAX_BYTES', 10_737_418_240, 'bytes', 'The largest upload, after decompression.', {
      max: 1_099_511_627_776,
    }),
    jobsPerSourceMax: integer(
      'IMPORT_JOBS_PER_SOURCE',
      4,
      'jobs',
      'Imports of one source that may be under way at a time; one more is answered with 429.',
    ),
    chunksAtOnce: integer('IMPORT_CONCURRENCY', 4, 'chunks', 'Chunks that a worker process has in work at a time.', { max: 64 }),
    threads: integer(
      'IMPORT_THREADS',
      2,
      'threads',
      'Threads of a worker process that parse, validate, map and load; about as many as it has cores for them.',
      { max: 64 },
    ),
    leaseMs: integer(
      'IMPORT_LEASE_MS',
      30_000,
      'ms',
      'How long a worker has a chunk without a sign of life before another may take it.',
      { min: 100 },
    ),
    sweepMs: integer('IMPORT_SWEEP_MS', 5000, 'ms', 'How often a worker looks for imports that nobody is at work on.', {
      min: 50,
    }),
    slowMs: integer(
      'IMPORT_SLOW_MS',
      20,
      'ms',
      'When a read of one row by key takes longer than this, or a write of one five times as long, the database is busy and the import rests between chunks.',
    ),
    urls: list(
      'IMPORT_URLS',
      'From where files may be fetched: origins, or folders of them. Anything else is refused, redirects included. Empty: from nowhere.',
      urlBeginnings,
    ),
    fetchTimeoutMs: integer(
      'IMPORT_FETCH_TIMEOUT_MS',
      3_600_000,
      'ms',
      'The time to fetch one file. A server that sends nothing for `REQUEST_TIMEOUT_MS` is given up before.',
    ),
    keepDays: integer('IMPORT_KEEP_DAYS', 14, 'days', 'How long the reports of imports are kept.', { max: 3650 }),
    patientMerge: oneOf(
      'IMPORT_PATIENT_MERGE',
      ['add', 'keep', 'overwrite'],
      'add',
      'What a line may change of a patient known already: add what is missing, nothing, or everything. An import may say otherwise.',
    ),
  },
  log: {
    level: oneOf('LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info', 'The least level that is logged.'),
  },
  local: {
    dir: text(
      'LOCAL_DIR',
      '.medimax',
      'The folder of the private MariaDB and Redis, relative to the project. Data stays there between runs.',
    ),
    install: flag(
      'LOCAL_INSTALL',
      true,
      "Where MariaDB or Redis is needed and missing, install it with the system's package manager if that needs no question.",
    ),
  },
} as const;

/** The headings of the groups, in the order of the documentation. */
export const groupTitles: Readonly<Record<keyof typeof settings, string>> = {
  http: 'Listening and serving',
  db: 'Database',
  redis: 'Redis',
  clinic: 'The clinic and its data',
  limits: 'Limits',
  search: 'Search',
  import: 'Import',
  log: 'Log',
  local: 'Private servers',
};
