export function RatesPage() {
  return <h1>Rates</h1>
}
