#!/bin/sh
# The same with curl alone, which looks for credentials where an SDK would: sh app-curl.sh BUCKET OTHER
set -eu

field() { # NAME: the text of a member of the JSON document on standard input
    tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\" *: *\"\(.*\)\" *$/\1/p"
}
element() { # NAME: the text of the elements of the XML document on standard input
    tr '<' '\n' | sed -n "s/^$1>//p"
}

if [ -n "${AWS_ACCESS_KEY_ID:-}" ]; then
    found="{\"AccessKeyId\":\"$AWS_ACCESS_KEY_ID\",\"SecretAccessKey\":\"$AWS_SECRET_ACCESS_KEY\",\"Token\":\"$AWS_SESSION_TOKEN\"}"
elif [ -n "${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI:-}" ]; then
    found=$(curl -sf "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
elif [ -n "${AWS_CONTAINER_CREDENTIALS_FULL_URI:-}" ]; then
    token=${AWS_CONTAINER_AUTHORIZATION_TOKEN:-$(cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")}
    found=$(curl -sf -H "Authorization: $token" "$AWS_CONTAINER_CREDENTIALS_FULL_URI")
elif [ -n "${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then
    answer=$(curl -sf "$AWS_ENDPOINT_URL/" -d Action=AssumeRoleWithWebIdentity -d Version=2011-06-15 \
        --data-urlencode "RoleArn=$AWS_ROLE_ARN" --data-urlencode "RoleSessionName=$AWS_ROLE_SESSION_NAME" \
        --data-urlencode "WebIdentityToken@$AWS_WEB_IDENTITY_TOKEN_FILE")
    found="{\"AccessKeyId\":\"$(echo "$answer" | element AccessKeyId)\",\"SecretAccessKey\":\"$(echo "$answer" |
        element SecretAccessKey)\",\"Token\":\"$(echo "$answer" | element SessionToken)\"}"
else
    imds=http://169.254.169.254/latest
    token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/api/token")
    role=$(curl -sf -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/iam/security-credentials/")
    found=$(curl -sf -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/iam/security-credentials/$role")
fi
key=$(echo "$found" | field AccessKeyId):$(echo "$found" | field SecretAccessKey)
session=$(echo "$found" | field Token)

call() { # SERVICE URL [OPTION]...
    service=$1
    shift
    curl -s --aws-sigv4 "aws:amz:$AWS_REGION:$service" --user "$key" -H "X-Amz-Security-Token: $session" "$@"
}
call sts "$AWS_ENDPOINT_URL/" -d 'Action=GetCallerIdentity&Version=2011-06-15' | element Arn
empty="X-Amz-Content-Sha256: $(printf '' | sha256sum | cut -d ' ' -f 1)"
call s3 "$AWS_ENDPOINT_URL/$1?list-type=2" -H "$empty" | element Key
call s3 "$AWS_ENDPOINT_URL/$2?list-type=2" -H "$empty" | element Code
