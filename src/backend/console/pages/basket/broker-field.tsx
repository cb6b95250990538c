// The broker whose terms price the lines that name none. For a desk; a broker's own key prices for itself.
import { Autocomplete } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useBrokers } from '../../app/brokers.ts'
import { usePerson } from '../../app/hooks.ts'

export function BrokerField({
  client,
  onChoose,
}: {
  readonly client: string | null
  readonly onChoose: (client: string | null) => void
}) {
  const { clientId } = usePerson()
  const [text, setText] = useState(client ?? '')
  useEffect(() => setText(client ?? ''), [client])
  // Who may not read them types a broker's name.
  const { list } = useBrokers()
  const choose = (chosen: string) => onChoose(chosen.trim() === '' ? null : chosen.trim())
  return (
    <Autocomplete
      aria-label="Broker of the lines that name none"
      placeholder={`Broker, else ${clientId}`}
      data={(list ?? []).map(({ client_id }) => client_id)}
      value={text}
      onChange={setText}
      onOptionSubmit={choose}
      onBlur={() => choose(text)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return
        choose(event.currentTarget.value)
        // What was typed is chosen; the list has done its work.
        event.currentTarget.blur()
      }}
      limit={50}
      w={190}
    />
  )
}
