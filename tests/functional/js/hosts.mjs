// A program on an instance that knows nothing of Locum: who it is, and an object in a bucket with dots in its name.

import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const [bucket, key] = process.argv.slice(2);
const { Arn } = await new STSClient({ maxAttempts: 1 }).send(new GetCallerIdentityCommand({}));
const found = await new S3Client({ maxAttempts: 1 }).send(new GetObjectCommand({ Bucket: bucket, Key: key }));
console.log(JSON.stringify({ arn: Arn, body: await found.Body.transformToString() }));
