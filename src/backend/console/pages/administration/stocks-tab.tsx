// What the desk keeps about stocks: tier, floor, the lender's id.
import { UnstyledButton } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { BorrowStatus, StockAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { TierBadge, WordBadge } from '../../ui/badges.tsx'
import { PanelDrawer } from '../../ui/form-drawer.tsx'
import { rateText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { ChangeDrawer, type Live } from './change-drawer.tsx'
import { ChoiceField, NumberField, TextField, YesNoField } from './fields.tsx'
import classes from './list-frame.module.css'
import { everyOne, ListFrame, pageOf, pageSlice } from './list-frame.tsx'
import type { TabProps } from './page.tsx'
import { floorOf, NEW_STOCK, type StockForm, stockFields, stockForm, stockLines } from './stock-fields.ts'

export function StocksTab({ address, go }: TabProps) {
  const stocks = useQuery({
    queryKey: ['administration', 'stocks'],
    queryFn: ({ signal }) => everyOne(api.stocks.all({ signal })),
  })
  const found = stocks.data?.filter((stock) => fits(stock, address.q))
  const close = () => go({ edit: undefined, make: undefined })
  return (
    <>
      <ListFrame
        query={stocks}
        total={found?.length ?? null}
        address={address}
        go={go}
        search="Ticker or name"
        make={{ title: 'New stock', onClick: () => go({ make: '1', edit: undefined }) }}
        empty="Nothing is kept about any stock yet."
      >
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Ticker</th>
              <th scope="col">Name</th>
              <th scope="col">Tier</th>
              <th scope="col" className="right">
                Floor rate
              </th>
              <th scope="col" className={classes.phoneless}>
                Lender’s id
              </th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {pageSlice(found ?? [], pageOf(address.page)).map((stock) => (
              <tr
                key={stock.ticker}
                onClick={() => go({ edit: stock.ticker })}
                data-open={stock.ticker === address.edit || undefined}
                data-quiet={!stock.active || undefined}
              >
                <td>
                  <UnstyledButton className={classes.open}>{stock.ticker}</UnstyledButton>
                </td>
                <td className={classes.name}>{stock.name ?? 'none'}</td>
                <td>{stock.borrow_status === null ? 'none' : <TierBadge tier={stock.borrow_status} />}</td>
                <td className="right">{stock.floor_rate === null ? 'default' : rateText(stock.floor_rate)}</td>
                <td className={classes.phoneless}>{stock.lender_id ?? 'none'}</td>
                <td>{stock.active ? 'active' : <WordBadge tone="warn">not priced</WordBadge>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListFrame>
      {address.make === '1' ? (
        <StockDrawer key="new" ticker={null} onClose={close} />
      ) : address.edit !== undefined ? (
        <StockDrawer key={address.edit} ticker={address.edit} onClose={close} />
      ) : null}
    </>
  )
}

function fits({ ticker, name }: StockAnswer, words: string | undefined): boolean {
  if (words === undefined) return true
  const wanted = words.toUpperCase()
  return ticker.includes(wanted) || (name?.toUpperCase().includes(wanted) ?? false)
}

function StockDrawer({ ticker, onClose }: { readonly ticker: string | null; readonly onClose: () => void }) {
  const queries = useQueryClient()
  const live = useQuery({
    queryKey: ['administration', 'stock', ticker],
    enabled: ticker !== null,
    queryFn: ({ signal }) => liveStock(ticker as string, signal),
    staleTime: 0,
    gcTime: 0,
  })
  const title = ticker ?? 'New stock'
  if (ticker !== null && live.data === undefined) {
    return (
      <PanelDrawer title={title} onClose={onClose}>
        {live.error === null ? (
          <Loading rows={6} />
        ) : (
          <Failure error={live.error} onRetry={() => void live.refetch()} />
        )}
      </PanelDrawer>
    )
  }
  return (
    <ChangeDrawer<StockForm>
      title={title}
      live={live.data ?? null}
      start={live.data?.form ?? NEW_STOCK}
      lines={(form) =>
        ticker === null
          ? [{ field: 'ticker', title: 'Ticker', text: form.ticker }, ...stockLines(form)]
          : stockLines(form)
      }
      fields={['ticker', 'name', 'borrow_status', 'floor_rate', 'lender_id', 'active']}
      read={(form) => liveStock(form.ticker)}
      send={async (form, etag) => {
        const fields = stockFields(form)
        await (etag === null
          ? api.stocks.create(form.ticker.trim(), fields)
          : api.stocks.replace(form.ticker, fields, etag))
        await queries.invalidateQueries({ queryKey: ['administration'] })
        announce('The stock is changed.')
      }}
      onClose={onClose}
    >
      {(form, change, fault) => (
        <>
          {ticker === null && (
            <TextField
              label="Ticker"
              value={form.ticker}
              onChange={(text) => change({ ticker: text.toUpperCase() })}
              error={fault('ticker')}
            />
          )}
          <TextField label="Name" value={form.name} onChange={(name) => change({ name })} error={fault('name')} />
          <ChoiceField
            label="Tier"
            description="For when neither the lender’s status nor its rate says."
            value={form.tier === '' ? 'none' : form.tier}
            choices={['none', 'EASY', 'MEDIUM', 'HARD'].map((word) => ({ value: word, label: word }))}
            onChange={(word) => change({ tier: word === 'none' ? '' : (word as BorrowStatus) })}
            error={fault('borrow_status')}
          />
          <NumberField
            label="Floor rate"
            unit="% a year"
            description={floorWords(form.floor)}
            value={form.floor}
            onChange={(floor) => change({ floor })}
            error={fault('floor_rate')}
          />
          <TextField
            label="Lender’s id"
            value={form.lenderId}
            onChange={(lenderId) => change({ lenderId })}
            error={fault('lender_id')}
          />
          <YesNoField
            label="Active"
            description="Switched off, it is not priced."
            value={form.active}
            onChange={(active) => change({ active })}
          />
        </>
      )}
    </ChangeDrawer>
  )
}

function floorWords(percent: string): string {
  const fraction = floorOf(percent)
  return fraction === null
    ? 'No borrow rate of it lies below. Empty: the default floor.'
    : `No borrow rate of it lies below. It goes as the fraction ${fraction}.`
}

async function liveStock(ticker: string, signal?: AbortSignal): Promise<Live<StockForm>> {
  const stock = await api.stocks.read(ticker, { signal })
  return { form: stockForm(stock), etag: stock.etag }
}
