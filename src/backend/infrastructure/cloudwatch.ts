// What CloudWatch watches of the account: alarms on the database, the cache, the cluster's nodes and the load balancer, and on somebody
// who takes all rights. What the services say of themselves, Prometheus watches.
import { CloudwatchLogMetricFilter } from '@cdktn/provider-aws/lib/cloudwatch-log-metric-filter/index.js'
import {
  CloudwatchMetricAlarm,
  type CloudwatchMetricAlarmConfig,
} from '@cdktn/provider-aws/lib/cloudwatch-metric-alarm/index.js'
import { SnsTopic } from '@cdktn/provider-aws/lib/sns-topic/index.js'
import { SnsTopicPolicy } from '@cdktn/provider-aws/lib/sns-topic-policy/index.js'
import { SnsTopicSubscription } from '@cdktn/provider-aws/lib/sns-topic-subscription/index.js'
import { Construct } from 'constructs'
import type { KubernetesCluster } from './eks.ts'
import { number, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { policyDocument } from './policy_documents.ts'
import type { Database } from './rds.ts'
import type { Cache } from './redis.ts'

const GIB = 1024 ** 3
const METRIC_NAMESPACE = 'BorrowRateEngine'

type AlarmRequest = Omit<CloudwatchMetricAlarmConfig, 'alarmName' | 'alarmDescription' | 'evaluationPeriods'> & {
  readonly what: string
  readonly periods?: number
}

export class Monitoring extends Construct {
  readonly topic: SnsTopic
  readonly #naming: Naming

  constructor(
    scope: Construct,
    naming: Naming,
    keys: Keys,
    watched: { readonly database: Database; readonly cache: Cache; readonly kubernetes: KubernetesCluster },
  ) {
    super(scope, 'cloudwatch')
    this.#naming = naming
    this.topic = this.#alarmTopic(naming, keys)
    this.#database(watched.database)
    this.#cache(watched.cache)
    this.#cluster(watched.kubernetes)
    this.#loadBalancer()
  }

  /** Alarms on what the account's trail says. */
  watchTrail(logGroupName: string): void {
    const events: readonly (readonly [name: string, what: string, pattern: string])[] = [
      [
        'break_glass',
        'somebody has taken the role of all rights',
        `{ ($.eventName = "AssumeRole") && ($.requestParameters.roleArn = "*/${this.#naming.named('break-glass')}") }`,
      ],
      [
        'root',
        'somebody works as the owner of the account',
        '{ ($.userIdentity.type = "Root") && ($.eventType != "AwsServiceEvent") }',
      ],
      [
        'refused',
        'somebody tries what they may not',
        '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
      ],
      [
        'trail_changed',
        'somebody has changed or stopped the trail',
        '{ ($.eventName = "StopLogging") || ($.eventName = "DeleteTrail") || ($.eventName = "UpdateTrail") }',
      ],
      [
        'key_disabled',
        'a key is to be deleted or was disabled',
        '{ ($.eventSource = "kms.amazonaws.com") && (($.eventName = "DisableKey") || ($.eventName = "ScheduleKeyDeletion")) }',
      ],
    ]
    for (const [name, what, pattern] of events) {
      const metricName = `${this.#naming.name}-${name.replace('_', '-')}`
      new CloudwatchLogMetricFilter(this, `aws_cloudwatch_log_metric_filter.${name}`, {
        name: metricName,
        logGroupName,
        pattern,
        metricTransformation: { name: metricName, namespace: METRIC_NAMESPACE, value: '1', defaultValue: '0' },
      })
      this.#alarm(name, {
        what,
        namespace: METRIC_NAMESPACE,
        metricName,
        statistic: 'Sum',
        comparisonOperator: 'GreaterThanOrEqualToThreshold',
        threshold: name === 'refused' ? 20 : 1,
        treatMissingData: 'notBreaching',
      })
    }
  }

  #alarmTopic(naming: Naming, keys: Keys): SnsTopic {
    const topic = new SnsTopic(this, 'aws_sns_topic.alarms', {
      name: naming.named('alarms'),
      kmsMasterKeyId: keys.logs.id,
      tags: { Name: naming.named('alarms') },
    })
    new SnsTopicPolicy(this, 'aws_sns_topic_policy.alarms', {
      arn: topic.arn,
      policy: policyDocument(
        {
          sid: 'Alarms',
          actions: ['sns:Publish'],
          resources: [topic.arn],
          principals: { Service: ['cloudwatch.amazonaws.com', 'backup.amazonaws.com', 'events.amazonaws.com'] },
          conditions: { StringEquals: { 'aws:SourceAccount': naming.accountId } },
        },
        {
          sid: 'RefuseUnencrypted',
          effect: 'Deny',
          actions: ['sns:Publish'],
          resources: [topic.arn],
          principals: '*',
          conditions: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ),
    })
    new SnsTopicSubscription(this, 'aws_sns_topic_subscription.email', {
      count: number('length(var.alarm_email_addresses)'),
      topicArn: topic.arn,
      protocol: 'email',
      endpoint: text('var.alarm_email_addresses[count.index]'),
    })
    return topic
  }

  #alarm(name: string, { what, periods = 1, ...request }: AlarmRequest): void {
    new CloudwatchMetricAlarm(this, `aws_cloudwatch_metric_alarm.${name}`, {
      alarmName: this.#naming.named(name.replaceAll('_', '-')),
      alarmDescription: `\${var.environment}: ${what}`,
      evaluationPeriods: periods,
      ...(request.metricQuery === undefined ? { period: 300 } : {}),
      alarmActions: [this.topic.arn],
      okActions: [this.topic.arn],
      ...request,
    })
  }

  #database(database: Database): void {
    const onMain = {
      namespace: 'AWS/RDS',
      dimensions: { DBInstanceIdentifier: database.instance.identifier },
    }
    this.#alarm('database_cpu', {
      ...onMain,
      what: 'the database has hardly any processor left',
      metricName: 'CPUUtilization',
      statistic: 'Average',
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 80,
      periods: 3,
    })
    this.#alarm('database_storage', {
      ...onMain,
      what: 'the storage of the database runs out',
      metricName: 'FreeStorageSpace',
      statistic: 'Minimum',
      comparisonOperator: 'LessThanThreshold',
      threshold: 10 * GIB,
    })
    this.#alarm('database_memory', {
      ...onMain,
      what: 'the database has hardly any memory left',
      metricName: 'FreeableMemory',
      statistic: 'Minimum',
      comparisonOperator: 'LessThanThreshold',
      threshold: GIB / 4,
      periods: 3,
    })
    this.#alarm('database_connections', {
      ...onMain,
      what: 'most of the 400 connections of the database are taken',
      metricName: 'DatabaseConnections',
      statistic: 'Maximum',
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 320,
      periods: 2,
    })
    this.#alarm('replica_lag', {
      count: number('var.database_replica_count'),
      namespace: 'AWS/RDS',
      what: 'a read replica is more than half a minute behind',
      metricName: 'ReplicaLag',
      dimensions: { DBInstanceIdentifier: text('aws_db_instance.replica[count.index].identifier') },
      alarmName: `${this.#naming.named('replica-lag')}-\${count.index + 1}`,
      statistic: 'Average',
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 30,
      periods: 2,
    } as AlarmRequest)
  }

  #cache(cache: Cache): void {
    // Nodes are numbered by ElastiCache: one line for the worst of them.
    this.#alarm('cache_memory', {
      what: 'a node of the cache is nearly full',
      ...worstOf('AWS/ElastiCache', 'DatabaseMemoryUsagePercentage', 'MAX'),
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 90,
      periods: 3,
      dependsOn: [cache.group],
    })
    this.#alarm('cache_cpu', {
      what: 'a node of the cache has hardly any processor left',
      ...worstOf('AWS/ElastiCache', 'EngineCPUUtilization', 'MAX'),
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 80,
      periods: 3,
      dependsOn: [cache.group],
    })
  }

  #cluster(kubernetes: KubernetesCluster): void {
    this.#alarm('nodes_at_most', {
      what: 'the cluster has as many nodes as it may: the next pods wait',
      namespace: 'AWS/AutoScaling',
      metricName: 'GroupInServiceInstances',
      dimensions: { AutoScalingGroupName: kubernetes.autoscalingGroupName() },
      statistic: 'Minimum',
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      threshold: number('var.node_count_max'),
      periods: 3,
      treatMissingData: 'notBreaching',
    })
  }

  /** The controller gives the load balancer its name; there is one in the account. */
  #loadBalancer(): void {
    this.#alarm('load_balancer_errors', {
      what: 'the load balancer itself answers with errors: no healthy pod',
      ...worstOf('AWS/ApplicationELB', 'HTTPCode_ELB_5XX_Count', 'SUM'),
      comparisonOperator: 'GreaterThanThreshold',
      threshold: 10,
      treatMissingData: 'notBreaching',
    })
  }
}

/** A question to all series of a metric, whatever they are called. */
function worstOf(namespace: string, metric: string, statistic: 'MAX' | 'SUM') {
  return {
    metricQuery: [
      {
        id: 'worst',
        expression: `SELECT ${statistic}(${metric}) FROM "${namespace}"`,
        period: 300,
        returnData: true,
        label: metric,
      },
    ],
  }
}
