# Production, as its plan would be: sizes, numbers, places. With credentials it asks AWS, which makes nothing of a plan;
# rehearsal/rehearsal.test.ts runs it without. (Terraform cannot mock a provider with ephemeral resources.)

# The same as in environments/prod/terraform.tfvars.
variables {
  environment              = "prod"
  nat_gateway_count        = 3
  network_firewall_enabled = true
  egress_allowed_domains = [
    ".amazonaws.com",
    ".public.ecr.aws",
    "registry.k8s.io",
    ".pkg.dev",
    ".quay.io",
    "ghcr.io",
    ".githubusercontent.com",
    ".example.com",
  ]
  domain_name                  = "borrow-rate.example.com"
  node_instance_types          = ["m6i.4xlarge", "m5.4xlarge"]
  node_count_min               = 3
  node_count_max               = 20
  database_instance_class      = "db.r5.xlarge"
  database_multi_az            = true
  database_replica_count       = 2
  database_storage_gib         = 500
  database_storage_max_gib     = 2000
  deletion_protection          = true
  cache_node_type              = "cache.m5.xlarge"
  cache_cluster_mode_enabled   = true
  cache_shard_count            = 3
  cache_replicas_per_shard     = 2
  backup_retention_days        = 30
  backup_vault_lock_grace_days = 14
  log_retention_days           = 365
  audit_lock_days              = 2192
  secret_replica_regions       = ["us-west-2"]
  github_repository            = "example/borrow-rate-engine"
  github_environment           = "production"
  alarm_email_addresses        = ["devops@example.com"]
}

run "sizes" {
  command = plan

  assert {
    condition     = aws_eks_cluster.main.name == "borrow-rate-engine-prod" && aws_db_instance.main.identifier == "borrow-rate-engine-prod"
    error_message = "The cluster and the database are called after the environment."
  }

  assert {
    condition     = one(aws_eks_node_group.services.scaling_config).min_size == 3 && one(aws_eks_node_group.services.scaling_config).max_size == 20
    error_message = "There are 3 to 20 nodes."
  }

  assert {
    condition     = aws_db_instance.main.instance_class == "db.r5.xlarge" && aws_db_instance.main.multi_az == true && aws_db_instance.main.backup_retention_period == 30
    error_message = "The database is a db.r5.xlarge, with a standby, and its backups are kept 30 days."
  }

  assert {
    condition     = length(aws_db_instance.replica) == 2 && length(distinct(aws_db_instance.replica[*].availability_zone)) == 2
    error_message = "There are two read replicas, in two zones."
  }

  assert {
    condition     = aws_elasticache_replication_group.main.node_type == "cache.m5.xlarge"
    error_message = "A node of the cache is a cache.m5.xlarge."
  }

  assert {
    condition     = aws_elasticache_replication_group.main.num_node_groups == 3 && aws_elasticache_replication_group.main.replicas_per_node_group == 2
    error_message = "Production's cache has three shards, each a primary and two replicas."
  }

  assert {
    condition     = anytrue([for parameter in aws_elasticache_parameter_group.main.parameter : parameter.name == "cluster-enabled" && parameter.value == "yes"])
    error_message = "Cluster mode is on."
  }
}

run "network" {
  command = plan

  assert {
    condition     = aws_vpc.main.cidr_block == "10.0.0.0/16"
    error_message = "The network is 10.0.0.0/16."
  }

  assert {
    condition     = alltrue([for tier in [aws_subnet.public, aws_subnet.app, aws_subnet.data] : length(distinct(tier[*].availability_zone)) == 3])
    error_message = "Each tier has a subnet in each of three zones."
  }

  assert {
    condition     = aws_subnet.app[*].cidr_block == ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"]
    error_message = "The application tier has three quarters of the addresses."
  }

  assert {
    condition     = aws_subnet.data[*].cidr_block == ["10.0.208.0/24", "10.0.209.0/24", "10.0.210.0/24"]
    error_message = "The data tier has 10.0.208.0/24 and on."
  }

  assert {
    condition     = length(aws_nat_gateway.main) == 3
    error_message = "There are three NAT gateways."
  }

  assert {
    condition     = length(aws_networkfirewall_firewall.egress) == 1 && length(aws_route.app_to_nat) == 0 && length(aws_route.app_to_firewall) == 3
    error_message = "What leaves the application tier passes the firewall, in every zone."
  }
}

run "a_wrong_value_is_refused" {
  command = plan

  variables {
    cache_shard_count = 1
  }

  expect_failures = [var.cache_shard_count]
}
