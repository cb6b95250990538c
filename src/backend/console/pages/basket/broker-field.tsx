// The broker whose terms price the lines that name none. For a desk; a broker's own key prices for itself.
import { Autocomplete } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../../api.ts'
import { usePerson } from '../../app/hooks.ts'

const BROKERS_MAX = 1_000

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
  const brokers = useQuery({ queryKey: ['basket', 'brokers'], queryFn: ({ signal }) => knownBrokers(signal) })
  const choose = (chosen: string) => onChoose(chosen.trim() === '' ? null : chosen.trim())
  return (
    <Autocomplete
      aria-label="Broker of the lines that name none"
      placeholder={`Broker, else ${clientId}`}
      data={[...(brokers.data ?? [])]}
      value={text}
      onChange={setText}
      onOptionSubmit={choose}
      onBlur={() => choose(text)}
      onKeyDown={(event) => event.key === 'Enter' && choose(text)}
      limit={50}
      w={190}
    />
  )
}

async function knownBrokers(signal: AbortSignal): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { client_id, active } of api.brokers.all({ signal })) {
    if (active) names.push(client_id)
    if (names.length === BROKERS_MAX) break
  }
  return names
}
