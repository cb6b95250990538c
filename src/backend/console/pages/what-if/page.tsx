export function WhatIfPage() {
  return <h1>WhatIf</h1>
}
