#!/bin/sh
# The same with the AWS CLI: sh app-cli.sh BUCKET OTHER
set -eu
aws sts get-caller-identity --query Arn --output text
aws s3api list-objects-v2 --bucket "$1" --query 'Contents[].Key' --output text
aws s3api list-objects-v2 --bucket "$2" 2>&1 | sed -n 's/.*(\(AccessDenied\)).*/\1/p'
