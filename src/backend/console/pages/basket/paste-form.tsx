// Where a basket begins: lines are pasted, dropped, or taken from a file, and read here, in the browser.
import { Button, Textarea } from '@mantine/core'
import { useRef, useState } from 'react'
import classes from './page.module.css'

const EXAMPLE = `symbol,notional,days
GME,"50,000.00",30
AMC,120000.50,60
PLUG,41875.25,45
BYND,40000,14
GMEE,75000,30
TSLA,1200.005,14
LCID,250250.25,10
HOOD,$25000,7
RIVN,11875,0
BRK/B,75000.25,45
SPCE,120000.25,90
AAPL,250000,90
`

export interface PasteFormProps {
  /** What could not be read of the last try; null: nothing. */
  readonly refused: string | null
  readonly onText: (name: string, text: string) => void
  readonly onFile: (file: File) => void
}

export function PasteForm({ refused, onText, onFile }: PasteFormProps) {
  const [text, setText] = useState('')
  const file = useRef<HTMLInputElement>(null)
  return (
    <div className={classes.empty}>
      <p id="basket-how">
        Paste up to 10,000 lines from a sheet or a CSV file, each with a ticker, a value or shares, and days; nothing is
        sent before you price them.
      </p>
      <Textarea
        label="Lines of the basket"
        placeholder={'ticker,position_value,loan_days\nGME,50000,30'}
        rows={8}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={refused}
        aria-describedby="basket-how"
        spellCheck={false}
        classNames={{ input: 'mono' }}
      />
      <div className={classes.actions}>
        <Button variant="filled" onClick={() => onText('Pasted lines', text)}>
          Read the lines
        </Button>
        <Button onClick={() => file.current?.click()}>Choose a file</Button>
        <Button onClick={() => onText('Example', EXAMPLE)}>Begin with an example</Button>
      </div>
      <FileField field={file} onFile={onFile} />
    </div>
  )
}

export function FileField({
  field,
  onFile,
}: {
  readonly field: React.RefObject<HTMLInputElement | null>
  readonly onFile: (file: File) => void
}) {
  return (
    <input
      ref={field}
      type="file"
      hidden
      accept=".csv,.tsv,.txt,text/csv,text/plain,text/tab-separated-values"
      aria-label="File with the lines of a basket"
      onChange={(event) => {
        const chosen = event.currentTarget.files?.[0]
        event.currentTarget.value = ''
        if (chosen !== undefined) onFile(chosen)
      }}
    />
  )
}
