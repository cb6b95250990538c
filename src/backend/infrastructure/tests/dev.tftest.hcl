# Development, as its plan would be: sizes, numbers, places. With credentials it asks AWS, which makes nothing of a plan;
# rehearsal/rehearsal.test.ts runs it without. (Terraform cannot mock a provider with ephemeral resources.)

# The same as in environments/dev/terraform.tfvars.
variables {
  environment                = "dev"
  nat_gateway_count          = 1
  domain_name                = "dev.borrow-rate.example.com"
  node_instance_types        = ["m6i.xlarge", "m5.xlarge"]
  node_count_min             = 2
  node_count_max             = 5
  database_instance_class    = "db.t3.medium"
  database_multi_az          = false
  database_replica_count     = 0
  database_storage_gib       = 50
  database_storage_max_gib   = 200
  deletion_protection        = false
  cache_node_type            = "cache.t3.small"
  cache_cluster_mode_enabled = false
  cache_replicas_per_shard   = 0
  backup_retention_days      = 30
  log_retention_days         = 30
  audit_lock_days            = 1
  github_repository          = "example/borrow-rate-engine"
  github_environment         = "dev"
  alarm_email_addresses      = []
}

run "sizes" {
  command = plan

  assert {
    condition     = aws_eks_cluster.main.name == "borrow-rate-engine-dev" && aws_db_instance.main.identifier == "borrow-rate-engine-dev"
    error_message = "The cluster and the database are called after the environment."
  }

  assert {
    condition     = one(aws_eks_node_group.services.scaling_config).min_size == 2 && one(aws_eks_node_group.services.scaling_config).max_size == 5
    error_message = "There are 2 to 5 nodes."
  }

  assert {
    condition     = aws_db_instance.main.instance_class == "db.t3.medium" && aws_db_instance.main.multi_az == false && aws_db_instance.main.backup_retention_period == 30
    error_message = "The database is a db.t3.medium, without a standby, and its backups are kept 30 days."
  }

  assert {
    condition     = length(aws_db_instance.replica) == 0
    error_message = "There is no read replica."
  }

  assert {
    condition     = aws_elasticache_replication_group.main.node_type == "cache.t3.small"
    error_message = "A node of the cache is a cache.t3.small."
  }

  assert {
    condition     = aws_elasticache_replication_group.main.num_cache_clusters == 1
    error_message = "The cache has a single node."
  }

  assert {
    condition     = anytrue([for parameter in aws_elasticache_parameter_group.main.parameter : parameter.name == "cluster-enabled" && parameter.value == "no"])
    error_message = "Cluster mode is off."
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
    condition     = length(aws_nat_gateway.main) == 1
    error_message = "There is one NAT gateway."
  }

  assert {
    condition     = length(aws_networkfirewall_firewall.egress) == 0 && length(aws_route.app_to_nat) == 3
    error_message = "What leaves the application tier goes to a NAT gateway."
  }
}

run "a_wrong_value_is_refused" {
  command = plan

  variables {
    nat_gateway_count = 2
  }

  expect_failures = [var.nat_gateway_count]
}
