// Lines that come from anywhere on the screen: pasted outside of a field, dropped as a file or as text, chosen from a folder.
import { useEffect, useState } from 'react'
import { announce } from '../../app/announce.tsx'
import { basket, textOfBytes } from './basket.ts'
import { readSheet, TEXT_LENGTH_MAX } from './sheet.ts'

export interface Pasting {
  /** What could not be read of the last try. */
  readonly refused: string | null
  /** Something is held over the screen that can be dropped. */
  readonly isOver: boolean
  take(name: string, text: string): void
  takeFile(file: File): void
}

/** @param onTaken told of a new basket */
export function usePasting(onTaken: () => void): Pasting {
  const [refused, setRefused] = useState<string | null>(null)
  const [isOver, setIsOver] = useState(false)

  const take = (name: string, text: string) => {
    if (text.length > TEXT_LENGTH_MAX) return setRefused('The text has more than 8 MB, and the engine takes no more.')
    const sheet = readSheet(name, text)
    if (sheet === null)
      return setRefused('There is no line in this text: each has a ticker, a value or shares, and days.')
    setRefused(null)
    basket.take(sheet)
    onTaken()
    announce(`Read ${sheet.rows.length} lines`)
  }
  const takeFile = (file: File) => {
    if (file.size > 2 * TEXT_LENGTH_MAX)
      return setRefused(`${file.name} has more than 8 MB, and the engine takes no more.`)
    file.arrayBuffer().then(
      (bytes) => {
        const text = textOfBytes(new Uint8Array(bytes))
        if (text === null) setRefused(`${file.name} is not text: save the sheet as CSV.`)
        else take(file.name, text)
      },
      () => setRefused(`${file.name} could not be read.`),
    )
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: both only set state and the store
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text/plain') ?? ''
      const target = event.target
      const inField = target instanceof Element && target.closest('input, textarea, [contenteditable]') !== null
      // An empty field of lines takes a paste as the whole of it.
      if (inField && !(target instanceof HTMLTextAreaElement && target.value === '' && text.includes('\n'))) return
      if (text.trim() === '') return
      event.preventDefault()
      take('Pasted lines', text)
    }
    const over = (event: DragEvent) => {
      event.preventDefault()
      setIsOver(true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setIsOver(false)
    }
    const drop = (event: DragEvent) => {
      event.preventDefault()
      setIsOver(false)
      const file = event.dataTransfer?.files[0]
      const text = event.dataTransfer?.getData('text/plain') ?? ''
      if (file !== undefined) takeFile(file)
      else if (text.trim() !== '') take('Dropped lines', text)
    }
    document.addEventListener('paste', paste)
    document.addEventListener('dragover', over)
    document.addEventListener('dragleave', leave)
    document.addEventListener('drop', drop)
    return () => {
      document.removeEventListener('paste', paste)
      document.removeEventListener('dragover', over)
      document.removeEventListener('dragleave', leave)
      document.removeEventListener('drop', drop)
    }
  }, [])
  return { refused, isOver, take, takeFile }
}
