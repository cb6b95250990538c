// Whose terms a quote is made under, as far as the key may read them.
import { useQuery } from '@tanstack/react-query'
import type { BrokerAnswer } from '../../client/index.ts'
import { api } from '../api.ts'
import { usePerson } from './hooks.ts'

export interface Brokers {
  /** Null: not known, or not to be read; then the client_id is typed. */
  readonly list: readonly BrokerAnswer[] | null
  readonly isLoading: boolean
}

/** Those that are active: nothing is priced for others. A broker has itself. */
export function useBrokers(): Brokers {
  const { role, clientId } = usePerson()
  const query = useQuery({
    queryKey: ['quote', 'brokers', role, clientId],
    queryFn: async ({ signal }): Promise<readonly BrokerAnswer[]> => {
      if (role === 'broker') return [await api.brokers.read(clientId, { signal })]
      const found: BrokerAnswer[] = []
      for await (const broker of api.brokers.all({ signal })) if (broker.active) found.push(broker)
      return found
    },
    staleTime: 300_000,
  })
  return { list: query.data ?? null, isLoading: query.isPending }
}
