# Staging: built as production, and smaller.
environment = "staging"

# A way out in each zone, as in production: whether the loss of a zone is survived can be tried here.
nat_gateway_count = 3

domain_name = "staging.borrow-rate.example.com"

# Nodes: the autoscaler stays between the two numbers. Types are tried in this order, and are equally large.
node_instance_types = ["m6i.2xlarge", "m5.2xlarge"]
node_count_min      = 3
node_count_max      = 10

# Database: 2 vCPU, 16 GiB, a standby in another zone, one replica.
database_instance_class  = "db.r5.large"
database_multi_az        = true
database_replica_count   = 1
database_storage_gib     = 100
database_storage_max_gib = 500
deletion_protection      = true

# Cache: a primary and a replica of 2 vCPU and 6.4 GiB each.
cache_node_type            = "cache.m5.large"
cache_cluster_mode_enabled = false
cache_replicas_per_shard   = 1

backup_retention_days = 30
log_retention_days    = 90
audit_lock_days       = 30

github_repository  = "example/borrow-rate-engine"
github_environment = "staging"

alarm_email_addresses = ["devops@example.com"]
