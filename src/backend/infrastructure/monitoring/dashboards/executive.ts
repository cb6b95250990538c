// For who answers for the business: does it work, how much is it used, what does it earn.
import { AVAILABILITY_BUDGET } from '../rules/objectives.ts'
import { dashboard, graph, HERE, number } from './panels.ts'

export function executiveDashboard(): object {
  return dashboard({
    uid: 'bre-executive',
    title: 'Borrow rates: executive',
    description: 'Whether clients are served, how much they ask for, and what quotes charge.',
    from: 'now-7d',
    rows: [
      {
        title: 'Is it well?',
        panels: [
          number(
            {
              title: 'Answered without a fault of ours, 3 days',
              unit: 'share',
              description: 'The objective is 99.95 %.',
            },
            `1 - gateway:request_faults:ratio_rate3d{${HERE}}`,
          ),
          number(
            {
              title: 'Of the budget for faults, used up at this speed',
              unit: 'share',
              bad: 1,
              description: 'Above 100 % the month ends below the objective, if it goes on like the last three days.',
            },
            `gateway:request_faults:ratio_rate3d{${HERE}} / ${AVAILABILITY_BUDGET}`,
          ),
          number(
            { title: 'A quote takes (95 of 100)', unit: 'seconds', bad: 0.1 },
            `gateway:quote_duration_seconds:p95_rate5m{${HERE}}`,
          ),
          number(
            { title: 'Quotes within 100 ms, 3 days', unit: 'share', description: 'The objective is 95 %.' },
            `1 - gateway:slow_quotes:ratio_rate3d{${HERE}}`,
          ),
          number(
            { title: 'Open alerts, P1 and P2', unit: 'number', bad: 1 },
            'count(ALERTS{alertstate="firing",priority=~"P1|P2"}) or vector(0)',
          ),
          number({ title: 'Requests', unit: 'perSecond' }, `gateway:requests:rate5m{${HERE}}`),
        ],
      },
      {
        title: 'Business',
        panels: [
          number(
            { title: 'Quotes, 24 hours', unit: 'number' },
            `sum(increase(quotes_total{${HERE},outcome="priced"}[1d]))`,
          ),
          number({ title: 'Fees quoted, 24 hours', unit: 'dollars' }, `sum(increase(quote_fee_usd_sum{${HERE}}[1d]))`),
          number(
            { title: 'Fee of a quote, mean of 24 hours', unit: 'dollars' },
            `sum(increase(quote_fee_usd_sum{${HERE}}[1d])) / sum(increase(quote_fee_usd_count{${HERE}}[1d]))`,
          ),
          number(
            {
              title: 'Of the quotes, with an input that was not fresh',
              unit: 'share',
              description: 'Stale, or stood in for; each answer says so. Quotes with two such inputs count twice.',
            },
            `sum(increase(fallback_inputs_total{${HERE}}[1d])) / sum(increase(quotes_total{${HERE},outcome="priced"}[1d]))`,
          ),
          graph(
            { title: 'Quotes', unit: 'perSecond', width: 12 },
            { query: `sum by (outcome) (quotes:by_outcome:rate5m{${HERE}})`, legend: '{{outcome}}' },
          ),
          graph(
            { title: 'Fees quoted in an hour', unit: 'dollars', width: 12 },
            { query: `sum(increase(quote_fee_usd_sum{${HERE}}[1h]))`, legend: 'fees' },
          ),
        ],
      },
    ],
  })
}
