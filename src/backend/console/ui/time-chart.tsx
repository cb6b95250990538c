// Lines over time in panes of one axis, on a canvas that is hidden from who does not see it: beside it stands a table with the same figures.
// Where one looks is the caller's: the pointer and the arrow keys move it, the caller's legend says what is there. Nothing floats.
import {
  type AutoscaleInfo,
  ColorType,
  CrosshairMode,
  createChart,
  createTextWatermark,
  type DeepPartial,
  type IChartApi,
  type ISeriesApi,
  type ITextWatermarkPluginApi,
  LineSeries,
  type LineSeriesPartialOptions,
  LineStyle,
  LineType,
  type Time,
  type TimeChartOptions,
  type UTCTimestamp,
} from 'lightweight-charts'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { type ChartColours, useChartColours } from './chart-colours.ts'
import classes from './time-chart.module.css'
import { drawnPoints, EventMarks, GuessBands, type Span } from './time-chart-primitives.ts'
import { axisTime } from './time-chart-times.ts'

export const DASHES = { solid: LineStyle.Solid, dashed: LineStyle.Dashed, dotted: LineStyle.Dotted } as const
export type Dash = keyof typeof DASHES

/** What happens at a moment, in words: `earnings 7`. */
export interface TimeMark {
  /** Of the times. */
  readonly at: number
  readonly words: string
}

export interface TimeLine {
  readonly name: string
  /** One for each of the times; null: a hole. Pixels are made of them, never figures. */
  readonly values: readonly (number | null)[]
  readonly colour: keyof ChartColours
  readonly dash: Dash
  readonly stepped: boolean
  /** At the end of the line; null: it is the only one. */
  readonly endLabel: string | null
  /** Where it rests on a guess. */
  readonly guesses: readonly Span[]
}

export interface TimePane {
  readonly title: string
  /** Of the height, against the other panes. */
  readonly share: number
  readonly lines: readonly TimeLine[]
  readonly axisText: (value: number) => string
  /** Of the axis; what is null follows the lines. */
  readonly min: number | null
  readonly max: number | null
  /** Over the first line. */
  readonly marks: readonly TimeMark[]
}

export interface TimeChartProps {
  /** Seconds since 1970, rising. All panes share them. */
  readonly times: readonly number[]
  readonly panes: readonly TimePane[]
  /** The last of the times that has figures; what comes after it is ahead. */
  readonly lastAt: number
  /** The moment that is looked at, as a place in the times; null: the last. */
  readonly at: number | null
  readonly onAt: (at: number | null) => void
  /** What it is, for who does not see it. */
  readonly label: string
  /** What is there at a moment, for who does not see it. */
  readonly says: (at: number) => string
  readonly height: number
}

/** Of the times, for Page Up and Page Down. */
const PAGES = 10

export function TimeChart({ times, panes, lastAt, at, onAt, label, says, height }: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const drawn = useRef<Drawn | null>(null)
  const colours = useChartColours()
  const latest = useRef({ lastAt, onAt })
  latest.current = { lastAt, onAt }

  // biome-ignore lint/correctness/useExhaustiveDependencies: other lines are another chart; new figures and colours are drawn into it below
  useEffect(() => {
    if (box.current === null) return
    const made = new Drawn(box.current, panes, (place) => {
      const { lastAt: end, onAt: tell } = latest.current
      if (place !== null) tell(Math.max(0, Math.min(place, end)))
      else if (document.activeElement !== box.current?.parentElement) tell(null)
    })
    drawn.current = made
    return () => {
      drawn.current = null
      made.end()
    }
  }, [structureOf(panes)])
  useEffect(() => drawn.current?.colour(colours, panes), [colours, panes])
  useEffect(() => drawn.current?.fill(times, panes), [times, panes])
  useEffect(() => drawn.current?.lookAt(at === null ? null : (times[at] ?? null)), [at, times])

  const place = Math.min(at ?? lastAt, lastAt)
  const move = (event: KeyboardEvent) => {
    const to = placeAfter(event.key, place, lastAt)
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    onAt(to)
  }
  return (
    <div
      className={classes.chart}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, lastAt)}
      aria-valuenow={Math.max(0, place)}
      aria-valuetext={lastAt < 0 ? 'nothing' : says(place)}
      onKeyDown={move}
      onBlur={() => onAt(null)}
    >
      <div ref={box} aria-hidden="true" style={{ height }} />
    </div>
  )
}

/** undefined: the key moves nothing. Null: the last again. */
export function placeAfter(key: string, place: number, last: number): number | null | undefined {
  const page = Math.max(1, Math.round(last / PAGES))
  const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -page, PageDown: page }
  if (key === 'Home') return 0
  if (key === 'End') return last
  if (key === 'Escape') return null
  const step = steps[key]
  return step === undefined ? undefined : Math.max(0, Math.min(place + step, last))
}

function structureOf(panes: readonly TimePane[]): string {
  return JSON.stringify(panes.map(({ share, lines }) => [share, lines.map(({ name }) => name)]))
}

/** The chart that is there now. */
class Drawn {
  readonly #chart: IChartApi
  readonly #lines: ISeriesApi<'Line'>[][]
  readonly #bands: GuessBands[][]
  readonly #marks: EventMarks[]
  #count = 0
  readonly #titles: (ITextWatermarkPluginApi<Time> | null)[] = []

  constructor(box: HTMLElement, panes: readonly TimePane[], onPlace: (place: number | null) => void) {
    this.#chart = createChart(box, OPTIONS)
    this.#bands = panes.map(({ lines }) => lines.map(() => new GuessBands(lines.length > 1)))
    this.#marks = panes.map(() => new EventMarks())
    this.#lines = panes.map(({ lines, share }, pane) => {
      const made = lines.map((line, at) => {
        const series = this.#chart.addSeries(LineSeries, STYLE, pane)
        const band = this.#bands[pane]?.[at]
        if (band) series.attachPrimitive(band)
        const marks = this.#marks[pane]
        if (at === 0 && marks) series.attachPrimitive(marks)
        series.applyOptions({ lineType: line.stepped ? LineType.WithSteps : LineType.Simple })
        return series
      })
      const drawnPane = this.#chart.panes()[pane]
      drawnPane?.setStretchFactor(share)
      this.#titles.push(
        drawnPane === undefined
          ? null
          : createTextWatermark(drawnPane, { horzAlign: 'left', vertAlign: 'top', lines: [] }),
      )
      return made
    })
    this.#chart.subscribeCrosshairMove(({ logical, point, sourceEvent }) => {
      // Also told of what `lookAt` did, which the caller knows.
      if (point === undefined) onPlace(null)
      else if (sourceEvent !== undefined && logical !== undefined) onPlace(logical)
    })
    // The whole range is always shown, at whatever width.
    this.#chart.timeScale().subscribeSizeChange(() => this.#showAll())
  }

  colour(colours: ChartColours, panes: readonly TimePane[]): void {
    const { ink2, ink3, line, gridLine, font, warnHatch, canvas } = colours
    this.#chart.applyOptions({
      layout: { textColor: ink2, fontFamily: font, panes: { separatorColor: line } },
      grid: { horzLines: { color: gridLine }, vertLines: { color: gridLine } },
      crosshair: { vertLine: { color: ink3 } },
      timeScale: { borderColor: line },
    })
    panes.forEach(({ lines, title }, pane) => {
      this.#titles[pane]?.applyOptions({
        lines: [{ text: title, color: ink2, fontSize: 11, lineHeight: 22, fontFamily: font }],
      })
      this.#chart.priceScale('right', pane).applyOptions({ borderColor: line })
      this.#marks[pane]?.paint(ink2, font, canvas)
      lines.forEach(({ colour }, at) => {
        this.#lines[pane]?.[at]?.applyOptions({ color: colours[colour] })
        this.#bands[pane]?.[at]?.paint(warnHatch)
      })
    })
  }

  fill(times: readonly number[], panes: readonly TimePane[]): void {
    panes.forEach(({ lines, axisText, min, max, marks }, pane) => {
      this.#marks[pane]?.show(marks)
      lines.forEach(({ values, dash, endLabel, guesses }, at) => {
        const series = this.#lines[pane]?.[at]
        series?.applyOptions({
          lineStyle: DASHES[dash],
          title: endLabel ?? '',
          lastValueVisible: endLabel !== null,
          priceFormat: { type: 'custom', formatter: axisText, minMove: 1e-9 },
          autoscaleInfoProvider: (own: () => AutoscaleInfo | null) => bounded(own(), min, max),
        } satisfies LineSeriesPartialOptions)
        series?.setData(
          drawnPoints(values.slice(0, times.length)).map(({ place, value, endsHere }) => {
            const time = times[place] as UTCTimestamp
            if (value === null) return { time }
            return endsHere ? { time, value, color: 'transparent' } : { time, value }
          }),
        )
        this.#bands[pane]?.[at]?.show(guesses, values)
      })
    })
    this.#count = times.length
    this.#showAll()
  }

  /** What is ahead too, which has no figures: the chart's own way ends at the last one. */
  #showAll(): void {
    if (this.#count > 0) this.#chart.timeScale().setVisibleLogicalRange({ from: -0.5, to: this.#count - 0.5 })
  }

  /** @param seconds null: nothing is looked at */
  lookAt(seconds: number | null): void {
    const series = this.#lines[0]?.[0]
    if (series === undefined || seconds === null) this.#chart.clearCrosshairPosition()
    else this.#chart.setCrosshairPosition(0, seconds as UTCTimestamp, series)
  }

  end(): void {
    this.#chart.remove()
  }
}

function bounded(own: AutoscaleInfo | null, min: number | null, max: number | null): AutoscaleInfo | null {
  const range = own?.priceRange ?? null
  if (range === null && (min === null || max === null)) return own
  const low = min ?? range?.minValue ?? 0
  const high = max ?? range?.maxValue ?? 1
  // A line that never moves has room above and below all the same.
  const room = low === high ? Math.abs(low) * 0.05 || 1 : 0
  return { ...own, priceRange: { minValue: low - (min === null ? room : 0), maxValue: high + room } }
}

const OPTIONS: DeepPartial<TimeChartOptions> = {
  autoSize: true,
  layout: {
    background: { type: ColorType.Solid, color: 'transparent' },
    fontSize: 11,
    // The screen has its notice and its link: `TimeChartNotice`.
    attributionLogo: false,
    panes: { enableResize: false },
  },
  grid: { vertLines: { visible: false } },
  crosshair: {
    mode: CrosshairMode.Magnet,
    vertLine: { style: LineStyle.Solid, width: 1, labelVisible: false },
    horzLine: { visible: false, labelVisible: false },
  },
  rightPriceScale: { minimumWidth: 64, scaleMargins: { top: 0.12, bottom: 0.08 } },
  timeScale: {
    minBarSpacing: 0.001,
    timeVisible: true,
    secondsVisible: false,
    allowBoldLabels: false,
    tickMarkFormatter: (time: Time, type: number) => axisTime(Number(time), type),
  },
  // The page scrolls; the range is chosen above the chart.
  handleScroll: false,
  handleScale: false,
}

const STYLE: LineSeriesPartialOptions = {
  lineWidth: 2,
  priceLineVisible: false,
  crosshairMarkerRadius: 3,
  crosshairMarkerBorderWidth: 0,
}

/** What the licence of the charts asks for, on every screen that shows one. */
export function TimeChartNotice() {
  return (
    <p className={classes.notice}>
      Charts by TradingView Lightweight Charts™, Copyright © 2026 TradingView, Inc.{' '}
      <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer">
        tradingview.com
      </a>
    </p>
  )
}
