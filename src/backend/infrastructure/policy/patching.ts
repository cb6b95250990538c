// Machines get the patches of their operating system once a month, in the guide's window.
import { cronWindows, GUIDE_WINDOWS, isMonthly, isWithinGuideWindow } from './maintenance-windows.ts'
import { blocksAt, numberAt, textAt, valueAt } from './planned-environment.ts'
import { differs, every, type PolicyRule } from './rule.ts'

/** Days that somebody has to try a patch before everybody has it. */
const URGENT_DAYS_MAX = 7

export const PATCHING_RULES: readonly PolicyRule[] = [
  {
    id: 'SSM.2',
    title: 'A baseline says which patches machines must have: security patches, within a week',
    remedy: `Add aws_ssm_patch_baseline with an approval_rule of Classification Security, approve_after_days ${URGENT_DAYS_MAX} or less.`,
    appliesTo: ['aws_ssm_patch_baseline', 'aws_ssm_patch_group'],
    check: (planned) =>
      every(planned.all('aws_ssm_patch_baseline'), 'aws_ssm_patch_baseline', (baseline) => {
        const rules = blocksAt(baseline, 'approval_rule')
        const security = rules.findIndex((_, index) =>
          blocksAt(baseline, `approval_rule.${index}.patch_filter`).some(
            ({ key, values }) => key === 'CLASSIFICATION' && Array.isArray(values) && values.includes('Security'),
          ),
        )
        if (security === -1) return 'no rule approves security patches'
        const days = numberAt(baseline, `approval_rule.${security}.approve_after_days`)
        return (days === undefined || days > URGENT_DAYS_MAX) && `they are approved after ${days ?? 'unknown'} days`
      }),
  },
  {
    id: 'BRE-42',
    title: "Machines are patched once a month, in the guide's window",
    remedy:
      'Set schedule to cron(<minute> <hour> ? * <DAY>#<week> *), in UTC, with duration and cutoff inside the window.',
    appliesTo: ['aws_ssm_maintenance_window', 'aws_ssm_maintenance_window_task'],
    check: (planned) => [
      ...every(planned.all('aws_ssm_maintenance_window'), 'aws_ssm_maintenance_window', (window) => {
        const schedule = textAt(window, 'schedule') ?? ''
        const zone = textAt(window, 'schedule_timezone')
        const windows = cronWindows(schedule, zone, numberAt(window, 'duration') ?? 0)
        if (windows === null) return `its schedule ${schedule} ${zone ?? 'UTC'} cannot be compared with the guide's`
        if (!isMonthly(schedule)) return `its schedule ${schedule} is not monthly`
        const late = windows.find((each) => !isWithinGuideWindow(planned.name, each))
        return late && `${schedule} ${zone ?? 'UTC'} is not within ${GUIDE_WINDOWS[planned.name].words}`
      }),
      ...every(planned.all('aws_ssm_maintenance_window_task'), 'aws_ssm_maintenance_window_task', (task) => {
        const few = textAt(task, 'max_concurrency')
        if (few === undefined || few === '100%') return 'max_concurrency does not leave any machine up'
        return differs('task_arn', valueAt(task, 'task_arn'), 'AWS-RunPatchBaseline')
      }),
    ],
  },
]
