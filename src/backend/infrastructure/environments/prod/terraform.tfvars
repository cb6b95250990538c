# Production.
environment = "prod"

# A way out in each zone, and a firewall before it that knows names.
nat_gateway_count        = 3
network_firewall_enabled = true
egress_allowed_domains = [
  # Services of AWS that have no endpoint in the network, and images of the cluster's add-ons.
  ".amazonaws.com",
  ".public.ecr.aws",
  # Images of the cluster's controllers.
  "registry.k8s.io",
  ".pkg.dev",
  ".quay.io",
  "ghcr.io",
  ".githubusercontent.com",
  # Market data: the hosts of the addresses in the secret feed-credentials.
  ".example.com",
]

domain_name = "borrow-rate.example.com"

# Nodes: the autoscaler stays between the two numbers. Types are tried in this order, and are equally large.
node_instance_types = ["m6i.4xlarge", "m5.4xlarge"]
node_count_min      = 3
node_count_max      = 20

# Database: 4 vCPU, 32 GiB, a standby in another zone, two replicas in two zones.
database_instance_class  = "db.r5.xlarge"
database_multi_az        = true
database_replica_count   = 2
database_storage_gib     = 500
database_storage_max_gib = 2000
deletion_protection      = true

# Cache: three shards, each a primary and two replicas of 4 vCPU and 12.9 GiB, in three zones.
cache_node_type            = "cache.m5.xlarge"
cache_cluster_mode_enabled = true
cache_shard_count          = 3
cache_replicas_per_shard   = 2

backup_retention_days = 30
# Two weeks after it is made, nobody can loosen the lock of the backup vault any more.
backup_vault_lock_grace_days = 14
log_retention_days           = 365
# Six years, as FINRA rule 4511 has it, and the leap days in them.
audit_lock_days = 2192

# A copy of each secret where a region that fails is rebuilt.
secret_replica_regions = ["us-west-2"]

github_repository = "example/borrow-rate-engine"
# What the workflows call it.
github_environment = "production"

alarm_email_addresses = ["devops@example.com"]
