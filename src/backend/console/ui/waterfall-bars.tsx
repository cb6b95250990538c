// The bars of one block of a waterfall, on a canvas. What they show stands as text in the table that they lie over.
import { BarChart, type BarSeriesOption, CustomChart, type CustomSeriesOption } from 'echarts/charts'
import { GridComponent, type GridComponentOption } from 'echarts/components'
import { type ComposeOption, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { Exact } from '../../client/index.ts'
import { type ChartColours, useChartColours } from './chart-colours.ts'
import { useCanvasChart } from './use-canvas-chart.ts'
import type { WaterfallRow } from './waterfall-rows.ts'

use([BarChart, CustomChart, GridComponent, CanvasRenderer])
type Option = ComposeOption<BarSeriesOption | CustomSeriesOption | GridComponentOption>

const BAR_PX = 16
const BAR_MIN_PX = 2

export default function WaterfallBars({
  rows,
  end,
  isGuess,
}: {
  readonly rows: readonly WaterfallRow[]
  /** Where the axis ends; it begins at zero. */
  readonly end: Exact
  readonly isGuess: (row: WaterfallRow) => boolean
}) {
  const colours = useChartColours()
  const box = useCanvasChart(barsOption(rows, end, isGuess, colours))
  return <div ref={box} style={{ width: '100%', height: '100%' }} />
}

function barsOption(
  rows: readonly WaterfallRow[],
  end: Exact,
  isGuess: (row: WaterfallRow) => boolean,
  colours: ChartColours,
): Option {
  // Pixels only: the figures are in the table.
  const px = rows.map(({ bar }) => (bar === null ? null : { from: Number(bar.from), to: Number(bar.to) }))
  const hatch = (row: WaterfallRow) =>
    isGuess(row) && {
      decal: { color: colours.canvas, dashArrayX: [1, 0], dashArrayY: [1.5, 3], rotation: -Math.PI / 4, symbolSize: 1 },
    }
  const bars = { type: 'bar', stack: 'steps', barWidth: BAR_PX, silent: true, z: 2 } as const
  const styleOf = (row: WaterfallRow) => {
    if (row.kind === 'down') return { color: 'transparent', borderColor: colours.barUp, borderWidth: 1 }
    return { color: row.kind === 'first' ? colours.bar : colours.barUp, ...hatch(row) }
  }
  return {
    animation: false,
    grid: { left: 0, right: 0, top: 0, bottom: 0, outerBoundsMode: 'none' },
    xAxis: { type: 'value', min: 0, max: Math.max(Number(end), Number.MIN_VALUE), show: false },
    yAxis: { type: 'category', inverse: true, show: false, data: rows.map(({ step }) => step) },
    series: [
      {
        ...bars,
        itemStyle: { color: 'transparent' },
        data: px.map((bar) => bar?.from ?? null),
      },
      {
        ...bars,
        barMinHeight: BAR_MIN_PX,
        data: rows.map((row, at) => {
          const bar = px[at]
          return bar == null || row.kind === 'total' ? null : { value: bar.to - bar.from, itemStyle: styleOf(row) }
        }),
      },
      {
        ...bars,
        itemStyle: { color: colours.barTotal },
        data: rows.map((row, at) => (row.kind === 'total' ? (px[at]?.to ?? null) : null)),
      },
      {
        type: 'custom',
        silent: true,
        z: 1,
        data: connectors(rows, px),
        renderItem: (_params, item) => {
          const [x = 0, from = 0] = item.coord([item.value(0), item.value(1)])
          const [, to = 0] = item.coord([item.value(0), item.value(2)])
          return {
            type: 'line',
            shape: { x1: x, x2: x, y1: from + BAR_PX / 2, y2: to - BAR_PX / 2, percent: 1 },
            style: { stroke: colours.ink3, lineWidth: 1 },
          }
        },
        encode: { x: 0, y: 1 },
      },
    ],
  }
}

/** From where each bar ends to the next row that has one: value, row, row. */
function connectors(
  rows: readonly WaterfallRow[],
  px: readonly ({ readonly from: number; readonly to: number } | null)[],
): number[][] {
  const lines: number[][] = []
  rows.forEach((row, at) => {
    const bar = px[at]
    const next = px.findIndex((other, later) => later > at && other !== null)
    if (bar == null || next === -1) return
    lines.push([row.kind === 'down' ? bar.from : bar.to, at, next])
  })
  return lines
}
