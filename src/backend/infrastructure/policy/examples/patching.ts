// Plans of patches.
import { but, type Examples, inEnvironment, planned, without } from './example.ts'

const baseline = (days: number, classification = 'Security') => [
  planned('aws_ssm_patch_baseline.nodes', {
    approval_rule: [{ approve_after_days: days, patch_filter: [{ key: 'CLASSIFICATION', values: [classification] }] }],
  }),
]

const WINDOW = 'aws_ssm_maintenance_window.patching'
const TASK = 'aws_ssm_maintenance_window_task.patch'
const PATCHING = [
  planned(WINDOW, { schedule: 'cron(0 6 ? * SUN#3 *)', duration: 4 }),
  planned(TASK, { task_arn: 'AWS-RunPatchBaseline', max_concurrency: '1' }),
]
const schedule = (text: string, more: object = {}) => but(PATCHING, WINDOW, { schedule: text, ...more })

export const PATCHING_EXAMPLES: Examples = {
  'SSM.2': {
    keeps: { 'within a week': baseline(7) },
    breaks: { 'within a month': baseline(30), 'no security patches': baseline(1, 'Bugfix'), 'no baseline': [] },
  },
  'BRE-42': {
    keeps: {
      'the third Sunday 01:00 EST': PATCHING,
      'the same, said in EST': schedule('cron(0 1 ? * SUN#3 *)', { schedule_timezone: 'EST' }),
      'a Wednesday 22:00 EST in staging': inEnvironment('staging', schedule('cron(0 3 ? * THU#2 *)')),
    },
    breaks: {
      'every Sunday': schedule('cron(0 6 ? * SUN *)'),
      'a Monday in production': schedule('cron(0 6 ? * MON#1 *)'),
      'longer than the window': schedule('cron(0 6 ? * SUN#3 *)', { duration: 5 }),
      'the hours of summer': schedule('cron(0 5 ? * SUN#3 *)'),
      'a zone with summer time': schedule('cron(0 1 ? * SUN#3 *)', { schedule_timezone: 'America/New_York' }),
      'a rate': schedule('rate(30 days)'),
      'all at once': but(PATCHING, TASK, { max_concurrency: '100%' }),
      'a window in which nothing is done': without(PATCHING, TASK),
    },
  },
}
