// The basket: hundreds of shorts pasted at once, priced against one snapshot, corrected where they stand, and taken away as a file.
import { Button, Drawer, Menu, SegmentedControl } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { csvRow } from '../../../server/csv-writer.ts'
import { wordsOf } from '../../api.ts'
import { usePerson, useStreamState, useWidth } from '../../app/hooks.ts'
import { NotForRole } from '../../app/router.tsx'
import { useShortcuts } from '../../app/shortcuts.ts'
import { useCopy } from '../../ui/copy.ts'
import { download, fileStem } from '../../ui/download.ts'
import { Failure } from '../../ui/states.tsx'
import { basket } from './basket.ts'
import { BasketGrid, type BasketGridHandle } from './basket-grid.tsx'
import { BasketSide, requestsOf } from './basket-side.tsx'
import { BrokerField } from './broker-field.tsx'
import type { Field } from './columns.ts'
import classes from './page.module.css'
import { FileField, PasteForm } from './paste-form.tsx'
import { RefusedList } from './refused-list.tsx'
import type { BasketSearch, Shown } from './search.ts'
import { fieldsOf, missingColumns, type Sheet } from './sheet.ts'
import { SheetNotes } from './sheet-notes.tsx'
import { count, TotalsBar } from './totals-bar.tsx'
import { beyondLimit, useRequestLimit } from './use-limit.ts'
import { usePasting } from './use-pasting.ts'

export function BasketPage() {
  const { role } = usePerson()
  if (role !== 'broker' && role !== 'desk') return <NotForRole path="/basket" />
  return <BasketScreen />
}

function BasketScreen() {
  const person = usePerson()
  const state = useSyncExternalStore(basket.subscribe, basket.get)
  const { client = null } = useSearch({ from: '/basket' })
  const navigate = useNavigate({ from: '/basket' })
  // A new basket is shown whole.
  const pasting = usePasting(
    () => void navigate({ search: ({ client: chosen }) => ({ client: chosen }), replace: true }),
  )
  useEffect(() => basket.restore(person), [person])
  return (
    <div className={classes.page} data-over={pasting.isOver || undefined}>
      {state.sheet === null ? (
        <>
          <header className={classes.toolbar}>
            <h1>Basket</h1>
          </header>
          <PasteForm refused={pasting.refused} onText={pasting.take} onFile={pasting.takeFile} />
        </>
      ) : (
        <FilledBasket sheet={state.sheet} client={person.role === 'desk' ? client : null} pasting={pasting} />
      )}
    </div>
  )
}

function FilledBasket({
  sheet,
  client,
  pasting,
}: {
  readonly sheet: Sheet
  readonly client: string | null
  readonly pasting: ReturnType<typeof usePasting>
}) {
  const { role } = usePerson()
  const state = useSyncExternalStore(basket.subscribe, basket.get)
  const { show = 'all', reason = null } = useSearch({ from: '/basket' })
  const navigate = useNavigate({ from: '/basket' })
  const width = useWidth()
  const limit = useRequestLimit()
  const stream = useStreamState()
  const copying = useCopy()
  const grid = useRef<BasketGridHandle>(null)
  const file = useRef<HTMLInputElement>(null)
  const [showsSide, setShowsSide] = useState(false)
  const [taking, setTaking] = useState<unknown>(null)

  const fields = useMemo(() => fieldsOf({ fields: sheet.fields }), [sheet.fields])
  const lines = sheet.rows.length
  const { pricing, totals } = state
  const isOffline = stream.kind === 'lost' || stream.kind === 'failed'
  const missing = missingColumns(sheet)
  const cannotPrice =
    missing.length > 0
      ? `No column has ${missing.join(', nor ')}.`
      : isOffline
        ? 'The stream is lost: pricing waits until it is back.'
        : beyondLimit(lines, limit)
  const isWhole = pricing.kind === 'done'

  const change = (search: Partial<BasketSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...search }), replace: true })
  const price = () => {
    if (cannotPrice === null && pricing.kind !== 'running') void basket.price(client)
  }
  const wasPriced = totals !== null
  const correct = useCallback(
    (line: number, field: Field, text: string) => {
      basket.correct(line, field, text)
      // What was priced is priced again, all of it: one snapshot for the whole basket.
      if (wasPriced && cannotPrice === null) void basket.price(client)
    },
    [wasPriced, cannotPrice, client],
  )
  const take = (format: 'csv' | 'json', onText: (text: string) => void) => {
    if (!isWhole) return
    setTaking(null)
    basket.text(format).then(onText, setTaking)
  }
  const stem = fileStem(sheet.name)
  const downloadAs = (format: 'csv' | 'json') => take(format, (text) => download(`${stem}-priced.${format}`, text))
  const copyAs = (format: 'csv' | 'json') =>
    take(format, (text) => copying.copy(`the basket as ${format.toUpperCase()}`, text))
  const next = () => {
    if (width === 'phone') return
    if (show === 'guesses') change({ show: undefined, reason: undefined })
    grid.current?.nextRefused()
  }
  useShortcuts({
    n: next,
    d: () => downloadAs('csv'),
    v: () => copyAs('csv'),
    j: () => copyAs('json'),
    'Ctrl+Enter': price,
    ...(width !== 'desk' && { ' ': () => setShowsSide(!showsSide) }),
  })

  const side = <BasketSide basket={state} reason={reason} onReason={(chosen) => change(reasonSearch(chosen))} />
  const whyNotWhole = isWhole ? undefined : 'Price the basket to take it away'
  return (
    <>
      <header className={classes.toolbar}>
        <h1>Basket</h1>
        <span className={`${classes.name} clip`}>{sheet.name}</span>
        {role === 'desk' && (
          <BrokerField client={client} onChoose={(chosen) => change({ client: chosen ?? undefined })} />
        )}
        <span className={classes.gap} />
        <Button
          onClick={() => file.current?.click()}
          title="Or paste with Ctrl V, or drop a file on the screen"
          rightSection={<kbd className="key">Ctrl V</kbd>}
        >
          Another file
        </Button>
        <Button onClick={() => basket.clear()}>Clear</Button>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button>Take away</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {whyNotWhole !== undefined && <Menu.Label>{whyNotWhole}</Menu.Label>}
            <Menu.Item
              disabled={!isWhole}
              onClick={() => downloadAs('csv')}
              rightSection={<kbd className="key">D</kbd>}
            >
              Download CSV
            </Menu.Item>
            <Menu.Item disabled={!isWhole} onClick={() => downloadAs('json')}>
              Download JSON
            </Menu.Item>
            <Menu.Item disabled={!isWhole} onClick={() => copyAs('csv')} rightSection={<kbd className="key">V</kbd>}>
              Copy CSV
            </Menu.Item>
            <Menu.Item disabled={!isWhole} onClick={() => copyAs('json')} rightSection={<kbd className="key">J</kbd>}>
              Copy JSON
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item
              disabled={totals === null || totals.refused === 0}
              onClick={() => download(`${stem}-refused.csv`, refusedCsv(fields))}
            >
              Download refused lines
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button
          variant={isWhole ? 'default' : 'filled'}
          onClick={price}
          disabled={cannotPrice !== null || pricing.kind === 'running'}
          title={cannotPrice ?? undefined}
          aria-describedby="basket-price-note"
          rightSection={<kbd className="key">Ctrl Enter</kbd>}
        >
          {totals === null ? `Price ${count(lines)} lines` : 'Price again'}
        </Button>
        <FileField field={file} onFile={pasting.takeFile} />
      </header>
      <p id="basket-price-note" className={cannotPrice === null ? 'only-read' : classes.cannot}>
        {cannotPrice ?? `Counts as ${requestsOf(lines)}${limit === null ? '' : ` of ${count(limit)} a minute`}`}
      </p>
      <TotalsBar
        basket={state}
        lines={lines}
        isPhone={width === 'phone'}
        isOffline={isOffline}
        onCancel={() => basket.cancel()}
      />
      {pasting.refused !== null && <p className={classes.cannot}>{pasting.refused}</p>}
      {pricing.kind === 'refused' && (
        <div className={classes.failure}>
          <Failure error={pricing.error} onRetry={mayPassBy(pricing.error) ? price : undefined} compact />
        </div>
      )}
      {pricing.kind === 'cut' && (
        <div className={classes.failure}>
          <p>
            {count(pricing.done)} of {count(pricing.of)} lines came, and stand below with their records; the others are
            as they were before.
          </p>
          <Failure error={pricing.error} onRetry={price} compact />
        </div>
      )}
      {taking !== null && (
        <div className={classes.failure}>
          <Failure error={taking} compact />
        </div>
      )}
      {copying.refused !== null && <p className={classes.cannot}>{copying.refused}</p>}
      {(totals === null || missing.length > 0) && <SheetNotes sheet={sheet} basket={state} />}
      {width === 'phone' ? (
        totals !== null && <RefusedList fields={fields} onCorrect={correct} />
      ) : (
        <div className={classes.body}>
          <section className={classes.lines} aria-label="Lines">
            <div className={classes.filters}>
              <SegmentedControl
                aria-label="Lines that are shown"
                value={reason === null ? show : 'refused'}
                onChange={(chosen) => change(showSearch(chosen as Shown))}
                data={[
                  { value: 'all', label: `All ${count(lines)}` },
                  { value: 'refused', label: `Refused ${totals === null ? '' : count(totals.refused)}` },
                  { value: 'guesses', label: `Guesses ${totals === null ? '' : count(totals.guesses)}` },
                ]}
              />
              {reason !== null && (
                <Button size="compact-sm" onClick={() => change(reasonSearch(null))}>
                  {reason} ×
                </Button>
              )}
              <Button
                variant="subtle"
                size="compact-sm"
                onClick={next}
                disabled={totals === null || totals.refused === 0}
                rightSection={<kbd className="key">N</kbd>}
              >
                Next refused line
              </Button>
              <span className={classes.gap} />
              <span className={`${classes.hint} clip`}>
                {totals === null
                  ? `Counts as ${requestsOf(lines)}${limit === null ? '' : ` of ${count(limit)} a minute`}`
                  : 'Correct a cell, and the whole basket is priced again'}
              </span>
              {width === 'laptop' && (
                <Button
                  size="compact-sm"
                  onClick={() => setShowsSide(true)}
                  rightSection={<kbd className="key">Space</kbd>}
                >
                  Reasons
                </Button>
              )}
            </div>
            <BasketGrid
              key={fields.join()}
              fields={fields}
              show={show}
              reason={reason}
              onCorrect={correct}
              handle={grid}
            />
          </section>
          {width === 'desk' && (
            <aside className={classes.side} aria-label="About the basket">
              {side}
            </aside>
          )}
          {width === 'laptop' && (
            <Drawer opened={showsSide} onClose={() => setShowsSide(false)} title="About the basket" size={360}>
              <div className={classes.drawer}>{side}</div>
            </Drawer>
          )}
        </div>
      )}
    </>
  )
}

/** The same basket may be taken a moment later. */
function mayPassBy(error: unknown): boolean {
  const { retryAfterSeconds, code } = wordsOf(error)
  return retryAfterSeconds !== null || code === 'NO_ANSWER'
}

function showSearch(show: Shown): Partial<BasketSearch> {
  return { show: show === 'all' ? undefined : show, reason: undefined }
}

function reasonSearch(reason: string | null): Partial<BasketSearch> {
  return { show: reason === null ? undefined : 'refused', reason: reason ?? undefined }
}

/** The lines to correct, in a form that can be pasted again. */
function refusedCsv(fields: readonly Field[]): string {
  const rows = basket.rows.flatMap(({ line, cells, outcome }) =>
    outcome?.kind === 'refused'
      ? [csvRow([...fields.map((field) => cells[field] ?? ''), String(line), outcome.code, outcome.sentence])]
      : [],
  )
  return csvRow([...fields, 'line', 'error_code', 'error']) + rows.join('')
}
