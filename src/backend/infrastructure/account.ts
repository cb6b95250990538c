// What holds for the whole account, one of which each environment has: a trail of everything that is done, a log of every connection,
// and those who look for what should not be.
import { AccessanalyzerAnalyzer } from '@cdktn/provider-aws/lib/accessanalyzer-analyzer/index.js'
import { Cloudtrail } from '@cdktn/provider-aws/lib/cloudtrail/index.js'
import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import { EbsEncryptionByDefault } from '@cdktn/provider-aws/lib/ebs-encryption-by-default/index.js'
import { EbsSnapshotBlockPublicAccess } from '@cdktn/provider-aws/lib/ebs-snapshot-block-public-access/index.js'
import { Ec2InstanceMetadataDefaults } from '@cdktn/provider-aws/lib/ec2-instance-metadata-defaults/index.js'
import { EcrRegistryScanningConfiguration } from '@cdktn/provider-aws/lib/ecr-registry-scanning-configuration/index.js'
import { FlowLog } from '@cdktn/provider-aws/lib/flow-log/index.js'
import { GuarddutyDetector } from '@cdktn/provider-aws/lib/guardduty-detector/index.js'
import { GuarddutyDetectorFeature } from '@cdktn/provider-aws/lib/guardduty-detector-feature/index.js'
import { IamAccountPasswordPolicy } from '@cdktn/provider-aws/lib/iam-account-password-policy/index.js'
import { Inspector2Enabler } from '@cdktn/provider-aws/lib/inspector2-enabler/index.js'
import { S3AccountPublicAccessBlock } from '@cdktn/provider-aws/lib/s3-account-public-access-block/index.js'
import { Construct } from 'constructs'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { policyDocument } from './policy_documents.ts'
import { role } from './roles.ts'
import type { DeclaredSettings } from './settings.ts'
import type { Storage } from './storage.ts'
import type { Network } from './vpc.ts'

export class Account extends Construct {
  readonly trail: Cloudtrail
  readonly trailLogGroup: CloudwatchLogGroup

  constructor(
    scope: Construct,
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    network: Network,
    storage: Storage,
  ) {
    super(scope, 'account')
    this.trailLogGroup = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.trail', {
      name: `/aws/cloudtrail/${naming.name}`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    this.trail = this.#trail(naming, keys, storage)
    this.#flowLog(settings, naming, keys, network)
    this.#watchers(naming)
    this.#defaults()
  }

  #trail(naming: Naming, keys: Keys, storage: Storage): Cloudtrail {
    const writer = role(this, naming, 'trail', {
      description: 'Writes the trail to its log',
      trust: trusted('cloudtrail.amazonaws.com', naming),
      statements: [
        {
          sid: 'WriteTrail',
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [`${this.trailLogGroup.arn}:*`],
        },
      ],
    })
    return new Cloudtrail(this, 'aws_cloudtrail.main', {
      name: naming.name,
      s3BucketName: storage.logs.id,
      s3KeyPrefix: 'cloudtrail',
      kmsKeyId: keys.logs.arn,
      cloudWatchLogsGroupArn: `${this.trailLogGroup.arn}:*`,
      cloudWatchLogsRoleArn: writer.arn,
      isMultiRegionTrail: true,
      includeGlobalServiceEvents: true,
      enableLogFileValidation: true,
      enableLogging: true,
      // Besides what is done to resources: who reads or writes records of the audit log.
      advancedEventSelector: [
        { name: 'Management', fieldSelector: [{ field: 'eventCategory', equalTo: ['Management'] }] },
        {
          name: 'Records',
          fieldSelector: [
            { field: 'eventCategory', equalTo: ['Data'] },
            { field: 'resources.type', equalTo: ['AWS::S3::Object'] },
            { field: 'resources.ARN', startsWith: [`${storage.audit.arn}/`] },
          ],
        },
      ],
      tags: { Name: naming.name },
      // CloudTrail looks whether it may write before it is made.
      dependsOn: [storage.logsPolicy],
    })
  }

  #flowLog(settings: DeclaredSettings, naming: Naming, keys: Keys, network: Network): void {
    const group = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.flow', {
      name: `/aws/vpc/${naming.name}/flow`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    const writer = role(this, naming, 'flow-log', {
      description: 'Writes the log of connections',
      trust: trusted('vpc-flow-logs.amazonaws.com', naming),
      statements: [
        {
          sid: 'WriteFlows',
          actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
          resources: [`${group.arn}:*`],
        },
        { sid: 'FindLog', actions: ['logs:DescribeLogGroups'] },
      ],
    })
    new FlowLog(this, 'aws_flow_log.main', {
      vpcId: network.vpc.id,
      trafficType: 'ALL',
      logDestinationType: 'cloud-watch-logs',
      logDestination: group.arn,
      iamRoleArn: writer.arn,
      maxAggregationInterval: 60,
      tags: { Name: naming.name },
    })
  }

  #watchers(naming: Naming): void {
    new AccessanalyzerAnalyzer(this, 'aws_accessanalyzer_analyzer.main', {
      analyzerName: naming.name,
      type: 'ACCOUNT',
    })
    const detector = new GuarddutyDetector(this, 'aws_guardduty_detector.main', {
      enable: true,
      findingPublishingFrequency: 'FIFTEEN_MINUTES',
    })
    for (const feature of ['EKS_AUDIT_LOGS', 'S3_DATA_EVENTS', 'RDS_LOGIN_EVENTS']) {
      new GuarddutyDetectorFeature(this, `aws_guardduty_detector_feature.${feature.toLowerCase()}`, {
        detectorId: detector.id,
        name: feature,
        status: 'ENABLED',
      })
    }
    const inspector = new Inspector2Enabler(this, 'aws_inspector2_enabler.main', {
      accountIds: [naming.accountId],
      resourceTypes: ['ECR', 'EC2'],
    })
    // Images are looked at when they come, and again when a new weakness is known.
    new EcrRegistryScanningConfiguration(this, 'aws_ecr_registry_scanning_configuration.main', {
      scanType: 'ENHANCED',
      rule: [
        {
          scanFrequency: 'CONTINUOUS_SCAN',
          repositoryFilter: [{ filter: 'borrow-rate-engine*', filterType: 'WILDCARD' }],
        },
      ],
      dependsOn: [inspector],
    })
  }

  /** What holds where nobody says otherwise. */
  #defaults(): void {
    new EbsEncryptionByDefault(this, 'aws_ebs_encryption_by_default.main', { enabled: true })
    new EbsSnapshotBlockPublicAccess(this, 'aws_ebs_snapshot_block_public_access.main', {
      state: 'block-all-sharing',
    })
    new Ec2InstanceMetadataDefaults(this, 'aws_ec2_instance_metadata_defaults.main', {
      httpEndpoint: 'enabled',
      httpTokens: 'required',
      httpPutResponseHopLimit: 1,
    })
    new S3AccountPublicAccessBlock(this, 'aws_s3_account_public_access_block.main', {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    })
    new IamAccountPasswordPolicy(this, 'aws_iam_account_password_policy.main', {
      minimumPasswordLength: 16,
      passwordReusePrevention: 24,
      maxPasswordAge: 90,
      requireLowercaseCharacters: true,
      requireUppercaseCharacters: true,
      requireNumbers: true,
      requireSymbols: true,
      allowUsersToChangePassword: true,
    })
  }
}

/** A service, on behalf of this account and no other. */
function trusted(service: string, naming: Naming): string {
  return policyDocument({
    sid: 'Service',
    actions: ['sts:AssumeRole'],
    principals: { Service: [service] },
    conditions: { StringEquals: { 'aws:SourceAccount': naming.accountId } },
  })
}
