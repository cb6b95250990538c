# Development: as little as everything still works on.
environment = "dev"

# One way out for all three zones: when its zone fails, development waits.
nat_gateway_count = 1

domain_name = "dev.borrow-rate.example.com"

# Nodes: the autoscaler stays between the two numbers. Types are tried in this order, and are equally large.
node_instance_types = ["m6i.xlarge", "m5.xlarge"]
node_count_min      = 2
node_count_max      = 5

# Database: 2 vCPU, 4 GiB, no standby, no replica.
database_instance_class  = "db.t3.medium"
database_multi_az        = false
database_replica_count   = 0
database_storage_gib     = 50
database_storage_max_gib = 200
deletion_protection      = false

# Cache: a single node of 2 vCPU and 1.5 GiB.
cache_node_type            = "cache.t3.small"
cache_cluster_mode_enabled = false
cache_replicas_per_shard   = 0

backup_retention_days = 30
log_retention_days    = 30
# Records of development are worth nothing: the shortest lock there is, so that the bucket can be emptied again.
audit_lock_days = 1

github_repository  = "example/borrow-rate-engine"
github_environment = "dev"

alarm_email_addresses = []
