# An application of two stages: what is to be found as it was configured by a second plan, in both.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "stage" {
  description = "first or second: what the second stage has otherwise is changed in place."
}

variable "package" {
  description = "The function's code, a ZIP archive."
}

locals {
  second = var.stage == "second"
  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["ec2.amazonaws.com", "lambda.amazonaws.com"] }
    }]
  })
}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "name"
    values = ["amzn2-ami-hvm-*-x86_64-gp2"]
  }
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
  filter {
    name   = "availability-zone"
    values = ["us-east-1a", "us-east-1b"]
  }
}

# Identity

resource "aws_iam_role" "app" {
  name                 = "tf-app"
  path                 = "/apps/"
  assume_role_policy   = local.trust
  max_session_duration = 7200
  tags                 = { Stage = var.stage }
}

resource "aws_iam_role_policy" "app" {
  name = "may"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:ListAllMyBuckets", "sqs:*"], Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.app.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_instance_profile" "app" {
  name = "tf-app"
  role = aws_iam_role.app.name
  tags = { Stage = var.stage }
}

resource "aws_iam_instance_profile" "other" {
  name = "tf-other"
  role = aws_iam_role.app.name
}

# One instance

resource "aws_security_group" "app" {
  name   = "tf-app"
  vpc_id = data.aws_vpc.default.id
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}

resource "aws_instance" "app" {
  ami                     = data.aws_ami.linux.id
  instance_type           = "t3.micro"
  subnet_id               = data.aws_subnets.default.ids[0]
  vpc_security_group_ids  = [aws_security_group.app.id]
  iam_instance_profile    = local.second ? aws_iam_instance_profile.other.name : aws_iam_instance_profile.app.name
  user_data               = "#!/bin/sh\necho hello\n"
  monitoring              = local.second
  ebs_optimized           = false
  source_dest_check       = !local.second
  disable_api_stop        = false
  disable_api_termination = false
  tags                    = { Name = "tf-app", Stage = var.stage }
  volume_tags             = { Stage = var.stage }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = local.second ? 3 : 2
    instance_metadata_tags      = local.second ? "enabled" : "disabled"
  }
  credit_specification {
    cpu_credits = local.second ? "standard" : "unlimited"
  }
  root_block_device {
    volume_size           = 12
    delete_on_termination = true
  }
  ebs_block_device {
    device_name = "/dev/sdf"
    volume_size = 3
    volume_type = "gp3"
  }
}

resource "aws_eip" "app" {
  instance = aws_instance.app.id
  domain   = "vpc"
}

# A group

resource "aws_launch_template" "app" {
  name                   = "tf-app"
  image_id               = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  vpc_security_group_ids = [aws_security_group.app.id]
  user_data              = base64encode("#!/bin/sh\necho ${var.stage}\n")
  update_default_version = true
  tags                   = { Stage = var.stage }

  iam_instance_profile {
    arn = aws_iam_instance_profile.app.arn
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
  }
  monitoring {
    enabled = local.second
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 10
      encrypted   = true
    }
  }
  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "of-the-group" }
  }
}

resource "aws_autoscaling_group" "app" {
  name                      = "tf-app"
  vpc_zone_identifier       = data.aws_subnets.default.ids
  min_size                  = 1
  max_size                  = 4
  desired_capacity          = local.second ? 3 : 2
  health_check_type         = "EC2"
  health_check_grace_period = 0
  default_cooldown          = 30
  termination_policies      = ["OldestInstance"]
  suspended_processes       = ["AZRebalance"]
  wait_for_capacity_timeout = "5m"

  launch_template {
    id      = aws_launch_template.app.id
    version = aws_launch_template.app.latest_version
  }
  initial_lifecycle_hook {
    name                 = "leaving"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    default_result       = "CONTINUE"
    heartbeat_timeout    = 30
  }
  tag {
    key                 = "Stage"
    value               = var.stage
    propagate_at_launch = true
  }
}

resource "aws_autoscaling_schedule" "app" {
  scheduled_action_name  = "nights"
  autoscaling_group_name = aws_autoscaling_group.app.name
  min_size               = 1
  max_size               = 4
  desired_capacity       = 1
  recurrence             = "0 22 * * *"
}

# A function

resource "aws_lambda_function" "app" {
  function_name    = "tf-app"
  role             = aws_iam_role.app.arn
  runtime          = "python3.11"
  handler          = "app.handler"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  description      = var.stage
  timeout          = local.second ? 7 : 5
  memory_size      = 256
  publish          = true
  tags             = { Stage = var.stage }

  environment {
    variables = { STAGE = var.stage }
  }
}

resource "aws_lambda_alias" "app" {
  name             = "live"
  function_name    = aws_lambda_function.app.function_name
  function_version = aws_lambda_function.app.version
}

resource "aws_lambda_permission" "app" {
  statement_id  = "queue"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.app.function_name
  principal     = "s3.amazonaws.com"
  source_arn    = "arn:aws:s3:::tf-app"
}

resource "aws_sqs_queue" "app" {
  name = "tf-app"
}

resource "aws_lambda_event_source_mapping" "app" {
  event_source_arn = aws_sqs_queue.app.arn
  function_name    = aws_lambda_function.app.arn
  batch_size       = local.second ? 4 : 5
}
