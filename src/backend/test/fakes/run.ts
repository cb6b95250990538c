// `npm run fakes`: the fake feeds for a person, on fixed ports, with files of today to fetch. Ends with Ctrl-C.
import { readFileSync } from 'node:fs'
import { FAKE_KEYS, startFakeFeeds } from './fake-feeds.ts'
import { freshDemoFiles } from './fake-files.ts'

const FIRST_PORT = Number(process.env.FAKES_PORT ?? 8201)
const [lender, volatility, events, files, ftp, admin] = Array.from({ length: 6 }, (_, i) => FIRST_PORT + i) as [
  number,
  number,
  number,
  number,
  number,
  number,
]

const feeds = await startFakeFeeds({ ports: { lender, volatility, events, files, ftp, admin } })
const { usa, vix } = freshDemoFiles(new Date(), (name) =>
  readFileSync(new URL(`../../database/demo-data/${name}`, import.meta.url), 'utf8'),
)
feeds.putFile('usa.txt', usa)
feeds.putFile('VIX_History.csv', vix)

console.log(`Fake feeds are up. The engine speaks to them with:

  LENDER_FEED_URL=${feeds.urls.lender}
  LENDER_FEED_KEY=${FAKE_KEYS.lender}
  VOLATILITY_FEED_URL=${feeds.urls.volatility}
  VOLATILITY_FEED_KEY=${FAKE_KEYS.volatility}
  EVENT_FEED_URL=${feeds.urls.events}
  EVENT_FEED_KEY=${FAKE_KEYS.events}

or with files:

  LENDER_FEED_URL=${feeds.ftpUrl}/usa.txt   (or ${feeds.urls.files}/usa.txt)
  VOLATILITY_FEED_URL=${feeds.urls.files}/VIX_History.csv

Make one ill, and well again:

  curl -X POST ${feeds.urls.admin}/lender/hang
  curl -X POST ${feeds.urls.admin}/lender/slow/500
  curl -X POST ${feeds.urls.admin}/lender/intermittent/1/3
  curl -X POST ${feeds.urls.admin}/reset
  curl ${feeds.urls.admin}/
`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void feeds.close().then(() => process.exit(0)))
}
