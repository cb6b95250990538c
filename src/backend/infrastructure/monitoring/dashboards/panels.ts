// The pieces that all dashboards are made of, so that a second is drawn as a second everywhere.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  LogsSortOrder,
  ReduceDataOptionsBuilder,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as Logs } from '@grafana/grafana-foundation-sdk/logs'
import { DataqueryBuilder as LogQuery } from '@grafana/grafana-foundation-sdk/loki'
import { DataqueryBuilder as Query } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Timeseries } from '@grafana/grafana-foundation-sdk/timeseries'
import { SOURCES } from '../stack/data-sources.ts'

const PROMETHEUS = { type: 'prometheus', uid: SOURCES.prometheus }
const LOKI = { type: 'loki', uid: SOURCES.loki }

export const UNITS = {
  seconds: 's',
  share: 'percentunit',
  perSecond: 'reqps',
  bytes: 'bytes',
  dollars: 'currencyUSD',
  number: 'short',
  time: 'dateTimeFromNow',
} as const
export type Unit = keyof typeof UNITS

/** Every query looks at the environment that is chosen above. */
export const HERE = 'namespace="$namespace"'

export interface Line {
  readonly query: string
  /** `{{label}}`, or words. */
  readonly legend: string
}

export interface PanelOptions {
  readonly title: string
  readonly unit: Unit
  readonly description?: string
  /** Where it turns red, upwards. */
  readonly bad?: number
  /** Twelfths of the width, times two. */
  readonly width?: number
}

const GREEN_TO_RED = (bad: number) =>
  new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null as unknown as number, color: 'green' },
    { value: bad, color: 'red' },
  ])

const REF_IDS = 'ABCDEFGH'

function queries(lines: readonly Line[], instant: boolean): Query[] {
  return lines.map(({ query, legend }, at) => {
    const built = new Query()
      .datasource(PROMETHEUS)
      .expr(query)
      .legendFormat(legend)
      .refId(REF_IDS[at] ?? 'Z')
    return instant ? built.instant() : built.range()
  })
}

/** Lines over time. */
export function graph({ title, unit, description, bad, width = 8 }: PanelOptions, ...lines: Line[]): Builder<Panel> {
  const panel = new Timeseries()
    .title(title)
    .datasource(PROMETHEUS)
    .unit(UNITS[unit])
    .min(0)
    .height(8)
    .span(width)
    .lineWidth(1)
    .fillOpacity(10)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .targets(queries(lines, false))
  if (description !== undefined) panel.description(description)
  if (bad !== undefined) panel.thresholds(GREEN_TO_RED(bad))
  return panel
}

/** One number, as it is now. */
export function number({ title, unit, description, bad, width = 4 }: PanelOptions, query: string): Builder<Panel> {
  const panel = new Stat()
    .title(title)
    .datasource(PROMETHEUS)
    .unit(UNITS[unit])
    .height(4)
    .span(width)
    .graphMode(BigValueGraphMode.Area)
    .colorMode(bad === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .targets(queries([{ query, legend: title }], false))
  if (description !== undefined) panel.description(description)
  if (bad !== undefined) panel.thresholds(GREEN_TO_RED(bad))
  return panel
}

/** Lines of a log. */
export function logs(title: string, query: string): Builder<Panel> {
  return new Logs()
    .title(title)
    .datasource(LOKI)
    .height(10)
    .span(24)
    .showTime(true)
    .wrapLogMessage(true)
    .enableLogDetails(true)
    .sortOrder(LogsSortOrder.Descending)
    .targets([new LogQuery().datasource(LOKI).expr(query).refId('A').maxLines(200)])
}

export interface DashboardOptions {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly from: string
  readonly rows: readonly { readonly title: string; readonly panels: readonly Builder<Panel>[] }[]
}

export function dashboard({ uid, title, description, from, rows }: DashboardOptions): object {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['borrow-rate-engine'])
    .timezone('browser')
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from, to: 'now' })
    .refresh('30s')
    .withVariable(
      new QueryVariableBuilder('namespace')
        .label('environment')
        .datasource(PROMETHEUS)
        .query('label_values(up{namespace=~"borrow-rate-engine-.+"}, namespace)')
        .refresh(VariableRefresh.OnDashboardLoad)
        .sort(VariableSort.AlphabeticalAsc),
    )
    .annotation(
      new AnnotationQueryBuilder()
        .name('deployments')
        .datasource(PROMETHEUS)
        .enable(true)
        .iconColor('blue')
        .expr(
          'max by (version, status) (deployment_timestamp_seconds * on (environment) group_left (version, status) deployment_info) * 1000',
        )
        .useValueForTime(true)
        .titleFormat('{{version}} {{status}}'),
    )
    .link(
      new DashboardLinkBuilder('The other dashboards')
        .type(DashboardLinkType.Dashboards)
        .tags(['borrow-rate-engine'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
  for (const { title: row, panels } of rows) {
    builder.withRow(new RowBuilder(row))
    for (const panel of panels) builder.withPanel(panel)
  }
  return builder.build()
}
