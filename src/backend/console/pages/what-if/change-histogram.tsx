// How many clients change by how much: bars on a canvas, and the table that says the same.
import { BarChart, type BarSeriesOption } from 'echarts/charts'
import { GridComponent, type GridComponentOption } from 'echarts/components'
import { type ComposeOption, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useMemo } from 'react'
import { type ChartColours, useChartColours } from '../../ui/chart-colours.ts'
import { useCanvasChart } from '../../ui/use-canvas-chart.ts'
import { type Bin, binText, boundText, countText } from './effects.ts'
import classes from './page.module.css'

use([BarChart, GridComponent, CanvasRenderer])
type Option = ComposeOption<BarSeriesOption | GridComponentOption>

export function ChangeHistogram({ bins }: { readonly bins: readonly Bin[] }) {
  const colours = useChartColours()
  const box = useCanvasChart(useMemo(() => histogramOption(bins, colours), [bins, colours]))
  return (
    <div className={classes.histogram}>
      <div ref={box} className={classes.chart} aria-hidden="true" />
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Change, USD</th>
            <th scope="col" className="right">
              Clients
            </th>
          </tr>
        </thead>
        <tbody>
          {bins.map((bin) => (
            <tr key={binText(bin)}>
              <td className="nowrap">{binText(bin)}</td>
              <td className="right">{countText(bin.clients)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function histogramOption(bins: readonly Bin[], colours: ChartColours): Option {
  return {
    animation: false,
    textStyle: { fontFamily: colours.font, fontSize: 11, color: colours.ink3 },
    grid: { left: 36, right: 8, top: 12, bottom: 40 },
    xAxis: {
      type: 'category',
      data: bins.map(axisText),
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      axisLabel: {
        color: colours.ink3,
        fontSize: 11,
        hideOverlap: true,
        interval: 0,
        rotate: bins.length > 7 ? 30 : 0,
      },
    },
    yAxis: {
      type: 'value',
      min: 0,
      minInterval: 1,
      axisLabel: { color: colours.ink3, fontSize: 11 },
      splitLine: { lineStyle: { color: colours.gridLine } },
    },
    series: [
      {
        type: 'bar',
        silent: true,
        barCategoryGap: '8%',
        data: bins.map(({ clients }) => clients),
        itemStyle: { color: colours.bar },
      },
    ],
  }
}

/** The bound that is farther from 0: bars of one width need no more. */
function axisText({ from, to }: Bin): string {
  if (from === '0' && to === '0') return '0'
  if (from === null) return `${boundText(to ?? '0')} or less`
  if (to === null) return `more than ${boundText(from)}`
  return boundText(from.startsWith('-') ? from : to)
}
