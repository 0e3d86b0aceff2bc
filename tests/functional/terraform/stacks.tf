# Stacks of CloudFormation: one of a template, one of an object in S3.

locals {
  template = jsonencode({
    Parameters = { Stage = { Type = "String" } }
    Resources = {
      Role = {
        Type       = "AWS::IAM::Role"
        Properties = { AssumeRolePolicyDocument = jsondecode(local.trust) }
      }
      Queue = {
        Type       = "AWS::SQS::Queue"
        Properties = { VisibilityTimeout = local.second ? 60 : 30 }
      }
    }
    Outputs = { Role = { Value = { Ref = "Role" } }, Stage = { Value = { Ref = "Stage" } } }
  })
}

resource "aws_cloudformation_stack" "body" {
  name          = "terraform-body"
  template_body = local.template
  capabilities  = ["CAPABILITY_IAM"]
  parameters    = { Stage = var.stage }
  tags          = { Stage = var.stage }
}

resource "aws_s3_bucket" "templates" {
  bucket = "terraform-templates"
}

resource "aws_s3_object" "template" {
  bucket  = aws_s3_bucket.templates.id
  key     = "template.json"
  content = jsonencode({ Resources = { Topic = { Type = "AWS::SNS::Topic" } } })
}

resource "aws_cloudformation_stack" "url" {
  name         = "terraform-url"
  template_url = "https://${aws_s3_bucket.templates.id}.s3.us-east-1.amazonaws.com/${aws_s3_object.template.key}"
}

data "aws_cloudformation_stack" "body" {
  name = aws_cloudformation_stack.body.name
}

output "stage" {
  value = data.aws_cloudformation_stack.body.outputs["Stage"]
}
