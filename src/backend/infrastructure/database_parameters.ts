// Settings of PostgreSQL that this system wants otherwise than the defaults: the parameter group of RDS is made of them, and a local server
// is started with them in a test. What depends on the size of the machine is left to RDS, which computes it.

export interface DatabaseParameter {
  readonly name: string
  readonly value: string
  /** A static parameter takes effect when the server starts, a dynamic one at once. */
  readonly kind: 'static' | 'dynamic'
  /** Only RDS knows it. */
  readonly rdsOnly?: true
  readonly why: string
}

/** Milliseconds after which a statement is written to the log. A quote's statements take one or two. */
const SLOW_STATEMENT_MS = 250

export const DATABASE_FAMILY = 'postgres15'

export const DATABASE_PARAMETERS: readonly DatabaseParameter[] = [
  {
    name: 'rds.force_ssl',
    value: '1',
    kind: 'dynamic',
    rdsOnly: true,
    why: 'A connection without TLS is refused.',
  },
  {
    name: 'ssl_min_protocol_version',
    value: 'TLSv1.2',
    kind: 'dynamic',
    why: 'TLS 1.2 or newer.',
  },
  {
    name: 'password_encryption',
    value: 'scram-sha-256',
    kind: 'dynamic',
    why: 'What is stored of a password does not let anybody log in.',
  },
  {
    name: 'shared_preload_libraries',
    value: 'pg_stat_statements',
    kind: 'static',
    why: 'Which statements take the time is counted from the start.',
  },
  { name: 'pg_stat_statements.track', value: 'top', kind: 'dynamic', why: 'Those that clients send.' },
  { name: 'track_io_timing', value: 'on', kind: 'dynamic', why: 'How much of the time is waiting for the disk.' },
  {
    name: 'log_min_duration_statement',
    value: String(SLOW_STATEMENT_MS),
    kind: 'dynamic',
    why: 'Slow statements are in the log.',
  },
  {
    name: 'log_parameter_max_length',
    value: '0',
    kind: 'dynamic',
    why: 'But not the values in them: positions of clients belong in no log.',
  },
  { name: 'log_connections', value: 'on', kind: 'dynamic', why: 'Who came in.' },
  { name: 'log_disconnections', value: 'on', kind: 'dynamic', why: 'And for how long.' },
  { name: 'log_lock_waits', value: 'on', kind: 'dynamic', why: 'Who waits for whom.' },
  { name: 'log_temp_files', value: '10240', kind: 'dynamic', why: 'Sorts of more than 10 MB that went to disk (KB).' },
  {
    name: 'log_autovacuum_min_duration',
    value: '1000',
    kind: 'dynamic',
    why: 'Long clean-ups (ms).',
  },
  {
    name: 'log_statement',
    value: 'ddl',
    kind: 'dynamic',
    why: 'Every change of the structure is on record.',
  },
  {
    name: 'idle_in_transaction_session_timeout',
    value: '60000',
    kind: 'dynamic',
    why: 'Nobody holds locks and goes away (ms).',
  },
  {
    name: 'autovacuum_vacuum_scale_factor',
    value: '0.05',
    kind: 'dynamic',
    why: 'Observations are replaced all day: clean up after a twentieth, not a fifth.',
  },
  {
    name: 'autovacuum_analyze_scale_factor',
    value: '0.02',
    kind: 'dynamic',
    why: 'And look again what is there.',
  },
  {
    name: 'random_page_cost',
    value: '1.1',
    kind: 'dynamic',
    why: 'On solid-state disks a page elsewhere costs hardly more than the next.',
  },
  {
    name: 'max_connections',
    value: '400',
    kind: 'static',
    why: 'PgBouncer keeps far fewer open; the rest is for migrations, maintenance and a night when something goes wrong.',
  },
]
