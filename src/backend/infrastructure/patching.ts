// Once a month, in the environment's maintenance window: hosts that people have sessions on are patched, and nodes are looked at. A node is
// not changed where it stands; a new release of its image replaces it, one after the other (docs/operations/deployment.md).
import { SsmDefaultPatchBaseline } from '@cdktn/provider-aws/lib/ssm-default-patch-baseline/index.js'
import { SsmMaintenanceWindow } from '@cdktn/provider-aws/lib/ssm-maintenance-window/index.js'
import { SsmMaintenanceWindowTarget } from '@cdktn/provider-aws/lib/ssm-maintenance-window-target/index.js'
import { SsmMaintenanceWindowTask } from '@cdktn/provider-aws/lib/ssm-maintenance-window-task/index.js'
import { SsmPatchBaseline } from '@cdktn/provider-aws/lib/ssm-patch-baseline/index.js'
import { SsmPatchGroup } from '@cdktn/provider-aws/lib/ssm-patch-group/index.js'
import { Construct } from 'constructs'
import { number } from './expressions.ts'
import type { Naming } from './naming.ts'

/** New patches wait so long, unless they close a hole that is being used. */
const SETTLED_DAYS = 7

export class Patching extends Construct {
  constructor(scope: Construct, naming: Naming) {
    super(scope, 'patching')
    const baseline = new SsmPatchBaseline(this, 'aws_ssm_patch_baseline.main', {
      name: naming.name,
      description: 'Security patches at once, others after a week',
      operatingSystem: 'AMAZON_LINUX_2023',
      approvedPatchesComplianceLevel: 'HIGH',
      approvalRule: [
        {
          approveAfterDays: 0,
          complianceLevel: 'CRITICAL',
          patchFilter: [
            { key: 'CLASSIFICATION', values: ['Security'] },
            { key: 'SEVERITY', values: ['Critical', 'Important'] },
          ],
        },
        {
          approveAfterDays: SETTLED_DAYS,
          complianceLevel: 'MEDIUM',
          patchFilter: [{ key: 'CLASSIFICATION', values: ['Security', 'Bugfix'] }],
        },
      ],
      tags: { Name: naming.name },
    })
    new SsmDefaultPatchBaseline(this, 'aws_ssm_default_patch_baseline.main', {
      baselineId: baseline.id,
      operatingSystem: 'AMAZON_LINUX_2023',
    })
    const window = new SsmMaintenanceWindow(this, 'aws_ssm_maintenance_window.patching', {
      name: naming.named('patching'),
      description: 'Patches of operating systems',
      schedule: naming.maintenance('patching'),
      scheduleTimezone: 'Etc/UTC',
      duration: number('local.maintenance[var.environment].patchingHours'),
      cutoff: 1,
      allowUnassociatedTargets: false,
    })
    this.#task(naming, baseline, window, 'hosts', 'Install')
    this.#task(naming, baseline, window, 'nodes', 'Scan')
  }

  #task(
    naming: Naming,
    baseline: SsmPatchBaseline,
    window: SsmMaintenanceWindow,
    group: 'hosts' | 'nodes',
    operation: 'Install' | 'Scan',
  ): void {
    const patchGroup = new SsmPatchGroup(this, `aws_ssm_patch_group.${group}`, {
      baselineId: baseline.id,
      patchGroup: naming.named(group),
    })
    const target = new SsmMaintenanceWindowTarget(this, `aws_ssm_maintenance_window_target.${group}`, {
      windowId: window.id,
      name: group,
      resourceType: 'INSTANCE',
      targets: [{ key: 'tag:PatchGroup', values: [patchGroup.patchGroup] }],
    })
    new SsmMaintenanceWindowTask(this, `aws_ssm_maintenance_window_task.${group}`, {
      windowId: window.id,
      name: `${operation.toLowerCase()}-${group}`,
      taskType: 'RUN_COMMAND',
      taskArn: 'AWS-RunPatchBaseline',
      priority: 1,
      maxConcurrency: '1',
      maxErrors: '1',
      cutoffBehavior: 'CONTINUE_TASK',
      targets: [{ key: 'WindowTargetIds', values: [target.id] }],
      taskInvocationParameters: {
        runCommandParameters: {
          timeoutSeconds: 3600,
          parameter: [
            { name: 'Operation', values: [operation] },
            { name: 'RebootOption', values: [operation === 'Install' ? 'RebootIfNeeded' : 'NoReboot'] },
          ],
        },
      },
    })
  }
}
